// From a filter's text to its terms, or to the first place where it breaks the rules, with columns. Pure, so that page
// and service read the same text alike. Must never throw, and never drop a part of the text that it does not take.
import { findField } from './fields.ts';
import type { Comparison, Field, FilterProblem, ParsedFilter, Term, TermValue } from './filter.ts';
import { filterLimits } from './limits.ts';
import { tokenise } from './tokens.ts';
import type { FieldToken, Piece, TextToken, Token } from './tokens.ts';
import { readValue } from './values.ts';

export interface ParseOptions {
  /** Milliseconds since the epoch, from which ages count. */
  readonly now: number;
}

const comparisons: Readonly<Record<string, Comparison>> = {
  ':': 'is',
  '=': 'is',
  '>': 'more',
  '>=': 'atLeast',
  '<': 'less',
  '<=': 'atMost',
};

const forms: Readonly<Record<Field['kind'], string>> = {
  word: 'one of its values',
  yesNo: 'yes or no',
  duration: 'a duration such as 200ms, 1.5s or 2m',
  size: 'a size such as 512, 64KiB or 1MiB',
  number: 'a whole number',
  time: 'an age such as 5m, 2h or 7d, or a time such as 2026-05-01T12:30',
};

export function parseFilter(text: string, fields: readonly Field[], { now }: ParseOptions): ParsedFilter {
  if (text.length > filterLimits.length) {
    const message = `A filter is at most ${filterLimits.length} characters long.`;
    return { problem: problemAt('too_long', filterLimits.length, text.length, message) };
  }
  const terms: Term[] = [];
  for (const token of tokenise(text)) {
    if (terms.length === filterLimits.terms) return { problem: tooMany(token) };
    const read = token.kind === 'text' ? readText(token) : readField(token, fields, now);
    if ('problem' in read) return read;
    terms.push(read.term);
  }
  return { filter: { terms } };
}

type Read = { readonly term: Term } | { readonly problem: FilterProblem };

function readText({ negated, piece }: TextToken): Read {
  if (!piece.closed) return { problem: unclosed(piece) };
  if (piece.text.trim() !== '') return { term: { kind: 'text', text: piece.text, negated } };
  const message = 'There is nothing between these quotes to search for.';
  return { problem: problemAt('empty_value', piece.start, piece.end, message) };
}

function readField(token: FieldToken, fields: readonly Field[], now: number): Read {
  const { name, negated } = token;
  const field = findField(fields, name.text);
  if (field === undefined) return { problem: unknownField(name, fields) };
  const comparison = comparisons[token.operator] ?? 'is';
  if (comparison !== 'is' && !isOrdered(field)) return { problem: badComparison(token, field) };
  if (token.values.length > filterLimits.values) return { problem: tooMany(token) };
  const values: TermValue[] = [];
  for (const piece of token.values) {
    const problem = brokenPiece(piece, field);
    const value = problem === null ? readValue(field, piece, now) : null;
    if (value === null) return { problem: problem ?? badValue(piece, field) };
    values.push(value);
  }
  return { term: { kind: 'field', field: field.name, comparison, values, negated } };
}

function isOrdered({ kind }: Field): boolean {
  return kind === 'duration' || kind === 'size' || kind === 'number';
}

function brokenPiece(piece: Piece, field: Field): FilterProblem | null {
  if (!piece.closed) return unclosed(piece);
  if (piece.text !== '') return null;
  const message = `After ${field.name} comes ${formOf(field)}.`;
  return problemAt('empty_value', piece.start, piece.end, message);
}

function unclosed(piece: Piece): FilterProblem {
  return problemAt('unclosed_quote', piece.start, piece.end, 'This quote has no end: add a ".');
}

function unknownField(name: Piece, fields: readonly Field[]): FilterProblem {
  const known = fields.map((field) => field.name).join(', ');
  const message = `There is no field ${name.text}. To search for the text itself, put it in quotes. The fields are: ${known}.`;
  return problemAt('unknown_field', name.start, name.end, message);
}

function badComparison({ name, valuesStart }: FieldToken, field: Field): FilterProblem {
  const message = `${field.name} is compared with a colon alone, as in ${field.name}:value.`;
  return problemAt('bad_comparison', name.end, valuesStart, message);
}

function badValue(piece: Piece, field: Field): FilterProblem {
  return problemAt('bad_value', piece.start, piece.end, `${field.name} takes ${formOf(field)}.`);
}

function formOf(field: Field): string {
  if (field.kind !== 'word') return forms[field.kind];
  return field.values === undefined ? 'a word' : `one of ${field.values.join(', ')}`;
}

function tooMany({ start, end }: Token): FilterProblem {
  const message = `A filter has at most ${filterLimits.terms} terms, of at most ${filterLimits.values} values each.`;
  return problemAt('too_many_terms', start, end, message);
}

function problemAt(
  reason: FilterProblem['reason'],
  column: number,
  end: number,
  message: string,
): FilterProblem {
  return { code: 'filter_invalid', reason, column, end, message };
}
