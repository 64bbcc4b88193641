// Brings a database to the newest form, one numbered migration at a time, each in a transaction of its own.
// Must never touch a database that a newer Gatehouse has written.
import type { Database } from 'better-sqlite3';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { sql as requests } from './migrations/0001-requests.ts';
import { sql as console } from './migrations/0002-console.ts';
import { sql as devices } from './migrations/0003-devices.ts';
import { sql as ingest } from './migrations/0004-ingest.ts';

/** In order; the position (from 1) is the `user_version` that a migration leads to. */
export const migrations: readonly string[] = [requests, console, devices, ingest];

/** The `user_version` in the file. @throws GatehouseError `log_newer_version`, having written nothing. */
export function checkVersion(db: Database, file: string, steps = migrations): number {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version <= steps.length) return version;
  throw new GatehouseError(
    'log_newer_version',
    `The request log ${file} was written by a newer Gatehouse (form ${version}, this one knows ` +
      `${steps.length}) and was left as it is. Start that newer version, or move the file with its -wal ` +
      'and -shm neighbours to another folder: a new log is made then.',
  );
}

/** Runs what is missing. A migration that fails leaves the database in the form before it. */
export function migrate(db: Database, file: string, steps = migrations): void {
  const from = checkVersion(db, file, steps);
  steps.slice(from).forEach((sql, index) => {
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`user_version = ${from + index + 1}`);
    }).immediate();
  });
}
