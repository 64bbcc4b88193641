// Keeps the request log within its age and size: deletes the oldest rows and gives pages back to the file
// system, one small step at a time, so that a write between two steps never waits long. Must never delete
// the newest row (ids would come back) or the row of a request that is still running.
import type { Database, Statement } from 'better-sqlite3';
import { walCheckpointBytes } from './protocol.ts';
import type { RetentionSettings } from './protocol.ts';

/** Rows looked at in a step. */
const chunkRows = 250;

/** Pages given back in a step. */
const vacuumPages = 64;

/** Where it must shrink it shrinks a little further, so that the next rows do not start it again. */
const sizeTarget = 0.95;

/** Free pages that stay in the file for the rows to come, as a share of its pages. */
const freeShare = 1 / 16;

const dayMs = 86_400_000;
const mebibyte = 1024 * 1024;

/** Rows that are pinned or annotated and stay beyond their age, at most; the newest of them. */
const maxKeptRows = 10_000;

type Step = 'age' | 'size' | 'vacuum' | 'done';

/**
 * One run. `step()` does one bounded piece of work and returns whether there is more. Rows go in the order
 * of their ids; by age it ends at the first chunk that has nothing old, so a clock that once ran ahead may
 * keep rows longer, until size takes them.
 */
export class RetentionRun {
  readonly #db: Database;
  readonly #cutoff: number;
  /** For the database file alone; the WAL has its own share of the size. */
  readonly #maxBytes: number;
  readonly #keptAfter: number;
  readonly #onDeleted: (id: number) => void;
  readonly #chunkEnd: Statement;
  readonly #delete: Statement;
  #next: Step = 'age';
  #cursor = 0;
  #sparing = true;

  /**
   * @param now milliseconds since the epoch
   * @param onDeleted called with each row that is gone
   */
  constructor(
    db: Database,
    settings: RetentionSettings,
    now: number,
    onDeleted: (id: number) => void = () => {},
  ) {
    this.#onDeleted = onDeleted;
    this.#keptAfter = keptAfter(db);
    this.#db = db;
    this.#cutoff = now - settings.retentionDays * dayMs;
    this.#maxBytes = settings.maxSizeMb * mebibyte - walCheckpointBytes;
    this.#chunkEnd = db.prepare(
      'SELECT max(id) AS id FROM (SELECT id FROM requests WHERE id > ? ORDER BY id LIMIT ?)',
    );
    this.#delete = db
      .prepare(
        'DELETE FROM requests WHERE id > ? AND id <= ? AND id < (SELECT max(id) FROM requests) ' +
          "AND status <> 'RUNNING' AND sent_at < ? AND NOT (id > ? AND (pinned = 1 OR note IS NOT NULL)) " +
          'RETURNING id',
      )
      .pluck();
  }

  /** @throws SQLite's error; the rows of this step are then all there. */
  step(): boolean {
    if (this.#next === 'age') this.#deleteOld();
    else if (this.#next === 'size') this.#deleteOverSize();
    else if (this.#next === 'vacuum') this.#giveBack();
    return this.#next !== 'done';
  }

  #deleteOld(): void {
    if (this.#deleteChunk(this.#cutoff) > 0) return;
    this.#cursor = 0;
    this.#next = this.#fileBytes() > this.#maxBytes ? 'size' : 'vacuum';
  }

  #deleteOverSize(): void {
    const over = this.#fileBytes() - this.#freeBytes() > this.#maxBytes * sizeTarget;
    if (over && this.#deleteChunk(Number.MAX_SAFE_INTEGER, this.#sparing) >= 0) return;
    // All that is left is pinned or annotated: then that goes, too, for the size is a promise.
    const again = over && this.#sparing;
    this.#sparing = false;
    this.#cursor = 0;
    if (!again) this.#next = 'vacuum';
  }

  /** Rows deleted among the next chunk of ids, or -1 where no ids are left. */
  #deleteChunk(before: number, sparing = true): number {
    const { id: end } = this.#chunkEnd.get(this.#cursor, chunkRows) as { id: number | null };
    if (end === null) return -1;
    const keptAfter = sparing ? this.#keptAfter : Number.MAX_SAFE_INTEGER;
    const deleted = this.#delete.all(this.#cursor, end, before, keptAfter) as number[];
    for (const id of deleted) this.#onDeleted(id);
    this.#cursor = end;
    return deleted.length;
  }

  #giveBack(): void {
    const free = this.#pragma('freelist_count');
    const tooBig = this.#fileBytes() > this.#maxBytes * sizeTarget;
    const keep = tooBig ? 0 : Math.ceil(this.#pragma('page_count') * freeShare);
    if (free > keep) this.#db.exec(`PRAGMA incremental_vacuum(${Math.min(vacuumPages, free - keep)})`);
    // A file that cannot shrink (not made by this program) must not keep the run going for ever.
    if (free <= keep || this.#pragma('freelist_count') >= free) this.#next = 'done';
  }

  #fileBytes(): number {
    return this.#pragma('page_count') * this.#pragma('page_size');
  }

  #freeBytes(): number {
    return this.#pragma('freelist_count') * this.#pragma('page_size');
  }

  #pragma(name: 'page_count' | 'page_size' | 'freelist_count'): number {
    return this.#db.pragma(name, { simple: true }) as number;
  }
}

/** The id up to which pinned and annotated rows are too many to be kept. */
function keptAfter(db: Database): number {
  const sql =
    'SELECT id FROM requests WHERE pinned = 1 OR note IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET ?';
  return (db.prepare(sql).pluck().get(maxKeptRows) as number | undefined) ?? 0;
}
