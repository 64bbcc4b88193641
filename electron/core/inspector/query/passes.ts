// From the terms of a filter to passes over a slice of the index: each clears the mask where its term does not hold.
// All terms are checked against typed arrays; a text's words are looked up once for each distinct value.
import type { Filter, Term } from '../../../../shared/contracts/filter/filter.ts';
import type { RequestFieldName } from '../../../../shared/contracts/filter/fields.ts';
import { flag, freeTextFlags } from '../index/columns.ts';
import type { NumberColumn, WordColumn } from '../index/columns.ts';
import type { Dictionary } from '../index/dictionary.ts';
import type { Slice } from '../index/row-index.ts';
import { phraseMatcher, wordMatcher } from './matchers.ts';
import type { WordMatcher } from './matchers.ts';
import { numberTest } from './number-test.ts';
import type { NumberTest } from './number-test.ts';
import type { HasText } from './texts.ts';

/** Clears `mask[at]` for each position of the slice whose row does not match. */
export interface Pass {
  (slice: Slice, mask: Uint8Array): void;
  /** A call costs much, however few rows its slice has. */
  readonly costlyStart?: true;
}

/** Looks a text up in the requests' free texts. */
export type FindTexts = (text: string) => HasText;

const numberFields: Partial<Record<string, NumberColumn>> = {
  dur: 'duration',
  read: 'read',
  written: 'written',
} satisfies Partial<Record<RequestFieldName, NumberColumn>>;

const flagFields: Partial<Record<string, number>> = {
  e2ee: flag.e2ee,
  verified: flag.verified,
  h2: flag.h2,
  pinned: flag.pinned,
  noted: flag.noted,
  captured: flag.captured,
} satisfies Partial<Record<RequestFieldName, number>>;

/** Columns of `requests` that full-text search reads beside the free texts. */
const searchedColumns = ['rpc', 'client', 'user', 'error'] as const satisfies readonly WordColumn[];

export function compile({ terms }: Filter, findTexts: FindTexts): Pass[] {
  return terms.map((term) => (term.kind === 'text' ? textPass(term, findTexts) : fieldPass(term)));
}

type FieldTerm = Extract<Term, { kind: 'field' }>;

function fieldPass(term: FieldTerm): Pass {
  const { field, negated } = term;
  const bit = flagFields[field];
  if (bit !== undefined) return flagPass(bit, term);
  const column = numberFields[field];
  if (column !== undefined)
    return numberPass(({ segment }) => segment.numbers[column], numberTest(term), negated);
  if (field === 'id') return numberPass(({ segment }) => segment.ids, numberTest(term), negated);
  if (field === 'since' || field === 'until') {
    return numberPass(({ segment }) => segment.numbers.sentAt, numberTest(term), negated);
  }
  return wordPass(field as WordColumn, wordMatcher(term.values), negated);
}

function numberPass(columnOf: (slice: Slice) => Float64Array, test: NumberTest, negated: boolean): Pass {
  return (slice, mask) => {
    const column = columnOf(slice);
    for (let at = slice.from; at < slice.to; at += 1) {
      if (mask[at] === 1 && test(column[at] ?? NaN) === negated) mask[at] = 0;
    }
  };
}

function flagPass(bit: number, { values, negated }: FieldTerm): Pass {
  const wanted = new Set(values.map((value) => value.kind === 'yesNo' && value.value));
  const [yes, no] = [wanted.has(true) !== negated, wanted.has(false) !== negated];
  return ({ segment: { flags }, from, to }, mask) => {
    for (let at = from; at < to; at += 1) {
      const holds = ((flags[at] ?? 0) & bit) === 0 ? no : yes;
      if (!holds) mask[at] = 0;
    }
  };
}

function wordPass(column: WordColumn, matcher: WordMatcher, negated: boolean): Pass {
  const table = new MatchTable(matcher);
  return ({ segment, from, to }, mask) => {
    const matches = table.of(segment.dictionaries[column]);
    const codes = segment.words[column];
    const wrong = negated ? 1 : 0;
    for (let at = from; at < to; at += 1) {
      if (matches[codes[at] ?? 0] === wrong) mask[at] = 0;
    }
  };
}

function textPass({ text, negated }: Extract<Term, { kind: 'text' }>, findTexts: FindTexts): Pass {
  const hasText = findTexts(text);
  const matcher = phraseMatcher(text);
  const tables = searchedColumns.map((column) => ({ column, table: new MatchTable(matcher) }));
  const pass = ({ segment, from, to }: Slice, mask: Uint8Array): void => {
    const lookups = tables
      .map(({ column, table }) => ({
        codes: segment.words[column],
        matches: table.of(segment.dictionaries[column]),
      }))
      .filter(({ matches }) => matches.includes(1));
    for (let at = from; at < to; at += 1) {
      if (mask[at] === 0) continue;
      let holds = false;
      for (const { codes, matches } of lookups) if (matches[codes[at] ?? 0] === 1) holds = true;
      if (!holds && ((segment.flags[at] ?? 0) & freeTextFlags) !== 0) holds = hasText(segment.ids[at] ?? 0);
      if (holds === negated) mask[at] = 0;
    }
  };
  return Object.assign(pass, { costlyStart: true } as const);
}

/** 1 for each code whose value matches; a dictionary that has grown is tried on from where it was. */
class MatchTable {
  readonly #matcher: WordMatcher;
  #dictionary: Dictionary | null = null;
  #known = 0;
  #matches = new Uint8Array(0);

  constructor(matcher: WordMatcher) {
    this.#matcher = matcher;
  }

  of(dictionary: Dictionary): Uint8Array {
    const { values } = dictionary;
    if (this.#dictionary !== dictionary) this.#known = 0;
    if (this.#dictionary !== dictionary || values.length > this.#matches.length) {
      const grown = new Uint8Array(values.length);
      if (this.#known > 0) grown.set(this.#matches);
      this.#matches = grown;
    }
    this.#dictionary = dictionary;
    for (; this.#known < values.length; this.#known += 1) {
      this.#matches[this.#known] = this.#matcher(values[this.#known] ?? null) ? 1 : 0;
    }
    return this.#matches;
  }
}
