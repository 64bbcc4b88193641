// Finds the values of members with secret names in a text, whether it is JSON, JSON inside JSON strings (whose
// quotes have backslashes), cut off, broken, or header lines and forms. It does not parse: whether a quote opens or
// closes cannot be known in a broken text, so each quote is tried as the beginning of a name. Pure.
import { isExactSecretName, isSecretName } from './member-names.ts';
import { redactedMark } from './span.ts';
import type { Span } from './span.ts';

const space = String.raw`(?:\s|\\+[rnt])*`;
const separator = String.raw`${space}(=>|[:=,])${space}`;
/** At most 256 characters: a longer name is no name that anybody made a rule for. */
const quotedName = new RegExp(String.raw`(\\*)(["'])((?:(?!\1\2)[^\r\n]){1,256})\1\2${separator}`, 'g');
const bareName = new RegExp(String.raw`(?<![\w$])([A-Za-z_$][\w$.-]{0,127})${separator}`, 'g');

const quote = /(\\*)(["'])/g;
const opening = /(\\*)(["'])/y;
const bracketOrQuote = /[[\]{}]|(\\*)(["'])/g;
/** What stands without quotes behind a quoted name: up to what ends a value in JSON. */
const scalar = /[^,}\]\r\n"'\\]*/y;
/**
 * What is behind a name without quotes. `name:` has the rest of the line, `name=` ends where a field of a form does. In
 * JSON a quote ends both, and so does a single backslash before r, n or t.
 */
const inText = { line: /[^\r\n]*/y, field: /[^\s&]*/y };
const inJson = {
  line: /(?:[^\r\n"'\\]|\\\\|\\(?![rnt"'\\]))*/y,
  field: /(?:[^\s&"'\\]|\\\\|\\(?![rnt"'\\]))*/y,
};

/** @param names in normal form, beside those that are always secret */
export function findMembers(text: string, names: ReadonlySet<string>): Span[] {
  return [...findQuoted(text, names), ...findBare(text, names)];
}

function findQuoted(text: string, names: ReadonlySet<string>): Span[] {
  const spans: Span[] = [];
  quotedName.lastIndex = 0;
  for (let match = quotedName.exec(text); match !== null; match = quotedName.exec(text)) {
    const [whole, run = '', mark = '"', name = '', sign] = match;
    const at = match.index + whole.length;
    // The next name may begin at the quote that ended this one.
    quotedName.lastIndex = match.index + run.length + 1;
    // Headers as pairs: ["cookie","a=b"].
    const isSecret = sign === ',' ? isPair(text, at, name, names) : isSecretName(name, names);
    if (isSecret) spans.push(valueAt(text, at, run + mark));
  }
  return spans.filter(({ start, end }) => end > start);
}

function isPair(text: string, at: number, name: string, names: ReadonlySet<string>): boolean {
  return matchAt(opening, text, at) !== null && isExactSecretName(name, names);
}

function findBare(text: string, names: ReadonlySet<string>): Span[] {
  const rests = /^\s*["[{]/.test(text) ? inJson : inText;
  const spans = [...text.matchAll(bareName)].map(({ index, 0: whole, 1: name = '', 2: sign }) => {
    const at = index + whole.length;
    // In JSON an n at the front may be a line break.
    const isSecret =
      isSecretName(name, names) || (text[index - 1] === '\\' && isSecretName(name.slice(1), names));
    if (sign === ',' || !isSecret) return { start: at, end: at, mark: '' };
    const isStructured = matchAt(opening, text, at) !== null || /[[{]/.test(text.charAt(at));
    return isStructured ? valueAt(text, at, '"') : restAt(text, at, sign === ':' ? rests.line : rests.field);
  });
  return spans.filter(({ start, end }) => end > start);
}

function restAt(text: string, at: number, rest: RegExp): Span {
  return { start: at, end: at + (matchAt(rest, text, at)?.[0].length ?? 0), mark: redactedMark };
}

/** The value that begins at `at`. @param delimiter what the name's quotes are */
function valueAt(text: string, at: number, delimiter: string): Span {
  const mark = delimiter + redactedMark + delimiter;
  const open = matchAt(opening, text, at);
  if (open !== null) {
    const start = at + open[0].length;
    return { start, end: closing(text, start, open).start, mark: redactedMark };
  }
  if (text[at] === '{' || text[at] === '[') return { start: at, end: endOfBrackets(text, at), mark };
  const end = at + (matchAt(scalar, text, at)?.[0].length ?? 0);
  // b"…", or something broken: what is quoted goes too.
  const late = matchAt(opening, text, end);
  return { start: at, end: late === null ? end : closing(text, end + late[0].length, late).end, mark };
}

/**
 * Where the string that `open` opened before `from` ends. With r backslashes before its quotes, a quote ends it
 * that has r and a multiple of 2(r + 1) more: those are escaped backslashes, anything else is an escaped quote.
 */
function closing(text: string, from: number, open: RegExpExecArray): { start: number; end: number } {
  const [, { length: run } = '', mark] = open;
  quote.lastIndex = from;
  for (let match = quote.exec(text); match !== null; match = quote.exec(text)) {
    const more = (match[1]?.length ?? 0) - run;
    if (match[2] !== mark || more < 0 || more % (2 * (run + 1)) !== 0) continue;
    return { start: match.index + more, end: quote.lastIndex };
  }
  return { start: text.length, end: text.length };
}

function endOfBrackets(text: string, at: number): number {
  let depth = 0;
  let from = at;
  for (;;) {
    bracketOrQuote.lastIndex = from;
    const match = bracketOrQuote.exec(text);
    if (match === null) return text.length;
    from = bracketOrQuote.lastIndex;
    if (match[2] !== undefined) from = closing(text, from, match).end;
    else depth += '[{'.includes(match[0]) ? 1 : -1;
    if (depth === 0) return from;
  }
}

function matchAt(sticky: RegExp, text: string, at: number): RegExpExecArray | null {
  sticky.lastIndex = at;
  return sticky.exec(text);
}
