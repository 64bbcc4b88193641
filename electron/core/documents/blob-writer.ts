// One ciphertext on its way to the disk. It is there once `finish` has resolved, and otherwise leaves nothing behind.
import type { FileHandle } from 'node:fs/promises';
import { removeFileIfThere, storageError } from '../../../shared/storage/atomic-file.ts';
import type { BlobRecord } from './blob-record.ts';

/** What a new blob is told at its end; the rest the store knows. */
export type NewRecord = Pick<BlobRecord, 'collection' | 'name' | 'version' | 'size' | 'key' | 'identity'>;

interface BlobWriterParts {
  readonly blob: string;
  readonly file: FileHandle;
  readonly path: string;
  readonly giveBack: () => void;
  readonly keep: (record: NewRecord) => Promise<BlobRecord>;
}

/** A ciphertext under way. */
export class BlobWriter {
  readonly #parts: BlobWriterParts;
  #closed: Promise<void> | null = null;
  #over = false;

  constructor(parts: BlobWriterParts) {
    this.#parts = parts;
  }

  /** @throws GatehouseError `storage_failed` */
  async write(chunks: readonly Uint8Array[]): Promise<void> {
    try {
      const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      const { bytesWritten } = await this.#parts.file.writev([...chunks]);
      if (bytesWritten !== length) throw Object.assign(new Error('short write'), { code: 'ENOSPC' });
    } catch (error) {
      throw storageError('written', this.#parts.path, error);
    }
  }

  /** From now on it is there. @throws GatehouseError `storage_failed` */
  async finish(record: NewRecord): Promise<BlobRecord> {
    try {
      await this.#parts.file.datasync();
      await this.#close();
      return await this.#parts.keep(record);
    } catch (error) {
      await this.discard();
      throw storageError('written', this.#parts.path, error);
    } finally {
      this.#end();
    }
  }

  /** Nothing of it stays; after `finish` this does nothing. */
  async discard(): Promise<void> {
    if (this.#over) return;
    this.#end();
    await this.#close().catch(() => undefined);
    await removeFileIfThere(this.#parts.path).catch(() => undefined);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#parts.giveBack();
  }

  #close(): Promise<void> {
    this.#closed ??= this.#parts.file.close();
    return this.#closed;
  }
}
