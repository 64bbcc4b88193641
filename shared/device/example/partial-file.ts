// A download on its way: kept in the origin's private file system (OPFS), so that a gigabyte fits, and what has come is
// still there after the connection, the tab or the machine broke. The file is handed over only when all of it is there.
import type { Bytes } from '../bytes.ts';

/** Written through at least this often, in bytes: a crash of the tab loses no more. */
const flushEvery = 32 * 1024 * 1024;

export class PartialFile {
  readonly #handle: FileSystemFileHandle;
  #writable: FileSystemWritableFileStream | null = null;
  #length: number;
  #unflushed = 0;

  private constructor(handle: FileSystemFileHandle, length: number) {
    this.#handle = handle;
    this.#length = length;
  }

  /** What is kept under `name`; a version's hash is a good one. */
  static async open(name: string): Promise<PartialFile> {
    const folder = await navigator.storage.getDirectory();
    const handle = await folder.getFileHandle(name, { create: true });
    return new PartialFile(handle, (await handle.getFile()).size);
  }

  /** Bytes that have come. */
  get length(): number {
    return this.#length;
  }

  async append(bytes: Bytes): Promise<void> {
    this.#writable ??= await this.#handle.createWritable({ keepExistingData: true });
    await this.#writable.write({ type: 'write', position: this.#length, data: bytes });
    this.#length += bytes.length;
    this.#unflushed += bytes.length;
    if (this.#unflushed >= flushEvery) await this.flush();
  }

  /** What has come survives from now on. */
  async flush(): Promise<void> {
    const writable = this.#writable;
    this.#writable = null;
    this.#unflushed = 0;
    await writable?.close();
  }

  /** The whole file, on disk still. */
  async file(): Promise<File> {
    await this.flush();
    return this.#handle.getFile();
  }

  async remove(): Promise<void> {
    await this.flush();
    const folder = await navigator.storage.getDirectory();
    await folder.removeEntry(this.#handle.name);
  }
}
