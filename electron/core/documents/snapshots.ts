// From a document in its folder to an encrypted version in the blob store. The document is read twice through one open
// file: for its hash, and to be encrypted; both readings must agree byte for byte and the file must not have been
// written meanwhile, else all is dropped and tried again under a fresh key. So what is kept is a snapshot, and no
// plaintext of it ever lies anywhere else. Must never encrypt twice under one key.
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { blobCipher, blobLength, newBlobKey } from '../../../shared/device/blobs.ts';
import { chunkCount, chunkLength, sealChunk } from '../../../shared/device/chunks.ts';
import type { ChunkCipher } from '../../../shared/device/chunks.ts';
import type { BlobRecord, DocumentKey } from './blob-record.ts';
import type { BlobStore } from './blob-store.ts';
import type { BlobWriter } from './blob-writer.ts';
import type { Collection } from './collections.ts';
import { sameName } from './document-name.ts';
import { openDocument } from './document-path.ts';
import { blocksOf, Changed, hashOf } from './document-reader.ts';
import { isSettled, sameIdentity } from './file-identity.ts';
import type { FileIdentity } from './file-identity.ts';
import { KnownVersions } from './known-versions.ts';
import type { OpenedDocument } from './published-folder.ts';
import { Places } from './places.ts';
import { UnderWay } from './under-way.ts';
import type { Progress } from './under-way.ts';

/** How often a document that changes is read before its reader is told so, and the pause in between. */
const attempts = 4;
const pauseMs = 100;

/** What a document is now. */
export interface CurrentVersion {
  /** As it is on disk. */
  readonly name: string;
  readonly version: string;
  readonly size: number;
}

export interface Snapshot extends CurrentVersion {
  readonly record: BlobRecord;
}

export class Snapshots {
  readonly #store: BlobStore;
  readonly #known = new KnownVersions();
  /** Documents that are read at the same time, and callers that wait for their turn. */
  readonly #places = new Places({ running: 2, waiting: 64 });
  readonly #taking: UnderWay<Snapshot>;
  readonly #hashing: UnderWay<CurrentVersion>;
  readonly #stopped = new AbortController();

  /** @param answerWithinMs how long a caller waits before it is told `document_preparing`, in milliseconds */
  constructor(store: BlobStore, answerWithinMs?: number) {
    this.#store = store;
    this.#taking = new UnderWay(answerWithinMs);
    this.#hashing = new UnderWay(answerWithinMs);
  }

  /** Breaks off what is being read. */
  stop(): void {
    this.#stopped.abort();
  }

  /** Resolves when nothing is under way any more. */
  async idle(): Promise<void> {
    await Promise.all([this.#taking.idle(), this.#hashing.idle()]);
  }

  /**
   * What the folder holds now, encrypted. Callers that ask for one document at the same time share the work.
   * @throws GatehouseError `document_unknown`, `document_preparing`, `document_changing`, `limit_exceeded`,
   *   `storage_failed`, `collection_folder_invalid`, `shutting_down`
   */
  take(collection: Collection, parts: readonly string[]): Promise<Snapshot> {
    return this.#taking.result(keyOf(collection, parts), (progress) =>
      this.#takeSteadily(collection, parts, (opened) => this.#snapshot(collection, opened, progress)),
    );
  }

  /** What the folder holds now, by its content hash alone. @throws GatehouseError as `take` */
  current(collection: Collection, parts: readonly string[]): Promise<CurrentVersion> {
    const read = async (opened: OpenedDocument, progress: Progress): Promise<CurrentVersion> => {
      const document = { collection: collection.id, name: sameName(opened.name) };
      const known = this.#knownOf(document, opened.identity);
      begin(progress, opened.identity.size);
      return versionOf(opened, known ?? (await this.#hash(document, opened, progress)));
    };
    return this.#hashing.result(keyOf(collection, parts), (progress) =>
      this.#takeSteadily(collection, parts, (opened) => read(opened, progress)),
    );
  }

  /** As `current`, where nobody has to read the document for it; else null. @throws GatehouseError as `take` */
  async currentIfKnown(collection: Collection, parts: readonly string[]): Promise<CurrentVersion | null> {
    const opened = await openDocument(collection.folder, parts);
    await opened.file.close();
    const document = { collection: collection.id, name: sameName(opened.name) };
    const version = this.#knownOf(document, opened.identity);
    return version === null ? null : versionOf(opened, version);
  }

  async #takeSteadily<T>(
    collection: Collection,
    parts: readonly string[],
    act: (opened: OpenedDocument) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      const opened = await openDocument(collection.folder, parts);
      try {
        return await act(opened);
      } catch (error) {
        if (!(error instanceof Changed)) throw readError(error);
      } finally {
        await opened.file.close();
      }
      if (attempt < attempts) await delay(pauseMs * attempt, undefined, { ref: false });
    }
    const message = 'The document kept changing while it was read. Try again once nobody writes it.';
    throw new GatehouseError('document_changing', message);
  }

