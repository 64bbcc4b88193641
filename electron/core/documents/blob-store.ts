// The encrypted versions that have been served, on disk: for each a ciphertext and a record with its key. Together they
// take no more than so many bytes; the ones that nobody asked for the longest go first. A blob exists once its record is
// there: what a killed process left half-written is swept at the next start. Must never hold plaintext, give a key to
// whoever knows a blob id alone, or write anything wider than 0600.
import { randomBytes } from 'node:crypto';
import { open, readdir, stat, utimes } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import {
  ensurePrivateFolder,
  readFileIfThere,
  removeFileIfThere,
  renameDurably,
  storageError,
  writeFileAtomic,
} from '../../../shared/storage/atomic-file.ts';
import { parseBlobRecord } from './blob-record.ts';
import type { BlobRecord, DocumentKey } from './blob-record.ts';
import { BlobWriter } from './blob-writer.ts';
import type { NewRecord } from './blob-writer.ts';
import type { FileIdentity } from './file-identity.ts';

const ciphertextSuffix = '.blob';
const recordSuffix = '.json';
const partSuffix = '.part';
const blobIdBytes = 32;

export interface BlobStoreOptions {
  readonly folder: string;
  /** Ciphertext of all blobs together. */
  readonly maxBytes: number;
  readonly now?: () => number;
}

interface Kept {
  record: BlobRecord;
  usedAt: number;
}

export class BlobStore {
  readonly #options: BlobStoreOptions;
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();
  /** Blob ids of a document, by `keyOf`. */
  readonly #byDocument = new Map<string, Set<string>>();
  /** Bytes that blobs under way will take. */
  #reserved = 0;
  #bytes = 0;

