// Opens the request log's database file: private to its owner, WAL, in the newest form, with the rows of a
// dead process marked. Must never replace, truncate or move a file that is there: nothing is lost.
//
// What a commit survives: `synchronous=NORMAL` in WAL mode puts it into the WAL by a plain write, so it
// outlives kill -9 of this process at once; the main thread then syncs the WAL (wal-sync.ts). Loss of power
// may take the commits since the last sync, always the newest ones, and never damages the database.
import { chmodSync, closeSync, existsSync, openSync } from 'node:fs';
import DatabaseConstructor from 'better-sqlite3';
import type { Database } from 'better-sqlite3';
import { checkVersion, migrate } from './migrations.ts';
import { describeFailure } from './failures.ts';
import { interruptRunning } from './running-mark.ts';

/** Owner alone may read and write; SQLite gives the same mode to -wal and -shm. */
const privateMode = 0o600;

/** The WAL is cut back to nothing when it starts over, so its file size is what is in it. */
const walKeptBytes = 0;

/** Backstop in pages; the worker checkpoints long before, after its acknowledgements (see worker.ts). */
const autoCheckpointPages = 8192;

/** Page cache in KiB: what is written is new. SQLite goes through all of it in many a commit. */
const cacheKiB = 4 * 1024;

export interface OpenOptions {
  readonly file: string;
  readonly lockWaitMs: number;
  readonly interruptRunning: boolean;
}

/** @throws GatehouseError `log_newer_version`, `log_corrupt` (both leave the file as it is), `log_unavailable`. */
export function openDatabase(options: OpenOptions): Database {
  let db: Database | undefined;
  try {
    makePrivate(options.file);
    db = new DatabaseConstructor(options.file, { timeout: options.lockWaitMs });
    prepare(db, options);
    return db;
  } catch (error) {
    db?.close();
    throw describeFailure(error, options.file);
  }
}

function makePrivate(file: string): void {
  if (!existsSync(file)) closeSync(openSync(file, 'wx', privateMode));
  for (const part of [file, `${file}-wal`, `${file}-shm`]) {
    if (existsSync(part)) chmodSync(part, privateMode);
  }
}

function prepare(db: Database, options: OpenOptions): void {
  const { file } = options;
  checkVersion(db, file);
  db.pragma('auto_vacuum = INCREMENTAL');
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.pragma(`journal_size_limit = ${walKeptBytes}`);
  db.pragma(`wal_autocheckpoint = ${autoCheckpointPages}`);
  db.pragma(`cache_size = -${cacheKiB}`);
  migrate(db, file);
  if (options.interruptRunning) interruptRunning(db);
}
