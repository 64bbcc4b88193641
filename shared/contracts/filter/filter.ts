// The filter language of the inspector and the audit log, as data: what a text parses into, and the fields there are.
// Terms are joined by "and"; commas inside a term by "or"; a leading `-` is "not". A bare or quoted word is
// full-text search.  Example: `rpc:ping -status:ok e2ee:no client:anna since:5m dur>200ms "disk full"`
import type { ErrorCode } from '../errors.ts';

export type Comparison = 'is' | 'more' | 'atLeast' | 'less' | 'atMost';

/** What a field holds, and so how its values are written. */
export type FieldKind =
  /** Words, compared whole and without case; `*` at the end makes it a prefix. */
  | 'word'
  | 'yesNo'
  /** `200ms`, `1.5s`, `2m`; bare numbers are milliseconds. */
  | 'duration'
  /** `512`, `64KiB`, `1MiB`. */
  | 'size'
  | 'number'
  /** An age (`5m`, `2h`, `7d`) before now, or a date or time as ISO 8601 writes it (local without an offset). */
  | 'time';

export interface Field {
  readonly name: string;
  readonly kind: FieldKind;
  /** Fixed values, offered by completion. */
  readonly values?: readonly string[];
}

/** Numbers are in the field's base unit: milliseconds, bytes, milliseconds since the epoch. */
export type TermValue =
  | { readonly kind: 'word'; readonly text: string; readonly prefix: boolean }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'yesNo'; readonly value: boolean };

export type Term =
  | {
      readonly kind: 'field';
      readonly field: string;
      readonly comparison: Comparison;
      readonly values: readonly TermValue[];
      readonly negated: boolean;
    }
  | { readonly kind: 'text'; readonly text: string; readonly negated: boolean };

export interface Filter {
  readonly terms: readonly Term[];
}

/** Where the text breaks the rules. Columns count UTF-16 units from 0; `end` is behind the last one. */
export interface FilterProblem {
  readonly code: Extract<ErrorCode, 'filter_invalid'>;
  readonly reason:
    | 'unknown_field'
    | 'bad_value'
    | 'bad_comparison'
    | 'unclosed_quote'
    | 'empty_value'
    | 'too_long'
    | 'too_many_terms';
  readonly column: number;
  readonly end: number;
  /** An English sentence for a person. */
  readonly message: string;
}

export type ParsedFilter = { readonly filter: Filter } | { readonly problem: FilterProblem };