  private constructor(options: BlobStoreOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Sweeps what is half-written or damaged. @throws GatehouseError `storage_failed` */
  static async open(options: BlobStoreOptions): Promise<BlobStore> {
    const store = new BlobStore(options);
    await ensurePrivateFolder(options.folder);
    const names = await readdir(options.folder).catch((error: unknown) => {
      throw storageError('listed', options.folder, error);
    });
    const whole = new Set<string>();
    for (const name of names) {
      if (name.endsWith(recordSuffix) && (await store.#load(name.slice(0, -recordSuffix.length)))) {
        whole.add(name.slice(0, -recordSuffix.length));
      }
    }
    for (const name of names) {
      if (!whole.has(name.replace(/\.(blob|json)$/, ''))) await removeFileIfThere(join(options.folder, name));
    }
    await store.#makeRoom(0);
    return store;
  }

  /** Ciphertext that is kept, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The version of a document, if it is kept. */
  find(document: DocumentKey, version: string): BlobRecord | null {
    return this.of(document).find((record) => record.version === version) ?? null;
  }

  /** All versions of a document that are kept, newest first. */
  of(document: DocumentKey): readonly BlobRecord[] {
    const ids = [...(this.#byDocument.get(keyOf(document)) ?? [])];
    const records = ids.flatMap((id) => this.#kept.get(id)?.record ?? []);
    return records.sort((a, b) => b.at - a.at);
  }

  /** It is wanted: it goes later than those that are not. */
  touch({ blob }: BlobRecord): void {
    const kept = this.#kept.get(blob);
    if (kept === undefined) return;
    kept.usedAt = this.#now();
    const seconds = kept.usedAt / 1000;
    utimes(this.#path(blob, ciphertextSuffix), seconds, seconds).catch(() => undefined);
  }

  /** The file of this version is known to be unchanged, or null: not any more. @throws GatehouseError `storage_failed` */
  async setIdentity(record: BlobRecord, identity: FileIdentity | null): Promise<BlobRecord> {
    const kept = this.#kept.get(record.blob);
    const changed = { ...record, identity };
    if (kept === undefined) return changed;
    kept.record = changed;
    await this.#writeRecord(changed);
    return changed;
  }

  /** The ciphertext to read, for whoever knows the id. @throws GatehouseError `blob_unknown`, `storage_failed` */
  async read(blob: string): Promise<{ readonly file: FileHandle; readonly length: number }> {
    const kept = this.#kept.get(blob);
    if (kept === undefined) throw unknownBlob();
    this.touch(kept.record);
    const file = await open(this.#path(blob, ciphertextSuffix), 'r').catch(async (error: unknown) => {
      await this.forget(kept.record).catch(() => undefined);
      throw new GatehouseError('blob_unknown', unknownBlob().message, { cause: error });
    });
    return { file, length: kept.record.ciphertextLength };
  }

  /**
   * Makes room for a ciphertext and begins it; whoever begins calls `finish` or `discard`.
   * @throws GatehouseError `limit_exceeded` where it is larger than the store, `storage_failed`
   */
  async begin(length: number): Promise<BlobWriter> {
    await this.#makeRoom(length);
    this.#reserved += length;
    const blob = randomBytes(blobIdBytes).toString('base64url');
    const path = this.#path(blob, partSuffix);
    const giveBack = (): void => {
      this.#reserved -= length;
    };
    try {
      const file = await open(path, 'wx', 0o600);
      return new BlobWriter({
        blob,
        file,
        path,
        giveBack,
        keep: (record) => this.#keep(blob, length, record),
      });
    } catch (error) {
      giveBack();
      throw storageError('written', path, error);
    }
  }

  /** Removes one version. @throws GatehouseError `storage_failed` */
  async forget({ blob }: BlobRecord): Promise<void> {
    const kept = this.#kept.get(blob);
    if (kept === undefined) return;
    this.#kept.delete(blob);
    this.#bytes -= kept.record.ciphertextLength;
    const ids = this.#byDocument.get(keyOf(kept.record));
    ids?.delete(blob);
    if (ids?.size === 0) this.#byDocument.delete(keyOf(kept.record));
    // The key first: without it the rest is noise.
    await removeFileIfThere(this.#path(blob, recordSuffix));
    await removeFileIfThere(this.#path(blob, ciphertextSuffix));
  }

  /** Removes all versions of collections that are not published any more. @throws GatehouseError `storage_failed` */
  async keepCollections(ids: ReadonlySet<string>): Promise<void> {
    const gone = [...this.#kept.values()].filter(({ record }) => !ids.has(record.collection));
    for (const { record } of gone) await this.forget(record);
  }

  async #makeRoom(length: number): Promise<void> {
    const { maxBytes } = this.#options;
    if (length > maxBytes - this.#reserved) {
      const message =
        'The document is larger than what the service can keep encrypted. Tell its administrator.';
      throw new GatehouseError('limit_exceeded', message);
    }
    const oldest = [...this.#kept.values()].sort((a, b) => a.usedAt - b.usedAt);
    for (const { record } of oldest) {
      if (this.#bytes + this.#reserved + length <= maxBytes) return;
      await this.forget(record);
    }
  }

  async #keep(blob: string, ciphertextLength: number, facts: NewRecord): Promise<BlobRecord> {
    const record: BlobRecord = { v: 1, blob, ...facts, ciphertextLength, at: this.#now() };
    await renameDurably(this.#path(blob, partSuffix), this.#path(blob, ciphertextSuffix));
    await this.#writeRecord(record);
    this.#add({ record, usedAt: this.#now() });
    return record;
  }

  async #writeRecord(record: BlobRecord): Promise<void> {
    await writeFileAtomic(this.#path(record.blob, recordSuffix), `${JSON.stringify(record)}\n`);
  }

  #add(kept: Kept): void {
    const { record } = kept;
    this.#kept.set(record.blob, kept);
    this.#bytes += record.ciphertextLength;
    const key = keyOf(record);
    const ids = this.#byDocument.get(key) ?? new Set();
    this.#byDocument.set(key, ids.add(record.blob));
  }

  /** False where the record is damaged, or its ciphertext is not the one. */
  async #load(blob: string): Promise<boolean> {
    try {
      const bytes = await readFileIfThere(this.#path(blob, recordSuffix));
      if (bytes === null) return false;
      const record = parseBlobRecord(blob, bytes);
      const { size, mtimeMs } = await stat(this.#path(blob, ciphertextSuffix));
      if (size !== record.ciphertextLength) return false;
      this.#add({ record, usedAt: mtimeMs });
      return true;
    } catch {
      return false;
    }
  }

  #path(blob: string, suffix: string): string {
    return join(this.#options.folder, `${blob}${suffix}`);
  }
}

function keyOf({ collection, name }: DocumentKey): string {
  return `${collection} ${name}`;
}

function unknownBlob(): GatehouseError {
  const message = 'There is no such encrypted document any more. Ask for the document again.';
  return new GatehouseError('blob_unknown', message);
}
