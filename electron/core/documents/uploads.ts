// Uploads to collections that take them: begins them, puts them in place one after the other for each document, and
// keeps those that come in parts until their last part. Must never write where the collection does not allow it.
import { randomBytes } from 'node:crypto';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { Collection } from './collections.ts';
import type { Recipient } from './fetch-log.ts';
import { parseDocumentName, parseNewDocumentName } from './document-name.ts';
import { enterFolders } from './document-path.ts';
import { Upload } from './upload.ts';
import type { Uploaded } from './upload.ts';
import { UploadJournal } from './upload-journal.ts';

/** Uploads in parts that are open at a time, and how long one waits for its next part, in milliseconds. */
const maxOpen = 64;
const idleMs = 10 * 60_000;

export interface UploadTarget {
  readonly collection: Collection;
  /** Of the document. */
  readonly name: string;
  /** Version that is to be replaced; null: there is none yet. */
  readonly expected: string | null;
  readonly size: number | null;
  readonly version: string | null;
}

/** Where an upload in parts may go on. */
export interface OpenUpload {
  readonly id: string;
  /** Bytes taken. */
  readonly offset: number;
}

interface PartedUpload {
  readonly upload: Upload;
  readonly target: UploadTarget;
  /** Whoever began it. */
  readonly owner: string;
  readonly timer: NodeJS.Timeout;
  busy: boolean;
}

/** Told of each upload that is in its place, before its uploader is. */
export type OnUploaded = (uploaded: Uploaded, target: UploadTarget, recipient: Recipient) => Promise<void>;

export class Uploads {
  readonly #journal: UploadJournal;
  readonly #onUploaded: OnUploaded;
  readonly #open = new Map<string, PartedUpload>();
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #stopped = new AbortController();

  private constructor(journal: UploadJournal, onUploaded: OnUploaded) {
    this.#journal = journal;
    this.#onUploaded = onUploaded;
  }

  /** @throws GatehouseError `storage_failed` */
  static async open(folder: string, onUploaded: OnUploaded): Promise<Uploads> {
    return new Uploads(await UploadJournal.open(folder), onUploaded);
  }

  /** Gives up what is open. */
  async close(): Promise<void> {
    this.#stopped.abort();
    await Promise.all([...this.#open.keys()].map((id) => this.#giveUp(id)));
  }

  /** @throws GatehouseError `collection_read_only`, `document_name_invalid`, `document_unknown`, `storage_failed`, `rpc_too_large` */
  async begin(target: UploadTarget): Promise<Upload> {
    const { collection, name, ...announced } = target;
    if (!collection.allowUpload) {
      throw new GatehouseError(
        'collection_read_only',
        'This collection takes no uploads. Ask its administrator.',
      );
    }
    const parts = announced.expected === null ? parseNewDocumentName(name) : parseDocumentName(name);
    const { folder, folders } = await enterFolders(collection.folder, parts.slice(0, -1));
    try {
      const journal = await this.#journal.add(collection.folder, folders);
      return await Upload.begin({ folder, name: parts.at(-1) ?? '', ...announced, journal });
    } catch (error) {
      await folder.close().catch(() => undefined);
      throw error;
    }
  }

  /** One after the other for each document. @throws GatehouseError as `Upload.finish` */
  async finish(upload: Upload, target: UploadTarget, recipient: Recipient): Promise<Uploaded> {
    const uploaded = await this.#inTurn(target, () => upload.finish(this.#stopped.signal));
    await this.#onUploaded(uploaded, target, recipient);
    return uploaded;
  }

  async #inTurn<T>({ collection, name }: UploadTarget, act: () => Promise<T>): Promise<T> {
    const key = JSON.stringify([collection.id, name.normalize('NFC')]);
    const before = this.#turns.get(key) ?? Promise.resolve();
    const turn = before.then(act);
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(key, settled);
    void settled.then(() => {
      if (this.#turns.get(key) === settled) this.#turns.delete(key);
    });
    return turn;
  }

  /** Keeps an upload for its next part. @throws GatehouseError `limit_exceeded` */
  keep(upload: Upload, target: UploadTarget, recipient: Recipient): OpenUpload {
    if (this.#open.size >= maxOpen) {
      throw new GatehouseError('limit_exceeded', 'Too many uploads are under way. Try again later.');
    }
    const id = randomBytes(24).toString('base64url');
    const timer = setTimeout(() => void this.#giveUp(id), idleMs).unref();
    this.#open.set(id, { upload, target, owner: ownerOf(recipient), timer, busy: false });
    return { id, offset: upload.size };
  }

  /**
   * Takes one more part; the version that is there now, where it was the last one.
   * @throws GatehouseError `document_unknown` for an upload that is not open, `range_invalid` with `offset` in its
   *   details where the part is another one than the next, and as `Upload.write` and `finish`: then it is over
   */
  async part(
    id: string,
    recipient: Recipient,
    offset: number,
    bytes: Uint8Array,
  ): Promise<Uploaded | OpenUpload> {
    const open = this.#open.get(id);
    if (open?.owner !== ownerOf(recipient)) {
      throw new GatehouseError('document_unknown', 'This upload is not under way any more. Begin it again.');
    }
    const { upload, target } = open;
    if (open.busy || offset !== upload.size) {
      const details = { offset: upload.size };
      throw new GatehouseError('range_invalid', `The next part begins at byte ${upload.size}.`, { details });
    }
    open.busy = true;
    try {
      await upload.write(bytes);
      if (upload.size !== target.size) {
        open.timer.refresh();
        return { id, offset: upload.size };
      }
      this.#forget(id);
      return await this.finish(upload, target, recipient);
    } catch (error) {
      await this.#giveUp(id);
      throw error;
    } finally {
      open.busy = false;
    }
  }

  #forget(id: string): PartedUpload | undefined {
    const open = this.#open.get(id);
    this.#open.delete(id);
    clearTimeout(open?.timer);
    return open;
  }

  async #giveUp(id: string): Promise<void> {
    await this.#forget(id)?.upload.discard();
  }
}

function ownerOf({ via, user, deviceId }: Recipient): string {
  return JSON.stringify([via, user, deviceId]);
}
