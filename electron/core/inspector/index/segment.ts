// Some tens of thousands of rows, a typed array for each column, in the order of their ids. Rows are appended, put in
// front, changed in place or marked as deleted. Must never hold a row twice.
import { firstWord, flag, numberColumns, wordColumns } from './columns.ts';
import type { IndexRow, NumberColumn, WordColumn } from './columns.ts';
import { Dictionary } from './dictionary.ts';
import { keyOf, sortedPositions } from './key-order.ts';

/** Rows of a segment that stays in memory. */
export const segmentRows = 65_536;

/** Numbers that pages are ordered by. */
const sortedColumns = ['duration', 'read', 'written'] as const satisfies readonly NumberColumn[];

/** A segment is sorted when none of its numbers has changed for so many calls of `settle`. */
const settledAfter = 20;

/** Memory of a row, in bytes: id, numbers, words, flags and its place in each order. */
export const rowBytes = 8 + numberColumns.length * 8 + wordColumns.length * 4 + 1 + sortedColumns.length * 2;

export type Dictionaries = Readonly<Record<WordColumn, Dictionary>>;

export function newDictionaries(): Dictionaries {
  return Object.fromEntries(wordColumns.map((name) => [name, new Dictionary()])) as Record<
    WordColumn,
    Dictionary
  >;
}

export class Segment {
  readonly dictionaries: Dictionaries;
  readonly ids: Float64Array;
  readonly flags: Uint8Array;
  readonly numbers: Readonly<Record<NumberColumn, Float64Array>>;
  readonly words: Readonly<Record<WordColumn, Uint32Array>>;
  /** Rows are at `start` up to, not including, `end`. */
  start: number;
  end: number;
  /** Of each number that the rows have been sorted by: their positions in its order. */
  orders: Partial<Record<NumberColumn, Uint16Array>> = {};
  #settled = settledAfter;

  /** @param at where the first row will be: 0 to append, `rows` to put rows in front */
  constructor(dictionaries: Dictionaries, rows: number, at: number) {
    this.dictionaries = dictionaries;
    this.ids = new Float64Array(rows);
    this.flags = new Uint8Array(rows);
    const numbers = numberColumns.map((name) => [name, new Float64Array(rows)]);
    this.numbers = Object.fromEntries(numbers) as Record<NumberColumn, Float64Array>;
    const words = wordColumns.map((name) => [name, new Uint32Array(rows)]);
    this.words = Object.fromEntries(words) as Record<WordColumn, Uint32Array>;
    this.start = at;
    this.end = at;
  }

  get size(): number {
    return this.end - this.start;
  }

  get firstId(): number {
    return this.ids[this.start] ?? Infinity;
  }

  get lastId(): number {
    return this.ids[this.end - 1] ?? -Infinity;
  }

  /** Position of the first row whose id is not below `id`. */
  find(id: number): number {
    let [low, high] = [this.start, this.end];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.ids[middle] ?? 0) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** False where there is no room behind the last row. */
  append(row: IndexRow): boolean {
    if (this.end === this.ids.length) return false;
    this.#write(this.end, row);
    this.end += 1;
    this.orders = {};
    return true;
  }

  /** False where there is no room in front of the first row. */
  prepend(row: IndexRow): boolean {
    if (this.start === 0) return false;
    this.start -= 1;
    this.#write(this.start, row);
    this.orders = {};
    return true;
  }

  /** Puts a row in its place between others; false where there is no room. */
  insert(row: IndexRow): boolean {
    const at = this.find(row[0]);
    if (this.end === this.ids.length) return false;
    for (const column of this.#columns()) column.copyWithin(at + 1, at, this.end);
    this.end += 1;
    this.#write(at, row);
    this.#unsettle();
    return true;
  }

  replace(at: number, row: IndexRow): void {
    const before = sortedColumns.map((name) => keyOf(this.numbers[name][at]));
    this.#release(at);
    this.#write(at, row);
    if (sortedColumns.some((name, index) => keyOf(this.numbers[name][at]) !== before[index]))
      this.#unsettle();
  }

  /** Some time has passed. */
  settle(): void {
    this.#settled += 1;
  }

  /** Sorts by one more number, where that is worth while: some 15 ms. Returns whether it did. */
  sortStep(): boolean {
    const column = sortedColumns.find((name) => this.orders[name] === undefined);
    if (column === undefined || this.#settled < settledAfter) return false;
    this.orders[column] = sortedPositions(this, column);
    return true;
  }

  remove(at: number): void {
    if (((this.flags[at] ?? 0) & flag.live) === 0) return;
    this.#release(at);
    this.flags[at] = 0;
  }

  /** Gives the words of all rows back to the dictionaries. */
  releaseAll(): void {
    for (let at = this.start; at < this.end; at += 1) this.remove(at);
  }

  #unsettle(): void {
    this.orders = {};
    this.#settled = 0;
  }

  #columns(): (Float64Array | Uint32Array | Uint8Array)[] {
    return [this.ids, this.flags, ...Object.values(this.numbers), ...Object.values(this.words)];
  }

  #write(at: number, row: IndexRow): void {
    this.ids[at] = row[0];
    this.flags[at] = row[1];
    const { sentAt, duration, read, written } = this.numbers;
    sentAt[at] = row[2] ?? NaN;
    duration[at] = row[3] ?? NaN;
    read[at] = row[4] ?? NaN;
    written[at] = row[5] ?? NaN;
    wordColumns.forEach((name, index) => {
      this.words[name][at] = this.dictionaries[name].take((row[firstWord + index] ?? null) as string | null);
    });
  }

  #release(at: number): void {
    if (((this.flags[at] ?? 0) & flag.live) === 0) return;
    for (const name of wordColumns) this.dictionaries[name].release(this.words[name][at] ?? 0);
  }
}
