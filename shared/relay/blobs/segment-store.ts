// The segments on disk: bounded in bytes, the least recently used go first. A segment is there whole or not at all;
// whatever is wrong with a file, it is removed and counts as missing. Must never make more of its folder than its own.
import { constants } from 'node:fs';
import { open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { asGatehouseError } from '../../contracts/errors.ts';
import { ensurePrivateFolder, readFileIfThere, temporaryPath } from '../../storage/atomic-file.ts';
import { isSegmentName, maxSegmentFileLength, readSegment, segmentHeader } from './segment-file.ts';
import type { Segment } from './segment-file.ts';

export interface SegmentStoreOptions {
  readonly folder: string;
  /** All files together, in bytes; 0 keeps none. */
  readonly maxBytes: number;
  readonly logger: Logger;
}

export class SegmentStore {
  readonly #options: SegmentStoreOptions;
  /** Length of each file by its name, the least recently used first. */
  readonly #files = new Map<string, number>();
  #bytes = 0;

  private constructor(options: SegmentStoreOptions) {
    this.#options = options;
  }

  /** Takes over what an earlier relay left in the folder. @throws GatehouseError `storage_failed` */
  static async open(options: SegmentStoreOptions): Promise<SegmentStore> {
    const store = new SegmentStore(options);
    await ensurePrivateFolder(options.folder);
    await store.#takeOver();
    return store;
  }

  /** Bytes that its files have. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The segment of that name; null where it is not here. Never rejects. */
  async get(name: string): Promise<Segment | null> {
    const length = this.#files.get(name);
    if (length === undefined) return null;
    const file = await readFileIfThere(this.#path(name), maxSegmentFileLength).catch(() => null);
    const segment = file === null ? null : readSegment(name, file);
    if (segment === null) {
      this.#options.logger.warn({ name }, 'a cached segment was damaged or gone');
      await this.drop(name);
    } else if (this.#files.delete(name)) this.#files.set(name, length);
    return segment;
  }

  /** Keeps the segment, and removes others for it. Never rejects: a segment that cannot be kept is fetched again. */
  async put(name: string, segment: Segment): Promise<void> {
    const header = segmentHeader(name, segment);
    const length = header.length + segment.bytes.length;
    if (length > this.#options.maxBytes || this.#files.has(name)) return;
    this.#files.set(name, length);
    this.#bytes += length;
    try {
      await this.#evict();
      await this.#write(name, [header, segment.bytes]);
    } catch (error) {
      const { code, message } = asGatehouseError(error, 'storage_failed');
      this.#options.logger.warn({ code, reason: message }, 'a segment could not be cached');
      await this.drop(name);
    }
  }

  async drop(name: string): Promise<void> {
    this.#bytes -= this.#files.get(name) ?? 0;
    this.#files.delete(name);
    await unlink(this.#path(name)).catch(() => undefined);
  }

  async #evict(): Promise<void> {
    const leaving: string[] = [];
    for (const [name, length] of this.#files) {
      if (this.#bytes <= this.#options.maxBytes) break;
      this.#bytes -= length;
      this.#files.delete(name);
      leaving.push(name);
    }
    await Promise.all(leaving.map((name) => unlink(this.#path(name)).catch(() => undefined)));
  }

  /** Not synced: what a power failure leaves of it, the checksum finds. */
  async #write(name: string, parts: readonly Buffer[]): Promise<void> {
    const path = this.#path(name);
    const temporary = temporaryPath(path);
    try {
      const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
      try {
        await file.writev([...parts]);
      } finally {
        await file.close();
      }
      await rename(temporary, path);
      // It may have had to leave while it was written.
      if (!this.#files.has(name)) await unlink(path);
    } catch (error) {
      await unlink(temporary).catch(() => undefined);
      throw error;
    }
  }

  async #takeOver(): Promise<void> {
    const found: { name: string; length: number; usedAt: number }[] = [];
    for (const name of await readdir(this.#options.folder)) {
      const status = await stat(this.#path(name)).catch(() => null);
      const good = isSegmentName(name) && status?.isFile() === true && status.size <= maxSegmentFileLength;
      if (good) found.push({ name, length: status.size, usedAt: status.mtimeMs });
      else if (name.endsWith('.tmp')) await unlink(this.#path(name)).catch(() => undefined);
    }
    found.sort((one, other) => one.usedAt - other.usedAt);
    for (const { name, length } of found) {
      this.#files.set(name, length);
      this.#bytes += length;
    }
    await this.#evict();
  }

  #path(name: string): string {
    return join(this.#options.folder, name);
  }
}
