// What the console writes into the log's database: pins, notes, saved views and audit rows, each in a transaction of
// its own. Must never change or remove an audit row but by the age and number that the audit log is kept to.
import type { Database, Statement } from 'better-sqlite3';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { AuditRow, ConsoleWrite } from './protocol.ts';

/** Saved views at most. */
export const maxSavedViews = 200;

/** The audit log keeps at most this many rows, and none older than this many days. */
export const auditRetention = { maxRows: 100_000, maxDays: 1095 } as const;

/** Audit rows removed in one go at most. */
const trimRows = 2000;

const dayMs = 86_400_000;

type Run<K extends ConsoleWrite['kind']> = (write: Extract<ConsoleWrite, { kind: K }>) => number;

export class ConsoleWriter {
  readonly #db: Database;
  readonly #insertAudit: Statement;

  constructor(db: Database) {
    this.#db = db;
    this.#insertAudit = db.prepare(
      'INSERT INTO audit (at, action, actor, subject, old, value, code, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    );
  }

  /** Returns the id of an audit row, else how many rows were changed. @throws SQLite's error */
  write(write: ConsoleWrite): number {
    return this.#db.transaction(() => this.#run(write)).immediate();
  }

  /** Removes what is too old or too many, a bounded number of rows at a time. @param now since the epoch */
  trimAudit(now: number, { maxRows, maxDays }: { maxRows: number; maxDays: number } = auditRetention): void {
    const through = this.#db
      .prepare(
        'SELECT max(id) FROM (SELECT id FROM audit WHERE id <= (SELECT max(id) FROM audit) - ? OR ' +
          'at < ? ORDER BY id LIMIT ?) WHERE id <= (SELECT max(id) FROM audit) - 1000',
      )
      .pluck()
      .get(Math.max(maxRows, 1000), now - maxDays * dayMs, trimRows) as number | null;
    if (through === null) return;
    this.#db
      .transaction(() => {
        this.#db.prepare('UPDATE audit_floor SET through_id = ? WHERE through_id < ?').run(through, through);
        this.#db.prepare('DELETE FROM audit WHERE id <= ?').run(through);
      })
      .immediate();
  }

  #run(write: ConsoleWrite): number {
    switch (write.kind) {
      case 'pin':
        return this.#change('UPDATE requests SET pinned = ? WHERE id = ?', Number(write.pinned), write.id);
      case 'annotate':
        return this.#annotate(write);
      case 'saveView':
        return this.#saveView(write);
      case 'deleteView':
        return this.#change('DELETE FROM saved_views WHERE id = ?', write.id);
      case 'audit':
        return this.#audit(write.row);
    }
  }

  #annotate: Run<'annotate'> = ({ id, note }) => {
    const text = note === '' ? null : note;
    const changes = this.#change('UPDATE requests SET note = ? WHERE id = ?', text, id);
    if (changes === 0 || text === null) this.#change('DELETE FROM texts WHERE rowid = ? * 4 + 1', id);
    else this.#change('INSERT OR REPLACE INTO texts (rowid, text) VALUES (? * 4 + 1, ?)', id, text);
    return changes;
  };

  #saveView: Run<'saveView'> = ({ view }) => {
    const count = this.#db.prepare('SELECT count(*) FROM saved_views').pluck().get() as number;
    if (count >= maxSavedViews) {
      const message = `There are ${maxSavedViews} saved views already. Delete one that is no longer needed.`;
      throw new GatehouseError('limit_exceeded', message);
    }
    const { id, name, filter, sort, columns } = view;
    return this.#change(
      'INSERT INTO saved_views (id, name, filter, sort_key, descending, columns) VALUES (?, ?, ?, ?, ?, ?)',
      ...[id, name, filter, sort.key, Number(sort.descending), JSON.stringify(columns)],
    );
  };

  #audit(row: AuditRow): number {
    const { at, action, actor, subject, old, value, code, message } = row;
    return Number(
      this.#insertAudit.run(at, action, actor, subject, old, value, code, message).lastInsertRowid,
    );
  }

  #change(sql: string, ...values: (string | number | null)[]): number {
    return this.#db.prepare(sql).run(...values).changes;
  }
}
