// One new version of a document on its way into its folder: written beside it under a hidden name, synced, and put in
// its place in one step, if what is there is still what the uploader meant to replace. Must never leave a half-written
// document under its name, follow a link, or overwrite a version that the uploader has not seen.
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, rename, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { maxUploadLength } from '../../../shared/contracts/documents.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { isSystemError } from '../../../shared/storage/atomic-file.ts';
import { blocksOf, hashOf } from './document-reader.ts';
import { identityOf, sameIdentity } from './file-identity.ts';
import type { OpenedDocument, PublishedFolder } from './published-folder.ts';
import type { JournalEntry } from './upload-journal.ts';

export interface UploadPlan {
  /** The folder that the document is in; closed with the upload. */
  readonly folder: PublishedFolder;
  /** The document's last part. */
  readonly name: string;
  /** Version that is to be replaced; null: there is none. */
  readonly expected: string | null;
  /** What the uploader announced; null where it did not. */
  readonly size: number | null;
  readonly version: string | null;
  readonly journal: JournalEntry;
}

export interface Uploaded {
  readonly version: string;
  readonly size: number;
}

export class Upload {
  readonly #plan: UploadPlan;
  readonly #file: FileHandle;
  readonly #hash = createHash('sha256');
  #size = 0;
  #over = false;

  private constructor(plan: UploadPlan, file: FileHandle) {
    this.#plan = plan;
    this.#file = file;
  }

  /** Takes over `plan.folder` and `plan.journal`, also where it fails. @throws GatehouseError `storage_failed`, `rpc_too_large` */
  static async begin(plan: UploadPlan): Promise<Upload> {
    try {
      checkLength(plan.size ?? 0);
      const { O_WRONLY, O_CREAT, O_EXCL } = constants;
      const noFollow = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;
      const path = join(plan.folder.path, plan.journal.temporary);
      return new Upload(plan, await open(path, O_WRONLY | O_CREAT | O_EXCL | noFollow, 0o600));
    } catch (error) {
      await plan.folder.close();
      await plan.journal.remove();
      throw uploadError(error);
    }
  }

  /** Bytes taken. */
  get size(): number {
    return this.#size;
  }

  /** @throws GatehouseError `rpc_too_large`, `storage_failed` */
  async write(bytes: Uint8Array): Promise<void> {
    this.#size += bytes.length;
    checkLength(this.#size);
    if (this.#plan.size !== null && this.#size > this.#plan.size) throw notAnnounced();
    this.#hash.update(bytes);
    try {
      await this.#file.appendFile(bytes);
    } catch (error) {
      throw uploadError(error);
    }
  }

  /**
   * Puts the document in its place, and is over whatever comes of it. One at a time for one document.
   * @throws GatehouseError `document_conflict`, `truncated`, `document_changing`, `storage_failed`
   */
  async finish(signal: AbortSignal): Promise<Uploaded> {
    const version = this.#hash.digest('hex');
    try {
      const plan = this.#plan;
      if (plan.size !== null && plan.size !== this.#size) throw notAnnounced();
      if (plan.version !== null && plan.version !== version) throw notAnnounced();
      if (plan.expected === null) await this.#create();
      else await this.#replace(plan.expected, signal);
      await plan.folder.sync();
      return { version, size: this.#size };
    } catch (error) {
      throw uploadError(error);
    } finally {
      await this.discard();
    }
  }

  /** Leaves nothing behind; after the end it does nothing. */
  async discard(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await this.#file.close().catch(() => undefined);
    const gone = await unlink(this.#temporary).then(
      () => true,
      (error: unknown) => isSystemError(error, 'ENOENT'),
    );
    await this.#plan.folder.close().catch(() => undefined);
    if (gone) await this.#plan.journal.remove().catch(() => undefined);
  }

  /** A link fails where the name is taken, whatever has it. */
  async #create(): Promise<void> {
    const { folder, name } = this.#plan;
    const other = await folder.openFile(name).catch(() => null);
    await other?.file.close();
    if (other !== null) throw conflict('There is such a document already.');
    await this.#file.chmod(0o640);
    await this.#file.sync();
    try {
      await link(this.#temporary, join(folder.path, name));
    } catch (error) {
      if (isSystemError(error, 'EEXIST')) throw conflict('There is something of this name already.');
      if (!isSystemError(error, 'EPERM') && !isSystemError(error, 'ENOTSUP')) throw error;
      // A file system without hard links.
      if ((await folder.look(name)) !== null) throw conflict('There is something of this name already.');
      await rename(this.#temporary, join(folder.path, name));
    }
  }

  async #replace(expected: string, signal: AbortSignal): Promise<void> {
    const { folder, name } = this.#plan;
    const opened = await folder.openFile(name);
    try {
      const found = await hashOf(blocksOf(opened, signal)).catch(() => null);
      if (found !== expected) throw conflict('The document is another version by now. Load it again first.');
      await this.#file.chmod(Number(opened.stats.mode) & 0o777);
      await this.#file.sync();
      await this.#checkStill(opened);
      await rename(this.#temporary, join(folder.path, opened.name));
    } finally {
      await opened.file.close();
    }
  }

  async #checkStill({ name, identity }: OpenedDocument): Promise<void> {
    const now = await this.#plan.folder.look(name);
    if (now !== null && sameIdentity(identityOf(now), identity)) return;
    throw conflict('The document was changed by somebody else just now. Load it again first.');
  }

  get #temporary(): string {
    return join(this.#plan.folder.path, this.#plan.journal.temporary);
  }
}

function checkLength(length: number): void {
  if (length <= maxUploadLength) return;
  throw new GatehouseError('rpc_too_large', `A document that is uploaded may have ${maxUploadLength} bytes.`);
}

function notAnnounced(): GatehouseError {
  const message = 'The content is not what was announced: it has another length or hash. Send it again.';
  return new GatehouseError('truncated', message);
}

function conflict(message: string): GatehouseError {
  return new GatehouseError('document_conflict', `${message} Nothing was replaced.`);
}

/** Names no path. */
function uploadError(error: unknown): GatehouseError {
  if (error instanceof GatehouseError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const message = `The service cannot write the document (${code}). Nothing was replaced. Tell its administrator.`;
  return new GatehouseError('storage_failed', message, { cause: error });
}
