// Answers of the service turned back into what was meant: a result, or a GatehouseError. What does not have their form
// becomes an error too, never a half-read value.
import type { CallName, CallResult } from '../../shared/contracts/console/calls.ts';
import { GatehouseError, isErrorCode } from '../../shared/contracts/errors.ts';
import type { ErrorDetails } from '../../shared/contracts/errors.ts';

/** The result in an answer to call N. @throws GatehouseError what the answer says, or `internal` where it is none */
export function resultOf<N extends CallName>(answer: unknown): CallResult<N> {
  if (typeof answer !== 'object' || answer === null) throw unreadable();
  if ('error' in answer) throw reviveError(answer.error);
  if (!('result' in answer)) throw unreadable();
  return answer.result as CallResult<N>;
}

/** An error that crossed a process, of whatever form it arrived in. */
export function reviveError(value: unknown): GatehouseError {
  if (typeof value !== 'object' || value === null) return unreadable();
  const { code, message, details } = value as Readonly<Record<string, unknown>>;
  if (!isErrorCode(code) || typeof message !== 'string') return unreadable();
  return new GatehouseError(code, message, isDetails(details) ? { details } : {});
}

export function cancelled(): GatehouseError {
  return new GatehouseError('cancelled', 'The call was cancelled.');
}

function isDetails(value: unknown): value is ErrorDetails {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unreadable(): GatehouseError {
  return new GatehouseError('internal', 'The service gave an answer that the console cannot read.');
}
