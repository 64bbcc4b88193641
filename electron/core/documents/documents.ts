// The documents of a service: collections, listings, versions, downloads and uploads, put together. What it hands out it
// has put on record first. Must never hand a key to anybody but the caller of `get`.
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type {
  CollectionView,
  DocumentFetch,
  DocumentFetches,
  VersionView,
} from '../../../shared/contracts/console/documents.ts';
import type {
  DocumentAnswer,
  DocumentsListArgs,
  ListAnswer,
  VersionsAnswer,
} from '../../../shared/contracts/documents.ts';
import { asGatehouseError, GatehouseError } from '../../../shared/contracts/errors.ts';
import { chunkCount, chunkLength } from '../../../shared/device/chunks.ts';
import { ensurePrivateFolder } from '../../../shared/storage/atomic-file.ts';
import type { BlobRecord } from './blob-record.ts';
import { BlobStore } from './blob-store.ts';
import { Collections, collectionView } from './collections.ts';
import type { Collection, NewCollection } from './collections.ts';
import { parseDocumentName, sameName } from './document-name.ts';
import { unlessGone, versionsAnswer, versionViews } from './document-versions.ts';
import { FetchLog } from './fetch-log.ts';
import type { FetchQuery, Recipient } from './fetch-log.ts';
import { Listing } from './listing.ts';
import { plaintextOf } from './plaintext.ts';
import { Snapshots } from './snapshots.ts';
import type { Snapshot } from './snapshots.ts';
import type { Upload } from './upload.ts';
import type { Uploaded } from './upload.ts';
import { Uploads } from './uploads.ts';
import type { UploadTarget } from './uploads.ts';

/** Ciphertext that is kept, in bytes. */
const defaultMaxStoreBytes = 20 * 1024 ** 3;
const gcmTagBytes = 16;

export interface DocumentsOptions {
  /** Of the service: `collections.json` and `documents/` are in it. */
  readonly dataFolder: string;
  readonly onProblem: (problem: GatehouseError) => void;
  readonly maxStoreBytes?: number;
  /** How long a caller waits for a document before it is told `document_preparing`, in milliseconds. */
  readonly answerWithinMs?: number;
}

/** Which document, or which version of it. */
export interface Wanted {
  readonly collection: string;
  readonly name: string;
  readonly version?: string | undefined;
}

interface Parts {
  readonly collections: Collections;
  readonly store: BlobStore;
  readonly fetchLog: FetchLog;
  readonly uploads: Uploads;
}

export class Documents {
  readonly #parts: Parts;
  readonly #snapshots: Snapshots;
  readonly #listing = new Listing();
  readonly #listeners = new Set<() => void>();
  #unwatch: () => void = () => undefined;
  #revision = 0;

  private constructor(parts: Parts, answerWithinMs?: number) {
    this.#parts = parts;
    this.#snapshots = new Snapshots(parts.store, answerWithinMs);
  }

  /** Whoever opens closes. @throws GatehouseError `collections_corrupt`, `storage_failed` */
  static async open({ dataFolder, onProblem, ...options }: DocumentsOptions): Promise<Documents> {
    const folder = join(dataFolder, 'documents');
    await ensurePrivateFolder(folder);
    const maxBytes = options.maxStoreBytes ?? defaultMaxStoreBytes;
    const parts = {
      collections: await Collections.open(dataFolder),
      store: await BlobStore.open({ folder: join(folder, 'blobs'), maxBytes }),
      fetchLog: await FetchLog.open(folder),
      uploads: await Uploads.open(join(folder, 'uploads'), (...uploaded) =>
        documents.#onUploaded(...uploaded),
      ),
    };
    const documents: Documents = new Documents(parts, options.answerWithinMs);
    // What was removed while no service ran.
    await documents.#forgetRemoved();
    documents.#follow(onProblem);
    return documents;
  }

  /** Ascends with every change of the collections, fetch and upload. */
  get revision(): number {
    return this.#revision;
  }

  /** Told of each new revision. Returns the unsubscribe. */
  onChange(tell: () => void): () => void {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }

  /** By name. */
  collections(): readonly Collection[] {
    return this.#parts.collections.all();
  }

  /** With why one cannot be read now. */
  async collectionViews(): Promise<readonly CollectionView[]> {
    return Promise.all(this.collections().map((each) => collectionView(each)));
  }

  /** @throws GatehouseError as `Collections.add` */
  async publish(collection: NewCollection): Promise<CollectionView> {
    const published = await this.#parts.collections.add(collection);
    await this.#takeUpCollections();
    return collectionView(published);
  }

  /** Its kept versions go with it. @throws GatehouseError as `Collections.remove` */
  async remove(name: string): Promise<void> {
    await this.#parts.collections.remove(name);
    await this.#takeUpCollections();
  }

  /** @throws GatehouseError `collection_unknown`, and as `Listing.page` */
  list({ collection, ...args }: DocumentsListArgs, signal?: AbortSignal): Promise<ListAnswer> {
    return this.#listing.page(this.#parts.collections.find(collection), args, signal);
  }

