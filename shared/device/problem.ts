// Refusals outside a session's encryption: RFC 9457 problems that the relay or anybody on the way may have written. They
// are hints about what to try next, and no word on what the agent did.
import { GatehouseError, isErrorCode } from '../contracts/errors.ts';

/** Longest problem that is read, in bytes. */
export const maxProblemLength = 64 * 1024;
const maxDetailLength = 500;

/** The refusal in an answer of `status`, whatever its body is. */
export function problemError(status: number, body: string): GatehouseError {
  const { code, detail } = membersOf(body);
  const details = { status, authenticated: false };
  if (isErrorCode(code)) {
    const message = typeof detail === 'string' ? printable(detail) : 'The relay refused the request.';
    return new GatehouseError(code, message, { details });
  }
  const message = `The relay answered with HTTP status ${status}. Check its address, and try again.`;
  return new GatehouseError('relay_protocol', message, { details });
}

/** A stranger's text for a person: without control characters, and not long. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, ' ').slice(0, maxDetailLength);
}

function membersOf(body: string): { readonly code?: unknown; readonly detail?: unknown } {
  try {
    const value: unknown = JSON.parse(body);
    return Object(value) as { code?: unknown; detail?: unknown };
  } catch {
    return {};
  }
}
