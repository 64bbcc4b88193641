// How a value answers to a term of a filter: words without case, texts as a phrase of whole words whose last may be the
// beginning of one; a text without any word, such as `!?`, as the characters that it is. The same for the index, for the
// audit log and for what the full-text index has not reached.
import type { TermValue } from '../../../../shared/contracts/filter/filter.ts';

export type WordMatcher = (value: string | null) => boolean;

/** Whether a value is one of `values`; null is none. */
export function wordMatcher(values: readonly TermValue[]): WordMatcher {
  const exact = new Set<string>();
  const prefixes: string[] = [];
  for (const value of values) {
    if (value.kind !== 'word') continue;
    if (value.prefix) prefixes.push(fold(value.text));
    else exact.add(fold(value.text));
  }
  return (value) => {
    if (value === null) return false;
    const folded = fold(value);
    return exact.has(folded) || prefixes.some((prefix) => folded.startsWith(prefix));
  };
}

/** The words of a text, as FTS5's tokenizer `unicode61 remove_diacritics 2` cuts them. */
export function wordsOf(text: string): string[] {
  return normalise(text).split(' ').filter(Boolean);
}

/** Matches nothing where `text` is blank. */
export function phraseMatcher(text: string): WordMatcher {
  const words = wordsOf(text);
  if (words.length === 0) return charactersMatcher(text);
  const [first = ''] = words;
  const phrase = ` ${words.join(' ')}`;
  return (value) => {
    if (value === null) return false;
    // What is plain ASCII need not be cut into words to see that the first of them is not there.
    if (plain.test(value) && !value.toLowerCase().includes(first)) return false;
    return ` ${normalise(value)}`.includes(phrase);
  };
}

function charactersMatcher(text: string): WordMatcher {
  const wanted = fold(text.trim());
  if (wanted === '') return () => false;
  return (value) => value !== null && fold(value).includes(wanted);
}

/** For FTS5's MATCH; null where `text` has no word. */
export function phraseQuery(text: string): string | null {
  const words = wordsOf(text);
  return words.length === 0 ? null : `"${words.join(' ')}" *`;
}

const plain = /^[\p{ASCII}]*$/u;

/** Words in lower case without diacritics, a space between them. */
function normalise(text: string): string {
  const bare = plain.test(text) ? text : text.normalize('NFD').replace(/\p{M}+/gu, '');
  return bare
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{Co}]+/gu, ' ')
    .trim();
}

function fold(text: string): string {
  return text.toLowerCase();
}
