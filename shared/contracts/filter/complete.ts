// What is being typed at the caret of a filter box: the name of a field or one of its values, with the range that a
// choice replaces. Fixed values are offered here; for the others the page asks the service. Pure.
import { findField, valueAliases } from './fields.ts';
import type { Field } from './filter.ts';
import { quoteValue } from './format.ts';
import { tokenise } from './tokens.ts';
import type { FieldToken, Piece, Token } from './tokens.ts';

export interface Completion {
  readonly kind: 'field' | 'value';
  /** Whose value; null for a name. */
  readonly field: string | null;
  /** What a choice replaces: columns from 0, `end` behind the last unit. */
  readonly start: number;
  readonly end: number;
  /** What stands there up to the caret. */
  readonly prefix: string;
  /** Text to put in place of the range; a name with its colon. */
  readonly candidates: readonly string[];
  /** Whether the service knows more values: `requests.complete` with `field` and `prefix`. */
  readonly dynamic: boolean;
}

const ages = ['5m', '15m', '1h', '6h', '24h', '7d', '30d'];
const durations = ['50ms', '200ms', '1s', '10s'];
const sizes = ['1KiB', '64KiB', '1MiB', '16MiB'];

/** Null where nothing can be completed: inside a text in quotes, or a value of an unknown field. */
export function completeFilter(text: string, caret: number, fields: readonly Field[]): Completion | null {
  const token = tokenise(text).find(({ start, end }) => start <= caret && caret <= end);
  if (token === undefined) return ofName(text, fields, caret, caret, caret);
  if (token.kind === 'field') return ofField(text, token, caret, fields);
  return token.piece.quoted ? null : ofText(text, token, caret, fields);
}

function ofText(text: string, token: Token, caret: number, fields: readonly Field[]): Completion | null {
  const start = token.negated ? token.start + 1 : token.start;
  return caret < start ? null : ofName(text, fields, start, token.end, caret);
}

function ofName(
  text: string,
  fields: readonly Field[],
  start: number,
  end: number,
  caret: number,
): Completion {
  const prefix = text.slice(start, caret);
  const names = fields.map(({ name }) => name).filter((name) => startsWith(name, prefix));
  const candidates = names.map((name) => `${name}:`);
  return { kind: 'field', field: null, start, end, prefix, candidates, dynamic: false };
}

/** A name whose operator stands already is replaced together with it. */
function ofField(
  text: string,
  token: FieldToken,
  caret: number,
  fields: readonly Field[],
): Completion | null {
  if (caret < token.name.start) return null;
  if (caret <= token.name.end) return ofName(text, fields, token.name.start, token.valuesStart, caret);
  const field = findField(fields, token.name.text);
  const piece = token.values.find(({ start, end }) => start <= caret && caret <= end);
  if (field === undefined || piece === undefined) return null;
  const prefix = typed(text, piece, caret);
  const candidates = valuesOf(field)
    .filter((value) => startsWith(value, prefix))
    .map(quoteValue);
  const dynamic = field.kind === 'word' && field.values === undefined;
  return {
    kind: 'value',
    field: field.name,
    start: piece.start,
    end: piece.end,
    prefix,
    candidates,
    dynamic,
  };
}

function typed(text: string, piece: Piece, caret: number): string {
  return text.slice(piece.start + (piece.quoted ? 1 : 0), caret);
}

function valuesOf(field: Field): readonly string[] {
  switch (field.kind) {
    case 'yesNo':
      return ['yes', 'no'];
    case 'time':
      return ages;
    case 'duration':
      return durations;
    case 'size':
      return sizes;
    case 'number':
      return [];
    case 'word':
      return [...Object.keys(valueAliases[field.name] ?? {}), ...(field.values ?? [])];
  }
}

function startsWith(value: string, prefix: string): boolean {
  return value.toLowerCase().startsWith(prefix.toLowerCase());
}
