// Fills the full-text index from captured payloads, behind their commits and a few at a time, so that no request waits
// for it. What it has not reached yet is marked, and found by reading it. Must never index what is no text.
import { isUtf8 } from 'node:buffer';
import type { Database, Statement } from 'better-sqlite3';

/** Payloads in a step. */
const stepPayloads = 4;

/** UTF-16 units of a payload that full-text search sees. */
export const searchableLength = 65_536;

interface PayloadRow {
  readonly rowid: number;
  readonly request_id: number;
  readonly direction: string;
  readonly body: Buffer;
}

export class PayloadTexts {
  readonly #db: Database;
  readonly #next: Statement;
  readonly #index: Statement;
  readonly #mark: Statement;

  constructor(db: Database) {
    this.#db = db;
    this.#next = db.prepare(
      'SELECT rowid, request_id, direction, body FROM payloads WHERE indexed = 0 ORDER BY request_id LIMIT ?',
    );
    this.#index = db.prepare('INSERT OR REPLACE INTO texts (rowid, text) VALUES (? * 4 + ?, ?)');
    this.#mark = db.prepare('UPDATE payloads SET indexed = 1 WHERE rowid = ?');
  }

  /** Indexes a few; returns whether there may be more. @throws SQLite's error; nothing of the step is done then */
  step(): boolean {
    const rows = this.#next.all(stepPayloads) as PayloadRow[];
    if (rows.length === 0) return false;
    this.#db
      .transaction(() => {
        for (const { rowid, request_id: id, direction, body } of rows) {
          const text = searchableText(body);
          if (text !== null) this.#index.run(id, direction === 'request' ? 2 : 3, text);
          this.#mark.run(rowid);
        }
      })
      .immediate();
    return true;
  }
}

/** What full-text search sees of a body; null where it is no text. */
export function searchableText(body: Uint8Array): string | null {
  return isUtf8(body) ? Buffer.from(body).toString('utf8').slice(0, searchableLength) : null;
}
