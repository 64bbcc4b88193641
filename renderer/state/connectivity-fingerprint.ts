// Compares a fingerprint that a person pastes with the one of the certificate, as hex or as 24 words, and says where
// they differ. Pure. Must never call two fingerprints the same unless all 32 bytes of them are.
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { parseFingerprint } from '../../shared/contracts/fingerprint.ts';

/** Hex digits of a group as `formatFingerprint` shows them. */
const groupDigits = 4;
const wordCount = 24;
/** Longest paste that is looked at, in UTF-16 units. */
const maxText = 1024;

export type Comparison =
  | { readonly result: 'empty' }
  | { readonly result: 'same' }
  /** Zero-based groups of four digits, or words, that are different. */
  | { readonly result: 'different'; readonly unit: 'group' | 'word'; readonly at: readonly number[] }
  | { readonly result: 'invalid'; readonly problem: GatehouseError };

export function compareFingerprint(text: string, fingerprint: string, words: readonly string[]): Comparison {
  if (text.trim() === '') return { result: 'empty' };
  const pasted = wordsOf(text);
  if (pasted !== null && words.length === wordCount) return verdict('word', pasted, words);
  try {
    return verdict('group', groupsOf(parseFingerprint(text)), groupsOf(fingerprint));
  } catch (error) {
    if (error instanceof GatehouseError) return { result: 'invalid', problem: error };
    throw error;
  }
}

function verdict(unit: 'group' | 'word', a: readonly string[], b: readonly string[]): Comparison {
  const at = b.flatMap((part, index) => (part === a[index] ? [] : [index]));
  return at.length === 0 && a.length === b.length ? { result: 'same' } : { result: 'different', unit, at };
}

/** 24 words of letters, numbered or not; null where it is something else. */
function wordsOf(text: string): string[] | null {
  if (text.length > maxText) return null;
  const words = text.toLowerCase().match(/[a-z]+/g) ?? [];
  const bare = text.toLowerCase().replace(/[a-z\s\d.,;:)]/g, '');
  return words.length === wordCount && bare === '' && words.every((word) => word.length >= 3) ? words : null;
}

function groupsOf(hex: string): string[] {
  const groups: string[] = [];
  for (let start = 0; start < hex.length; start += groupDigits)
    groups.push(hex.slice(start, start + groupDigits));
  return groups;
}
