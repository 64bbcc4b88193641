// Syncs the write-ahead log from a thread of the pool, behind the commits, so that no request waits for the
// disk: at once after a rejection (an audit row: what `synchronous=FULL` would do in the commit itself),
// within a second after anything else. Must never open the database file: closing it would drop
// SQLite's POSIX locks on it. The -wal file carries none.
import { open } from 'node:fs/promises';

/** Brings what was written to `file` to the disk. Resolves where the file is missing. */
export type SyncFile = (file: string) => Promise<void>;

export class WalSync {
  readonly #file: string;
  readonly #delayMs: number;
  readonly #syncFile: SyncFile;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #again = false;

  /** @param delayMs the most that a loss of power may take, in milliseconds */
  constructor(databaseFile: string, delayMs: number, syncFile: SyncFile) {
    this.#file = `${databaseFile}-wal`;
    this.#delayMs = delayMs;
    this.#syncFile = syncFile;
  }

  /** Something was committed. */
  soon(): void {
    this.#timer ??= setTimeout(() => this.now(), this.#delayMs).unref();
  }

  /** An audit row was committed. One sync runs at a time and covers all commits before it. */
  now(): void {
    this.#stopTimer();
    if (this.#running === null) this.#running = this.#sync();
    else this.#again = true;
  }

  /** Resolves when all commits before this call are synced. @throws the file system's error */
  async settled(): Promise<void> {
    await this.#running?.catch(ignore);
    this.#stopTimer();
    await this.#syncFile(this.#file);
  }

  async close(): Promise<void> {
    this.#stopTimer();
    await this.#running;
  }

  /** Never rejects: where a sync fails, the next commit brings the next one, and `settled` reports it. */
  async #sync(): Promise<void> {
    do {
      this.#again = false;
      await this.#syncFile(this.#file).catch(ignore);
    } while (this.#again);
    this.#running = null;
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

export async function syncFileData(file: string): Promise<void> {
  const handle = await open(file, 'r+').catch(absent);
  if (handle === null) return;
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

function ignore(): void {}

/** No WAL: its last connection checkpointed it with a sync and removed it. */
function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
