// The ids of the request journal on disk: records of one length, appended. What a kill tears off at the end was not
// acknowledged. The appends of one turn of the event loop are one write, made at once: it is a copy to the page cache, a
// few dozen microseconds, where handing it to another thread and back costs several times that.
// It must never acknowledge what the kernel has not taken.
import { writeSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError, storageError } from '../../../shared/storage/atomic-file.ts';
import { writeAll } from '../../../shared/storage/write-all.ts';

/** Length of a device's and of a request's key, in bytes. */
export const keyLength = 16;
const recordLength = 2 * keyLength + 8;
/** Records at most that are read back; a file with more of them has been damaged. */
const maxRecords = 4_000_000;

export interface JournalRecord {
  /** 16 latin-1 characters each. */
  readonly device: string;
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

interface Waiting {
  readonly bytes: Buffer;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class JournalFile {
  readonly #path: string;
  #handle: FileHandle;
  #read: readonly JournalRecord[];
  #waiting: Waiting[] = [];
  /** The file is being replaced; what is appended meanwhile waits. */
  #replacing: Promise<void> | null = null;
  #length: number;

  private constructor(path: string, handle: FileHandle, read: readonly JournalRecord[]) {
    this.#path = path;
    this.#handle = handle;
    this.#read = read;
    this.#length = read.length * recordLength;
  }

  /** @throws GatehouseError `storage_failed` */
  static async open(folder: string): Promise<JournalFile> {
    const path = join(folder, 'ids');
    try {
      const handle = await openForUpdate(path);
      const records = await readRecords(handle);
      return new JournalFile(path, handle, records);
    } catch (error) {
      throw storageError('opened', path, error);
    }
  }

  /** Records in the file. */
  get records(): number {
    return this.#length / recordLength;
  }

  /** What was there when it was opened, once. */
  takeRead(): readonly JournalRecord[] {
    const read = this.#read;
    this.#read = [];
    return read;
  }

  /** Resolves once the record is with the kernel: kill -9 leaves it there. @throws the file system's error */
  append(record: JournalRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      const isFirst = this.#waiting.push({ bytes: encode(record), resolve, reject }) === 1;
      if (isFirst && this.#replacing === null) setImmediate(this.#write);
    });
  }

  /** Replaces all that is in the file by `records`, which must hold all that was appended; what waits follows. */
  async rewrite(records: () => Iterable<JournalRecord>): Promise<void> {
    while (this.#replacing !== null) await this.#replacing;
    this.#replacing = this.#replace(Buffer.concat(Array.from(records(), encode))).finally(() => {
      this.#replacing = null;
      this.#write();
    });
    await this.#replacing;
  }

  async close(): Promise<void> {
    while (this.#replacing !== null) await this.#replacing.catch(() => undefined);
    this.#write();
    await this.#handle.close();
  }

  readonly #write = (): void => {
    if (this.#waiting.length === 0 || this.#replacing !== null) return;
    const batch = this.#waiting;
    this.#waiting = [];
    try {
      const bytes = Buffer.concat(batch.map((each) => each.bytes));
      // At its place, so that what an earlier failure left half-written is written over.
      for (let written = 0; written < bytes.length;) {
        written += writeSync(this.#handle.fd, bytes, written, bytes.length - written, this.#length + written);
      }
      this.#length += bytes.length;
      for (const each of batch) each.resolve();
    } catch (error) {
      for (const each of batch) each.reject(error);
    }
  };

  async #replace(bytes: Buffer): Promise<void> {
    const temporary = `${this.#path}.new`;
    await rm(temporary, { force: true });
    const handle = await open(temporary, 'wx+', 0o600);
    await writeAll(handle, bytes, 0);
    await handle.datasync();
    await rename(temporary, this.#path);
    await this.#handle.close();
    this.#handle = handle;
    this.#length = bytes.length;
  }
}

async function openForUpdate(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
    return open(path, 'wx+', 0o600);
  }
}

async function readRecords(handle: FileHandle): Promise<readonly JournalRecord[]> {
  const { size } = await handle.stat();
  const bytes = Buffer.alloc(Math.min(Math.floor(size / recordLength), maxRecords) * recordLength);
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return Array.from({ length: Math.floor(length / recordLength) }, (_, at) =>
    decode(bytes, at * recordLength),
  );
}

function encode({ device, id, at }: JournalRecord): Buffer {
  const bytes = Buffer.alloc(recordLength);
  bytes.write(device, 0, 'latin1');
  bytes.write(id, keyLength, 'latin1');
  bytes.writeDoubleBE(at, 2 * keyLength);
  return bytes;
}

function decode(bytes: Buffer, at: number): JournalRecord {
  return {
    device: bytes.toString('latin1', at, at + keyLength),
    id: bytes.toString('latin1', at + keyLength, at + 2 * keyLength),
    at: bytes.readDoubleBE(at + 2 * keyLength),
  };
}
