// Cuts a filter's text into its terms: an optional `-`, then a word to search for, or a field, an operator and its
// values. Knows where everything stands and nothing of what fields there are. Must never throw, and be linear.

/** A value or a word as it was written: `text` without quotes and escapes, its columns with them. */
export interface Piece {
  readonly text: string;
  readonly quoted: boolean;
  readonly closed: boolean;
  readonly start: number;
  readonly end: number;
}

export interface FieldToken {
  readonly kind: 'field';
  readonly negated: boolean;
  readonly name: Piece;
  readonly operator: string;
  /** Behind the operator. */
  readonly valuesStart: number;
  /** At least one, which may be empty. */
  readonly values: readonly Piece[];
  readonly start: number;
  readonly end: number;
}

export interface TextToken {
  readonly kind: 'text';
  readonly negated: boolean;
  readonly piece: Piece;
  readonly start: number;
  readonly end: number;
}

export type Token = FieldToken | TextToken;

/** A field's name with its operator; sticky, so that it is tried at one place alone. */
const head = /([a-z][a-z0-9_]*)(:>=|:<=|:>|:<|>=|<=|[:=<>])/iy;

const space = /\s/;

export function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  let at = skipSpace(text, 0);
  while (at < text.length) {
    const token = readToken(text, at);
    tokens.push(token);
    at = skipSpace(text, token.end);
  }
  return tokens;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && space.test(text.charAt(at))) at += 1;
  return at;
}

function readToken(text: string, start: number): Token {
  const negated = text[start] === '-' && start + 1 < text.length && !space.test(text.charAt(start + 1));
  const from = negated ? start + 1 : start;
  head.lastIndex = from;
  const match = head.exec(text);
  if (match !== null) return readField(text, start, negated, match);
  const piece = text[from] === '"' ? readQuoted(text, from) : readBare(text, from, false);
  return { kind: 'text', negated, piece, start, end: piece.end };
}

function readField(text: string, start: number, negated: boolean, match: RegExpExecArray): FieldToken {
  const written = match[1] ?? '';
  const nameEnd = match.index + written.length;
  const name = { text: written, quoted: false, closed: true, start: match.index, end: nameEnd };
  const valuesStart = match.index + match[0].length;
  const values: Piece[] = [];
  let at = valuesStart;
  for (;;) {
    const piece = text[at] === '"' ? readQuoted(text, at) : readBare(text, at, true);
    values.push(piece);
    at = piece.end;
    if (text[at] !== ',') break;
    at += 1;
  }
  const operator = (match[2] ?? ':').replace(/^:(?=.)/, '');
  return { kind: 'field', negated, name, operator, valuesStart, values, start, end: at };
}

/** Up to the next white space or quote; of values, up to the next comma as well. */
function readBare(text: string, start: number, list: boolean): Piece {
  let end = start;
  while (end < text.length && !endsBare(text.charAt(end), list)) end += 1;
  return { text: text.slice(start, end), quoted: false, closed: true, start, end };
}

function endsBare(unit: string, list: boolean): boolean {
  return unit === '"' || (list && unit === ',') || space.test(unit);
}

/** `\"` is a quote and `\\` a backslash; any other backslash stands for itself. */
function readQuoted(text: string, start: number): Piece {
  let value = '';
  for (let at = start + 1; at < text.length; at += 1) {
    const unit = text.charAt(at);
    if (unit === '"') return { text: value, quoted: true, closed: true, start, end: at + 1 };
    const escape = unit === '\\' && (text[at + 1] === '"' || text[at + 1] === '\\');
    if (escape) at += 1;
    value += text.charAt(at);
  }
  return { text: value, quoted: true, closed: false, start, end: text.length };
}
