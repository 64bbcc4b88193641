// A file that keeps room on the disk for audit rows: given up when the disk is full, so that the refusals and changes
// of that time are still written down, and made again as soon as there is room. Must never be made of the last bytes.
// What is left of it is an empty file: so the next thread, or the next process, knows that it is owed.
import {
  closeSync,
  fsyncSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

const chunkBytes = 256 * 1024;
const privateMode = 0o600;

export class Reserve {
  readonly #file: string;
  readonly #bytes: number;
  #owed: boolean;

  /** @param bytes the room it keeps */
  constructor(file: string, bytes: number) {
    this.#file = file;
    this.#bytes = bytes;
    const size = this.#size();
    this.#owed = size !== null && size < bytes;
  }

  /** Whether it was given up and has not been made again. */
  get owed(): boolean {
    return this.#owed;
  }

  /** Where twice its size is free; else it stays missing. */
  make(): void {
    try {
      if ((this.#size() ?? 0) < this.#bytes) {
        if (freeBytes(dirname(this.#file)) < 2 * this.#bytes) return;
        this.#fill();
      }
      this.#owed = false;
    } catch {
      if (this.#owed) this.#empty();
      else rmSync(this.#file, { force: true });
    }
  }

  /** Gives its room back. Returns whether there was any. */
  giveUp(): boolean {
    if ((this.#size() ?? 0) === 0) return false;
    this.#empty();
    this.#owed = true;
    return true;
  }

  /** Null where there is no file. */
  #size(): number | null {
    return statSync(this.#file, { throwIfNoEntry: false })?.size ?? null;
  }

  /** A file system that cannot even shorten a file when it is full must remove it: room goes before memory. */
  #empty(): void {
    try {
      truncateSync(this.#file);
    } catch {
      rmSync(this.#file, { force: true });
    }
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
