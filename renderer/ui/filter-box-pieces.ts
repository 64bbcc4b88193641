// The text of a filter cut into pieces to be coloured, and the place where it breaks the rules in a sentence. The pieces
// joined are the text, whatever it is.
import type { Field, FilterProblem } from '../../shared/contracts/filter/filter.ts';
import { findField } from '../../shared/contracts/filter/fields.ts';
import { tokenise } from '../../shared/contracts/filter/tokens.ts';
import type { Token } from '../../shared/contracts/filter/tokens.ts';
import * as m from '../i18n/compiled/messages.js';

export type PieceKind = 'plain' | 'not' | 'name' | 'value' | 'text';

export interface ShownPiece {
  readonly kind: PieceKind;
  readonly text: string;
  readonly bad: boolean;
}

type Range = readonly [kind: PieceKind, start: number, end: number];

export function piecesOf(text: string, problem: FilterProblem | null): ShownPiece[] {
  const cuts = new Set([0, text.length]);
  const ranges = tokenise(text).flatMap(rangesOf);
  for (const [, start, end] of ranges) cuts.add(start).add(end);
  // A problem at the very end has no width: the unit before it carries the mark.
  const from = problem === null ? -1 : Math.max(0, Math.min(problem.column, text.length - 1));
  const to = problem === null ? -1 : Math.min(text.length, Math.max(problem.end, from + 1));
  if (problem !== null) cuts.add(from).add(to);
  const marks = [...cuts].sort((a, b) => a - b);
  return marks.slice(0, -1).map((start, index) => ({
    kind: ranges.find(([, begin, end]) => begin <= start && start < end)?.[0] ?? 'plain',
    text: text.slice(start, marks[index + 1]),
    bad: start >= from && start < to,
  }));
}

function rangesOf(token: Token): Range[] {
  const not: Range[] = token.negated ? [['not', token.start, token.start + 1]] : [];
  if (token.kind === 'text') return [...not, ['text', token.piece.start, token.end]];
  return [...not, ['name', token.name.start, token.valuesStart], ['value', token.valuesStart, token.end]];
}

/** With its column, counted from 1 as people do. */
export function describeProblem(problem: FilterProblem, text: string, fields: readonly Field[]): string {
  return m.requests_filter_at({ column: problem.column + 1, text: sentence(problem, text, fields) });
}

function sentence(problem: FilterProblem, text: string, fields: readonly Field[]): string {
  const part = text.slice(problem.column, problem.end);
  const field = fieldAt(text, problem.column, fields);
  const value = () => m.requests_filter_bad_value({ name: field?.name ?? part, form: formOf(field) });
  const sentences: Readonly<Record<FilterProblem['reason'], () => string>> = {
    unknown_field: () => m.requests_filter_unknown_field({ name: part }),
    bad_value: value,
    bad_comparison: () => m.requests_filter_bad_comparison({ name: field?.name ?? part }),
    unclosed_quote: () => m.requests_filter_unclosed_quote(),
    empty_value: field === undefined ? () => m.requests_filter_empty_text() : value,
    too_long: () => m.requests_filter_too_long(),
    too_many_terms: () => m.requests_filter_too_many_terms(),
  };
  return sentences[problem.reason]();
}

function fieldAt(text: string, column: number, fields: readonly Field[]): Field | undefined {
  const token = tokenise(text).find(({ start, end }) => start <= column && column <= end);
  return token?.kind === 'field' ? findField(fields, token.name.text) : undefined;
}

function formOf(field: Field | undefined): string {
  switch (field?.kind) {
    case 'yesNo':
      return m.requests_form_yes_no();
    case 'duration':
      return m.requests_form_duration();
    case 'size':
      return m.requests_form_size();
    case 'number':
      return m.requests_form_number();
    case 'time':
      return m.requests_form_time();
    case 'word':
    case undefined:
      return field?.values === undefined
        ? m.requests_form_word()
        : m.requests_form_one_of({ values: field.values.join(', ') });
  }
}
