// What a pasted text is beside a fingerprint: the same, different from a digit on, or no fingerprint at all.
// Must never echo the pasted text: it may be a secret in the wrong field.
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { parseFingerprint } from '../../shared/contracts/fingerprint.ts';
import { fingerprintOfWords } from '../../shared/contracts/fingerprint-words.ts';

export type Comparison =
  | { readonly outcome: 'empty' }
  | { readonly outcome: 'same' }
  /** `at`: index of the first different one of the 64 digits. */
  | { readonly outcome: 'different'; readonly at: number; readonly pasted: string }
  | { readonly outcome: 'unreadable'; readonly reason: string };

/** At least so many words of letters are tried as words of the list. */
const WORDS = 12;

export async function compareFingerprint(fingerprint: string, text: string): Promise<Comparison> {
  if (text.trim() === '') return { outcome: 'empty' };
  const words = text.match(/\b[a-zA-Z]{3,8}\b/g)?.length ?? 0;
  const spoken = words >= WORDS ? await fingerprintOfWords(text) : null;
  if (spoken !== null) return compareDigits(fingerprint, spoken);
  try {
    return compareDigits(fingerprint, parseFingerprint(text));
  } catch (error) {
    const reason = error instanceof GatehouseError ? error.details.reason : undefined;
    return { outcome: 'unreadable', reason: String(reason ?? '') };
  }
}

function compareDigits(fingerprint: string, pasted: string): Comparison {
  if (fingerprint === pasted) return { outcome: 'same' };
  const at = Array.from(fingerprint).findIndex((digit, index) => digit !== pasted[index]);
  return { outcome: 'different', at, pasted };
}