  /** Reads the document where its hash is not known. @throws GatehouseError `document_unknown`, and as `Snapshots.current` */
  async versions({ collection: collectionName, name }: Wanted): Promise<VersionsAnswer> {
    const collection = this.#parts.collections.find(collectionName);
    const kept = this.#keptOf(collection, name);
    const current = await unlessGone(this.#snapshots.current(collection, parseDocumentName(name)), kept);
    return versionsAnswer(name, kept, current);
  }

  /** What is kept, without reading the document. @throws GatehouseError as `versions` */
  async versionViews({ collection: collectionName, name }: Wanted): Promise<readonly VersionView[]> {
    const collection = this.#parts.collections.find(collectionName);
    const kept = this.#keptOf(collection, name);
    const current = this.#snapshots.currentIfKnown(collection, parseDocumentName(name));
    const counts = this.#parts.fetchLog.countsOf(collection.name, name);
    return versionViews(kept, await current.catch(() => null), counts);
  }

  /** The one place that hands out a key. @throws GatehouseError `document_version_unknown`, and as `Snapshots.take` */
  async get(wanted: Wanted, recipient: Recipient): Promise<DocumentAnswer> {
    const { name, record } = await this.#serve(wanted, recipient);
    const { version, size, blob, key, ciphertextLength } = record;
    const chunks = { plaintext: chunkLength, tag: gcmTagBytes, count: chunkCount(size) };
    return { name, version, size, blob, key, ciphertextLength, chunks };
  }

  /** The content itself from byte `from` on, for a caller in a TLS session. @throws GatehouseError `range_invalid`, and as `get` */
  async content(wanted: Wanted, from: number, recipient: Recipient): Promise<Readable> {
    const { record } = await this.#serve(wanted, recipient);
    if (from > record.size) {
      throw new GatehouseError('range_invalid', `The document has ${record.size} bytes.`);
    }
    return plaintextOf(this.#parts.store, record, from);
  }

  /** The ciphertext, for whoever knows its id. @throws GatehouseError `blob_unknown` */
  readBlob(blob: string): ReturnType<BlobStore['read']> {
    return this.#parts.store.read(blob);
  }

  /** Those that have begun. */
  get uploads(): Uploads {
    return this.#parts.uploads;
  }

  /** @throws GatehouseError as `Uploads.begin` */
  async beginUpload(wanted: Omit<UploadTarget, 'collection'> & { readonly collection: string }): Promise<{
    readonly upload: Upload;
    readonly target: UploadTarget;
  }> {
    const target = { ...wanted, collection: this.#parts.collections.find(wanted.collection) };
    return { upload: await this.#parts.uploads.begin(target), target };
  }

  /** Who fetched and uploaded what, newest first. @throws GatehouseError `cursor_invalid` */
  fetches(query: FetchQuery): DocumentFetches {
    return this.#parts.fetchLog.page(query);
  }

  async close(): Promise<void> {
    this.#unwatch();
    this.#listeners.clear();
    this.#snapshots.stop();
    await this.#snapshots.idle();
    await this.#parts.uploads.close();
    await this.#parts.fetchLog.close();
  }

  async #serve(wanted: Wanted, recipient: Recipient): Promise<{ name: string; record: BlobRecord }> {
    const collection = this.#parts.collections.find(wanted.collection);
    const { name, record } = await this.#recordOf(collection, wanted);
    this.#parts.store.touch(record);
    await this.#onRecord('fetched', { collection, name }, record, recipient);
    return { name, record };
  }

  async #recordOf(collection: Collection, wanted: Wanted): Promise<Pick<Snapshot, 'name' | 'record'>> {
    const parts = parseDocumentName(wanted.name);
    if (wanted.version === undefined) return this.#snapshots.take(collection, parts);
    const kept = this.#keptOf(collection, wanted.name).find(({ version }) => version === wanted.version);
    if (kept !== undefined) return { name: wanted.name, record: kept };
    const current = await this.#snapshots.take(collection, parts);
    if (current.version === wanted.version) return current;
    const message = 'The document has no such version, or it is not kept any more.';
    throw new GatehouseError('document_version_unknown', message);
  }

  #keptOf(collection: Collection, name: string): readonly BlobRecord[] {
    parseDocumentName(name);
    return this.#parts.store.of({ collection: collection.id, name: sameName(name) });
  }

  async #onUploaded(
    uploaded: Uploaded,
    { collection, name }: UploadTarget,
    recipient: Recipient,
  ): Promise<void> {
    this.#listing.forget();
    await this.#onRecord('uploaded', { collection, name }, uploaded, recipient);
  }

  async #onRecord(
    kind: DocumentFetch['kind'],
    { collection, name }: { readonly collection: Collection; readonly name: string },
    { version, size }: { readonly version: string; readonly size: number },
    { user, via, deviceId, deviceName }: Recipient,
  ): Promise<void> {
    const what = { kind, collection: collection.name, document: name, version, size };
    await this.#parts.fetchLog.add({ at: Date.now(), ...what, user, via, deviceId, deviceName });
    this.#tell();
  }

  #follow(onProblem: (problem: GatehouseError) => void): void {
    this.#unwatch = this.#parts.collections.watch({
      onChange: () =>
        void this.#forgetRemoved().catch((error: unknown) => onProblem(asGatehouseError(error))),
      onProblem,
    });
  }

  async #takeUpCollections(): Promise<void> {
    if (await this.#parts.collections.refresh()) await this.#forgetRemoved();
  }

  async #forgetRemoved(): Promise<void> {
    await this.#parts.store.keepCollections(new Set(this.collections().map(({ id }) => id)));
    this.#listing.forget();
    this.#tell();
  }

  #tell(): void {
    this.#revision += 1;
    for (const tell of this.#listeners) tell();
  }
}
