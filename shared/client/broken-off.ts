// The two ways in which an answer fails to arrive whole. Must never be used for an answer that did.
import { GatehouseError } from '../contracts/errors.ts';

/** The answer had begun. */
export function truncated(cause?: unknown): GatehouseError {
  const message = 'The answer ended before its end: what arrived is not all of it. Try again.';
  return new GatehouseError('truncated', message, { cause });
}

/** The answer had not begun. */
export function ended(cause?: unknown): GatehouseError {
  const reason = cause instanceof GatehouseError ? ` ${cause.message}` : '';
  const message = `The session ended before the request was answered; whether the service acted on it is unknown.${reason}`;
  return new GatehouseError('session_ended', message, { cause });
}
