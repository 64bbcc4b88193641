// An error in the person's language: a sentence for its code, and the service's own words where they say more.
import { asGatehouseError } from '../../shared/contracts/errors.ts';
import type { ErrorCode } from '../../shared/contracts/errors.ts';

export interface ErrorText {
  readonly text: string;
  /** The service's own sentence, in English, where it has details; else null. */
  readonly detail: string | null;
  readonly code: ErrorCode;
}

export function describeError(error: unknown): ErrorText {
  const told = asGatehouseError(error);
  return { text: told.message, detail: null, code: told.code };
}
