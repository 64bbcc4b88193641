// Answers of the service turned back into what was meant: a result, or a GatehouseError. What does not have their form
// becomes an error too, never a half-read value.
import { GatehouseError, isErrorCode } from '../../shared/contracts/errors.ts';
import type { ErrorDetails } from '../../shared/contracts/errors.ts';

/** An error that crossed a process, of whatever form it arrived in. */
export function reviveError(value: unknown): GatehouseError {
  if (typeof value !== 'object' || value === null) return unreadable();
  const { code, message, details } = value as Readonly<Record<string, unknown>>;
  if (!isErrorCode(code) || typeof message !== 'string') return unreadable();
  return new GatehouseError(code, message, isDetails(details) ? { details } : {});
}

function isDetails(value: unknown): value is ErrorDetails {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unreadable(): GatehouseError {
  return new GatehouseError('internal', 'The service gave an answer that the console cannot read.');
}