  async #snapshot(collection: Collection, opened: OpenedDocument, progress: Progress): Promise<Snapshot> {
    const document = { collection: collection.id, name: sameName(opened.name) };
    const known = this.#knownOf(document, opened.identity);
    const { size } = opened.identity;
    begin(progress, known === null ? 2 * size : size);
    const version = known ?? (await this.#hash(document, opened, progress));
    const kept = this.#store.find(document, version);
    const record = kept ?? (await this.#places.in(() => this.#encrypt(document, opened, version, progress)));
    const identity = settled(opened.identity);
    const isNews = kept !== null && identity !== null && !isSame(kept.identity, identity);
    return {
      ...versionOf(opened, version),
      record: isNews ? await this.#store.setIdentity(record, identity) : record,
    };
  }

  #knownOf(document: DocumentKey, identity: FileIdentity): string | null {
    const kept = this.#store.of(document).find((record) => isSame(record.identity, identity));
    return kept?.version ?? this.#known.find(document, identity);
  }

  async #hash(document: DocumentKey, opened: OpenedDocument, progress: Progress): Promise<string> {
    const version = await this.#places.in(() => hashOf(this.#blocks(opened, progress)));
    const identity = settled(opened.identity);
    if (identity !== null) this.#known.add(document, identity, version);
    return version;
  }

  /** The whole content, counted as it is read. */
  async *#blocks(opened: OpenedDocument, progress: Progress): AsyncGenerator<Buffer> {
    for await (const block of blocksOf(opened, this.#stopped.signal)) {
      yield block;
      progress.done += block.length;
    }
  }

  async #encrypt(
    document: DocumentKey,
    opened: OpenedDocument,
    version: string,
    progress: Progress,
  ): Promise<BlobRecord> {
    const { size } = opened.identity;
    const key = newBlobKey();
    const cipher = await blobCipher(key, { version, length: size });
    const writer = await this.#store.begin(blobLength(size));
    try {
      if ((await this.#pour(this.#blocks(opened, progress), size, cipher, writer)) !== version)
        throw new Changed('It changed between two readings.');
      const facts = { ...document, version, size, key: Buffer.from(key).toString('base64url') };
      return await writer.finish({ ...facts, identity: settled(opened.identity) });
    } finally {
      key.fill(0);
      await writer.discard();
    }
  }

  /** The hash of what was encrypted. */
  async #pour(
    blocks: AsyncGenerator<Buffer>,
    size: number,
    cipher: ChunkCipher,
    writer: BlobWriter,
  ): Promise<string> {
    const hash = createHash('sha256');
    const last = chunkCount(size) - 1;
    let index = 0;
    let writing = Promise.resolve();
    for await (const block of blocks) {
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < block.length; at += chunkLength)
        pieces.push(block.subarray(at, at + chunkLength));
      const first = index;
      const sealed = pieces.map((piece, at) => sealChunk(cipher, first + at, first + at === last, piece));
      hash.update(block);
      const chunks = await Promise.all(sealed);
      await writing;
      // The next block is read and sealed while this one is written.
      writing = writer.write(chunks);
      writing.catch(() => undefined);
      index += pieces.length;
    }
    await writing;
    if (index === 0) await writer.write([await sealChunk(cipher, 0, true, new Uint8Array())]);
    return hash.digest('hex');
  }
}

function keyOf({ id }: Collection, parts: readonly string[]): string {
  return JSON.stringify([id, parts]);
}

/** Each attempt begins anew. */
function begin(progress: Progress, total: number): void {
  progress.done = 0;
  progress.total = total;
}

function versionOf({ name, identity }: OpenedDocument, version: string): CurrentVersion {
  return { name, version, size: identity.size };
}

function settled(identity: FileIdentity): FileIdentity | null {
  return isSettled(identity, Date.now()) ? identity : null;
}

function isSame(a: FileIdentity | null, b: FileIdentity): boolean {
  return a !== null && sameIdentity(a, b);
}

function readError(error: unknown): GatehouseError {
  if (error instanceof GatehouseError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const message = `The service cannot read the document (${code}). Tell its administrator.`;
  return new GatehouseError('storage_failed', message, { cause: error });
}
