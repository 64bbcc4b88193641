// The columns of the newest requests, in memory: filled from the newest row on in small steps, kept up to date by the
// feed of changes. What is older than it holds is read from the database when it is asked for. Must never show a value
// that the database did not have, nor hold more than its limits.
import type { Database, Statement } from 'better-sqlite3';
import { ChangeReader } from '../change-feed.ts';
import { flag, selectIndexRow } from './columns.ts';
import type { IndexRow } from './columns.ts';
import { newDictionaries, Segment, segmentRows } from './segment.ts';
import type { Dictionaries } from './segment.ts';

export interface IndexLimits {
  /** Rows in memory at most; about 90 bytes each. */
  readonly maxRows: number;
  /** Memory of the distinct values of all text columns at most, in bytes. */
  readonly maxWordBytes: number;
}

export const defaultIndexLimits: IndexLimits = { maxRows: 3_000_000, maxWordBytes: 192 * 1024 * 1024 };

/** Rows read from the database in one step, a few milliseconds each. */
const stepRows = 2048;

/** Loading stops at this share of the limit for words, so that new rows find room. */
const loadedShare = 0.75;

/** Some rows of a segment: positions from `from` up to, not including, `to`. */
export interface Slice {
  readonly segment: Segment;
  readonly from: number;
  readonly to: number;
}

/** Thrown by a scan that needs rows which are still being loaded. */
export class NotLoadedYet extends Error {}

export class RowIndex {
  readonly #limits: IndexLimits;
  readonly #changes: ChangeReader;
  readonly #one: Statement;
  readonly #range: Statement;
  readonly #older: Statement;
  readonly #newer: Statement;
  #dictionaries: Dictionaries = newDictionaries();
  /** In the order of their ids; none is empty. */
  #segments: Segment[] = [];
  /** Every row with this id or a higher one is here. */
  #lowId = 0;
  #loading = true;
  /** Whether there may be rows below `lowId`. */
  #hasOlder = true;
  #rows = 0;
  /** Memory of words at which everything is loaded anew; above what one step of loading may need. */
  #wordCeiling = Infinity;

  constructor(db: Database, feed: SharedArrayBuffer, limits: IndexLimits) {
    this.#limits = limits;
    this.#changes = new ChangeReader(feed);
    this.#one = db.prepare(`${selectIndexRow} WHERE id = ?`).raw();
    this.#range = db.prepare(`${selectIndexRow} WHERE id BETWEEN ? AND ? ORDER BY id`).raw();
    this.#older = db.prepare(`${selectIndexRow} WHERE id < ? ORDER BY id DESC LIMIT ${stepRows}`).raw();
    this.#newer = db.prepare(`${selectIndexRow} WHERE id > ? AND id < ? ORDER BY id LIMIT ${stepRows}`).raw();
    this.#reset();
  }

  /** The newest id that the last `refresh` has seen. */
  newestId = 0;

  get dictionaries(): Dictionaries {
    return this.#dictionaries;
  }

  /** Rows in memory, deleted ones among them. */
  get rows(): number {
    return this.#rows;
  }

  get loading(): boolean {
    return this.#loading;
  }

