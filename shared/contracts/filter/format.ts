// From terms back to text, in one form for each meaning: for chart brushes and links that add a term. What it writes
// parses into the same terms, whatever the clock says: times are written with their offset. Pure.
import { findField, requestFields } from './fields.ts';
import type { Comparison, Field, Filter, Term, TermValue } from './filter.ts';

const operators: Readonly<Record<Comparison, string>> = {
  is: ':',
  more: '>',
  atLeast: '>=',
  less: '<',
  atMost: '<=',
};

/** @param fields the table that the terms were parsed with */
export function formatFilter({ terms }: Filter, fields: readonly Field[] = requestFields): string {
  return terms.map((term) => formatTerm(term, fields)).join(' ');
}

export function formatTerm(term: Term, fields: readonly Field[] = requestFields): string {
  const sign = term.negated ? '-' : '';
  if (term.kind === 'text') return sign + quote(term.text);
  const kind = findField(fields, term.field)?.kind ?? 'word';
  const values = term.values.map((value) => formatValue(value, kind)).join(',');
  return `${sign}${term.field}${operators[term.comparison]}${values}`;
}

/** The filter with the term behind it, in place of the terms of the same field that are not negated. */
export function addTerm(filter: Filter, term: Term): Filter {
  const replaced = (old: Term) =>
    old.kind === 'field' &&
    term.kind === 'field' &&
    old.field === term.field &&
    !old.negated &&
    !term.negated;
  return { terms: [...filter.terms.filter((old) => !replaced(old)), term] };
}

function formatValue(value: TermValue, kind: Field['kind']): string {
  switch (value.kind) {
    case 'yesNo':
      return value.value ? 'yes' : 'no';
    case 'word':
      return value.prefix ? `${value.text}*` : quoteValue(value.text);
    case 'number':
      return formatNumber(value.value, kind);
  }
}

function formatNumber(value: number, kind: Field['kind']): string {
  if (kind === 'time') return new Date(value).toISOString();
  return kind === 'duration' ? `${value}ms` : String(value);
}

/** A value as it is written in a filter: in quotes where it needs them, also where it would read as an operator. */
export function quoteValue(text: string): string {
  return /^(?![<>])[^\s",]*[^\s",*]$/.test(text) ? text : quote(text);
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
