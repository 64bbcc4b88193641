// The service's request log as any SQLite tool reads it, beside a service that writes it. It must never write.
import { DatabaseSync } from 'node:sqlite';

export type LoggedRow = Record<string, string | number | null>;

/** All rows of the log in `file`, oldest first. */
export function loggedRows(file: string): LoggedRow[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const rows = database.prepare('SELECT * FROM requests ORDER BY id').all();
    return rows.map((row) => ({ ...row }) as LoggedRow);
  } finally {
    database.close();
  }
}

/** What the audit log in `file` says was done, oldest first. */
export function auditedActions(file: string): string[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database
      .prepare('SELECT action FROM audit ORDER BY id')
      .all()
      .map(({ action }) => String(action));
  } finally {
    database.close();
  }
}

/** Columns of the log, and whether its tables are STRICT. */
export function loggedTable(file: string): { columns: string[]; strict: boolean; journal: string } {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const columns = database.prepare(`SELECT name FROM pragma_table_info('requests')`).all();
    const tables = database.prepare(
      `SELECT strict FROM pragma_table_list WHERE schema = 'main' AND name = 'requests'`,
    );
    const journal = database.prepare('PRAGMA journal_mode').get();
    return {
      columns: columns.map(({ name }) => String(name)),
      strict: tables.get()?.strict === 1,
      journal: String(journal?.journal_mode),
    };
  } finally {
    database.close();
  }
}
