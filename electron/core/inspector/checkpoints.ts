// Brings the write-ahead log into the database when it has grown, after the acknowledgement, so that a commit never waits
// for the disk; only its successor may. Must never look at the file more often than a share of its growth.
import { statSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import { walCheckpointBytes } from './protocol.ts';

/** About 64 KiB of WAL. */
const operationsPerLook = 64;

export class Checkpoints {
  readonly #db: Database;
  readonly #wal: string;
  #nextBytes = walCheckpointBytes;
  /** Operations written since the size of the WAL was last looked at. */
  #unlooked = 0;

  constructor(db: Database, databaseFile: string) {
    this.#db = db;
    this.#wal = `${databaseFile}-wal`;
  }

  /** @param operations that have just been written. @throws SQLite's error */
  after(operations: number): void {
    this.#unlooked += operations;
    if (this.#unlooked < operationsPerLook) return;
    this.#unlooked = 0;
    const size = statSync(this.#wal, { throwIfNoEntry: false })?.size ?? 0;
    if (size < this.#nextBytes) return;
    const [result] = this.#db.pragma('wal_checkpoint(PASSIVE)') as [{ log: number; checkpointed: number }];
    // While a reader holds an old snapshot the WAL cannot start over: try again when it has grown.
    const complete = result.log === result.checkpointed;
    this.#nextBytes = complete ? walCheckpointBytes : size + walCheckpointBytes;
  }
}
