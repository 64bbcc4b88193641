// A file that keeps room on the disk for audit rows: given up when the disk is full, so that the refusals and changes
// of that time are still written down, and made again as soon as there is room. Must never be made of the last bytes.
import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const chunkBytes = 256 * 1024;
const privateMode = 0o600;

export class Reserve {
  readonly #file: string;
  readonly #bytes: number;
  #owed = false;

  /** @param bytes the room it keeps */
  constructor(file: string, bytes: number) {
    this.#file = file;
    this.#bytes = bytes;
  }

  /** Whether it was given up and has not been made again. */
  get owed(): boolean {
    return this.#owed;
  }

  /** Where twice its size is free; else it stays missing. */
  make(): void {
    try {
      const size = statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0;
      if (size < this.#bytes) {
        if (freeBytes(dirname(this.#file)) < 2 * this.#bytes) return;
        this.#fill();
      }
      this.#owed = false;
    } catch {
      rmSync(this.#file, { force: true });
    }
  }

  /** Gives its room back. Returns whether there was any. */
  giveUp(): boolean {
    if (!existsSync(this.#file)) return false;
    rmSync(this.#file, { force: true });
    this.#owed = true;
    return true;
  }

  #fill(): void {
    const handle = openSync(this.#file, 'w', privateMode);
    try {
      const zeros = Buffer.alloc(chunkBytes);
      for (let left = this.#bytes; left > 0;) left -= writeSync(handle, zeros, 0, Math.min(left, chunkBytes));
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  }
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