  /** Reads the rows that changed since the last call. */
  refresh(): void {
    this.newestId = this.#changes.newestId;
    const changed = this.#changes.take();
    if (changed === null || this.#wordBytes() > this.#wordCeiling) return this.#reset();
    if (changed.length === 0) return;
    const ids = [...new Set(changed)].filter((id) => id >= this.#lowId).sort((a, b) => a - b);
    for (const [id, row] of this.#read(ids)) this.#put(id, row);
    this.#dropOldest();
  }

  /** Loads some older rows; returns whether there are more to load. */
  loadStep(): boolean {
    if (!this.#loading) return false;
    const rows = this.#older.all(this.#lowId) as IndexRow[];
    for (const row of rows) this.#putInFront(row);
    this.#lowId = rows.at(-1)?.[0] ?? this.#lowId;
    if (rows.length < stepRows) {
      this.#hasOlder = false;
      this.#lowId = 0;
    }
    const { maxRows, maxWordBytes } = this.#limits;
    const bytes = this.#wordBytes();
    this.#wordCeiling = Math.max(maxWordBytes, bytes + maxWordBytes * (1 - loadedShare));
    this.#loading = this.#hasOlder && this.#rows + stepRows <= maxRows && bytes < maxWordBytes * loadedShare;
    return this.#loading;
  }

  /** Sorts a segment by a number, but for the newest, which grows; returns whether it did. Waits for all to be loaded. */
  sortStep(): boolean {
    return !this.#loading && this.#segments.slice(0, -1).some((segment) => segment.sortStep());
  }

  /** To be called from time to time: segments that do not change any more are sorted. */
  settle(): void {
    for (const segment of this.#segments) segment.settle();
  }

  /** All rows below `before`, newest first. @throws NotLoadedYet */
  *newestFirst(before = Infinity): Generator<Slice> {
    for (let index = this.#segments.length - 1; index >= 0; index -= 1) {
      const segment = this.#segments[index];
      if (segment === undefined || segment.firstId >= before) continue;
      yield { segment, from: segment.start, to: segment.find(before) };
    }
    if (this.#loading) throw new NotLoadedYet();
    if (!this.#hasOlder) return;
    for (let below = Math.min(before, this.#lowId); ;) {
      const rows = (this.#older.all(below) as IndexRow[]).reverse();
      const first = rows[0];
      if (first === undefined) return;
      yield transient(rows);
      below = first[0];
    }
  }

  /** All rows above `after`, oldest first. @throws NotLoadedYet */
  *oldestFirst(after = -Infinity): Generator<Slice> {
    if (this.#loading && after < this.#lowId - 1) throw new NotLoadedYet();
    if (this.#hasOlder && !this.#loading) yield* this.#transientAbove(Math.max(after, 0));
    for (const segment of this.#segments) {
      if (segment.lastId <= after) continue;
      yield { segment, from: segment.find(after + 1), to: segment.end };
    }
  }

  /** Whether a row with this id is in memory and not deleted. */
  has(id: number): boolean {
    const found = this.#locate(id);
    return found !== null && ((found.segment.flags[found.at] ?? 0) & flag.live) !== 0;
  }

  *#transientAbove(after: number): Generator<Slice> {
    for (let above = after; ;) {
      const rows = this.#newer.all(above, this.#lowId) as IndexRow[];
      const last = rows.at(-1);
      if (last === undefined) return;
      yield transient(rows);
      above = last[0];
    }
  }

  /** Forgets everything and loads again from the newest row on. */
  #reset(): void {
    this.#changes.skip();
    this.newestId = this.#changes.newestId;
    this.#dictionaries = newDictionaries();
    this.#segments = [];
    this.#rows = 0;
    this.#lowId = this.newestId + 1;
    this.#loading = true;
    this.#hasOlder = true;
    this.#wordCeiling = Infinity;
  }

  /** Each id with its present row; undefined where it is gone. Neighbours are read together. */
  *#read(ids: readonly number[]): Generator<[number, IndexRow | undefined]> {
    for (let from = 0; from < ids.length;) {
      let to = from + 1;
      while (to < ids.length && ids[to] === (ids[to - 1] ?? 0) + 1) to += 1;
      if (to - from < 8) yield* ids.slice(from, to).map((id) => this.#readOne(id));
      else yield* this.#readRange(ids.slice(from, to));
      from = to;
    }
  }

  #readOne(id: number): [number, IndexRow | undefined] {
    return [id, this.#one.get(id) as IndexRow | undefined];
  }

  #readRange(ids: readonly number[]): [number, IndexRow | undefined][] {
    const rows = this.#range.all(ids[0], ids.at(-1)) as IndexRow[];
    const byId = new Map(rows.map((row) => [row[0], row]));
    return ids.map((id) => [id, byId.get(id)]);
  }

  #put(id: number, row: IndexRow | undefined): void {
    const found = this.#locate(id);
    if (row === undefined) found?.segment.remove(found.at);
    else if (found !== null) found.segment.replace(found.at, row);
    else this.#add(row);
  }

  #add(row: IndexRow): void {
    const last = this.#segments.at(-1);
    this.#rows += 1;
    if (last === undefined || row[0] > last.lastId) return this.#append(last, row);
    // Rows are committed in the order of their ids, but for the odd one.
    const segment = this.#segments.find(({ lastId }) => lastId > row[0]);
    if (segment?.insert(row) !== true) this.#reset();
  }

  #append(last: Segment | undefined, row: IndexRow): void {
    if (last?.append(row) === true) return;
    const segment = new Segment(this.#dictionaries, segmentRows, 0);
    segment.append(row);
    this.#segments.push(segment);
  }

  #putInFront(row: IndexRow): void {
    this.#rows += 1;
    if (this.#segments[0]?.prepend(row) === true) return;
    const segment = new Segment(this.#dictionaries, segmentRows, segmentRows);
    segment.prepend(row);
    this.#segments.unshift(segment);
  }

  /** Keeps to the limit of rows; segments whose rows are all gone by retention leave with the oldest. */
  #dropOldest(): void {
    while (this.#segments.length > 1) {
      const [oldest, next] = this.#segments;
      if (oldest === undefined || next === undefined) return;
      const dead = !oldest.flags.subarray(oldest.start, oldest.end).some((flags) => flags !== 0);
      if (this.#rows <= this.#limits.maxRows && !dead) return;
      if (!dead) {
        oldest.releaseAll();
        this.#lowId = next.firstId;
        this.#hasOlder = true;
        this.#loading = false;
      }
      this.#rows -= oldest.size;
      this.#segments.shift();
    }
  }

  #locate(id: number): { segment: Segment; at: number } | null {
    const segment = this.#segments.findLast(({ firstId }) => firstId <= id);
    const at = segment?.find(id) ?? 0;
    return segment !== undefined && at < segment.end && segment.ids[at] === id ? { segment, at } : null;
  }

  #wordBytes(): number {
    return Object.values(this.#dictionaries).reduce((sum, { bytes }) => sum + bytes, 0);
  }
}

/** Rows that do not stay, with dictionaries of their own. */
function transient(rows: readonly IndexRow[]): Slice {
  const segment = new Segment(newDictionaries(), rows.length, 0);
  for (const row of rows) segment.append(row);
  return { segment, from: 0, to: rows.length };
}
