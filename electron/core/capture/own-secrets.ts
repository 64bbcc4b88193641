// Finds what Gatehouse's own secrets look like: access tokens `gh_<id>_<secret>` and private keys as PEM, also
// where a text ends in the middle of one. Pure.
import { redactedMark } from './span.ts';
import type { Span } from './span.ts';

const token = /gh(?:_|%5f)[a-z2-7]{12}(?:_|%5f)[A-Za-z0-9_-]+/gi;
const keyBegin = /-----BEGIN[A-Z0-9 ]{0,40}PRIVATE ?KEY/g;
const keyEnd = /-----END[A-Z0-9 ]{0,40}PRIVATE ?KEY-----/g;

/** Every access token and private key; a key without an end goes to the end of the text. */
export function findOwnSecrets(text: string): Span[] {
  const tokens = [...text.matchAll(token)].map(({ index, 0: { length } }) => spanOf(index, index + length));
  return [...tokens, ...findKeys(text)];
}

/** `text` without what may stand between the characters of a secret: white space, line breaks in JSON, quotes, zeros. */
export function squeeze(text: string): string {
  return text.replace(/\\+[rnt]|[\s\0"'+,\\]/g, '');
}

function findKeys(text: string): Span[] {
  const spans: Span[] = [];
  for (let from = 0; ;) {
    keyBegin.lastIndex = from;
    const begin = keyBegin.exec(text);
    if (begin === null) return spans;
    keyEnd.lastIndex = begin.index;
    const end = keyEnd.exec(text);
    from = end === null ? text.length : end.index + end[0].length;
    spans.push(spanOf(begin.index, from));
  }
}

function spanOf(start: number, end: number): Span {
  return { start, end, mark: redactedMark };
}
