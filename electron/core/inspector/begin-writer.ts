// Inserts the rows of the requests that begin in a transaction, several with one statement where they are of one shape:
// calling a statement costs about as much as the insert itself. Must never keep a row from one transaction to the next.
import type { Database, Statement } from 'better-sqlite3';
import { rowColumns } from './rows.ts';
import { expressionsOf, shapedRowColumns } from './row-shapes.ts';
import type { SqlValue } from './row-shapes.ts';
import { RunningMark } from './running-mark.ts';

/** Rows of a statement that inserts several. */
const rowsAtOnce = 16;

/** Characters that a row keeps free for what its end tells: four figures and a few short ones (see migration 0004). */
const roomLength = 44;

interface RowsOfShape {
  readonly one: Statement;
  /** Prepared when that many are there for the first time. */
  several: Statement | null;
  readonly waiting: (readonly SqlValue[])[];
}

export class BeginWriter {
  readonly #db: Database;
  readonly #mark: RunningMark;
  /** As many as there are kinds of sessions: some ten, some hundred at most. */
  readonly #shapes = new Map<number, RowsOfShape>();
  #begun = 0;
  #lowestId = Infinity;

  constructor(db: Database) {
    this.#db = db;
    this.#mark = new RunningMark(db);
  }

  /** Within a transaction, which is to end with `finish`. */
  add(values: readonly SqlValue[], shape: number): void {
    const rows = this.#rowsOf(shape);
    rows.waiting.push(values);
    this.#begun += 1;
    this.#lowestId = Math.min(this.#lowestId, Number(values[0]));
    if (rows.waiting.length < rowsAtOnce) return;
    rows.several ??= this.#db.prepare(insertOf(shape, rowsAtOnce));
    rows.several.run(...rows.waiting.splice(0));
  }

  /** Inserts what is left, within the same transaction. */
  finish(): void {
    if (this.#begun === 0) return;
    for (const { one, waiting } of this.#shapes.values()) {
      for (const values of waiting) one.run(values);
    }
    this.#mark.begun(this.#begun, this.#lowestId);
    this.forget();
  }

  /** Drops what is not inserted: the transaction has failed. */
  forget(): void {
    for (const { waiting } of this.#shapes.values()) waiting.length = 0;
    this.#begun = 0;
    this.#lowestId = Infinity;
  }

  #rowsOf(shape: number): RowsOfShape {
    const known = this.#shapes.get(shape);
    if (known !== undefined) return known;
    const made = { one: this.#db.prepare(insertOf(shape, 1)), several: null, waiting: [] };
    this.#shapes.set(shape, made);
    return made;
  }
}

function insertOf(shape: number, rows: number): string {
  const columns = [...rowColumns, ...shapedRowColumns.map(({ name }) => name)];
  const places = [...rowColumns.map(() => '?'), ...expressionsOf(shapedRowColumns, shape)];
  const row = `('RUNNING', ${places.join(', ')}, '${' '.repeat(roomLength)}')`;
  return `INSERT INTO requests (status, ${columns.join(', ')}, room) VALUES ${Array(rows).fill(row).join(', ')}`;
}
