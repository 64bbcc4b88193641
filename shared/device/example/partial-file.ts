// A download on its way: kept in the origin's private file system (OPFS) in segments, so that a gigabyte fits, and what
// has come is still there after the connection, the tab or the machine broke. Segments, because a file that is there is
// copied whole before it is changed. Handed over only when all of it is there.
import type { Bytes } from '../bytes.ts';

/** Of each file but the last, in bytes. A tab that crashes loses no more than this. */
const segmentLength = 16 * 1024 * 1024;

export class PartialFile {
  readonly #folder: FileSystemDirectoryHandle;
  readonly #name: string;
  #writable: FileSystemWritableFileStream | null = null;
  #length: number;

  private constructor(folder: FileSystemDirectoryHandle, name: string, length: number) {
    this.#folder = folder;
    this.#name = name;
    this.#length = length;
  }

  /** What is kept under `name`; a version's hash is a good one. */
  static async open(name: string): Promise<PartialFile> {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle(name, { create: true });
    const partial = new PartialFile(folder, name, 0);
    for (const segment of await partial.#segments()) {
      // A segment behind a short one was written before a crash lost that one's end.
      if (partial.#length % segmentLength === 0) partial.#length += segment.size;
    }
    return partial;
  }

  /** Bytes that have come. */
  get length(): number {
    return this.#length;
  }

  async append(bytes: Bytes): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const position = this.#length % segmentLength;
      const part = bytes.subarray(at, at + segmentLength - position);
      this.#writable ??= await this.#openSegment(position > 0);
      await this.#writable.write({ type: 'write', position, data: part });
      at += part.length;
      this.#length += part.length;
      if (this.#length % segmentLength === 0) await this.flush();
    }
  }

  /** Where `saveDocument` writes to. Whatever happens, `flush` afterwards. */
  sink(): WritableStream<Uint8Array<ArrayBuffer>> {
    return new WritableStream({ write: (bytes) => this.append(bytes) });
  }

  /** What was kept, to be hashed again: disks lie too. */
  async *content(): AsyncGenerator<Bytes> {
    const reader = (await this.blob()).stream().getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  }

  /** What has come survives from now on. */
  async flush(): Promise<void> {
    const writable = this.#writable;
    this.#writable = null;
    await writable?.close();
  }

  /** All of it, on disk still. */
  async blob(): Promise<Blob> {
    await this.flush();
    return new Blob(await this.#segments());
  }

  async remove(): Promise<void> {
    await this.flush();
    const root = await navigator.storage.getDirectory();
    await root.removeEntry(this.#name, { recursive: true });
  }

  async #openSegment(keepExistingData: boolean): Promise<FileSystemWritableFileStream> {
    const name = String(Math.floor(this.#length / segmentLength));
    const handle = await this.#folder.getFileHandle(name, { create: true });
    return handle.createWritable({ keepExistingData });
  }

  async #segments(): Promise<File[]> {
    const files: File[] = [];
    for (;;) {
      const handle = await this.#folder.getFileHandle(String(files.length)).catch(() => null);
      if (handle === null) return files;
      files.push(await handle.getFile());
    }
  }
}
