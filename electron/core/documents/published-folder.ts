// An open folder of a collection, and the only way from it to files and folders below. Each step opens one name inside
// the folder that is open already, follows no link, and looks at what it opened, not at what was there before: a folder
// that is swapped for a link in between leads nowhere. Must never follow a symbolic link, open anything but plain files
// and folders, or tell a remote caller where the folder is.
import { constants } from 'node:fs';
import type { BigIntStats, Dirent } from 'node:fs';
import { lstat, open, opendir, readlink, realpath, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { isSystemError } from '../../../shared/storage/atomic-file.ts';
import { sameName } from './document-name.ts';
import { identityOf } from './file-identity.ts';
import type { FileIdentity } from './file-identity.ts';

/**
 * `descriptor`: names are opened relative to the open folder, through /proc/self/fd, as openat(2) does.
 * `compared`: where there is no such thing, by path, and what was opened must be what its real path leads to.
 */
export type Opening = 'descriptor' | 'compared';

const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants;
const noFollow = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;
const folderOnly = (constants as Partial<typeof constants>).O_DIRECTORY ?? 0;
/** Names read from the disk at a time. */
const readAhead = 1024;

export const defaultOpening: Opening = process.platform === 'linux' ? 'descriptor' : 'compared';

export interface OpenedDocument {
  readonly file: FileHandle;
  readonly stats: BigIntStats;
  readonly identity: FileIdentity;
  /** As it is on disk. */
  readonly name: string;
}

export class PublishedFolder {
  /** Where system calls find the folder. */
  readonly path: string;
  readonly #handle: FileHandle | null;

  private constructor(path: string, handle: FileHandle | null) {
    this.path = path;
    this.#handle = handle;
  }

  /** @param path absolute, without a link in it. @throws GatehouseError `collection_folder_invalid` */
  static async open(path: string, opening: Opening = defaultOpening): Promise<PublishedFolder> {
    try {
      const folder = await PublishedFolder.#openAt(path, opening);
      if (opening === 'descriptor') {
        const real = await readlink(folder.path);
        if (real === path) return folder;
        await folder.close();
        throw unusable();
      }
      return folder;
    } catch (cause) {
      if (cause instanceof GatehouseError && cause.code === 'collection_folder_invalid') throw cause;
      throw unusable(cause);
    }
  }

  /** The folder `name` in this one. @throws GatehouseError `document_unknown`, `storage_failed` */
  async enter(name: string): Promise<{ readonly folder: PublishedFolder; readonly name: string }> {
    return this.#finding(name, async (onDisk) => {
      const folder = await PublishedFolder.#openAt(join(this.path, onDisk), this.#opening);
      return { folder, name: onDisk };
    });
  }

  /** The plain file `name` in this folder, to be read. @throws GatehouseError `document_unknown`, `storage_failed` */
  async openFile(name: string): Promise<OpenedDocument> {
    return this.#finding(name, async (onDisk) => {
      const path = join(this.path, onDisk);
      // Some devices do something when they are opened, and a pipe would wait for its writer.
      if (!(await lstat(path)).isFile()) throw unknown();
      const file = await open(path, O_RDONLY | noFollow | O_NONBLOCK | O_NOCTTY);
      try {
        const stats = await file.stat({ bigint: true });
        if (!stats.isFile()) throw unknown();
        await this.#checkPlace(file, path, onDisk, stats);
        return { file, stats, identity: identityOf(stats), name: onDisk };
      } catch (error) {
        await file.close();
        throw error;
      }
    });
  }

  /** What is there under this very name, of whatever kind; null where nothing is. */
  async look(name: string): Promise<BigIntStats | null> {
    try {
      return await lstat(join(this.path, name), { bigint: true });
    } catch (error) {
      if (isSystemError(error, 'ENOENT') || isSystemError(error, 'ENAMETOOLONG')) return null;
      throw coded(error);
    }
  }

  /** All entries, in no order. @throws GatehouseError `storage_failed` */
  async *entries(): AsyncGenerator<Dirent> {
    try {
      yield* await opendir(this.path, { bufferSize: readAhead });
    } catch (error) {
      throw coded(error);
    }
  }

  /** Makes renames in this folder survive power loss. */
  async sync(): Promise<void> {
    await this.#handle?.sync();
  }

  async close(): Promise<void> {
    await this.#handle?.close();
  }

  static async #openAt(path: string, opening: Opening): Promise<PublishedFolder> {
    if (opening === 'descriptor') {
      const handle = await open(path, O_RDONLY | folderOnly | noFollow);
      return new PublishedFolder(`/proc/self/fd/${String(handle.fd)}`, handle);
    }
    const stats = await lstat(path, { bigint: true });
    if (!stats.isDirectory()) throw unknown();
    await comparePlace(path, stats);
    return new PublishedFolder(path, null);
  }

  get #opening(): Opening {
    return this.#handle === null ? 'compared' : 'descriptor';
  }

  /** Tries the very name, then the one on disk that differs from it in its Unicode form alone. */
  async #finding<T>(name: string, act: (onDisk: string) => Promise<T>): Promise<T> {
    try {
      return await act(name);
    } catch (error) {
      if (!isSystemError(error, 'ENOENT')) throw coded(error);
    }
    const other = await this.#otherForm(name);
    if (other === null) throw unknown();
    try {
      return await act(other);
    } catch (error) {
      throw coded(error);
    }
  }

  async #otherForm(name: string): Promise<string | null> {
    const wanted = sameName(name);
    // ASCII has one form.
    if (/^\p{ASCII}*$/u.test(wanted)) return null;
    let found: string | null = null;
    for await (const entry of this.entries()) {
      if (sameName(entry.name) === wanted && (found === null || entry.name < found)) found = entry.name;
    }
    return found;
  }

  /** Where names are alike in any case, the one asked for must be the one on disk; and it must be in this folder. */
  async #checkPlace(file: FileHandle, path: string, name: string, stats: BigIntStats): Promise<void> {
    if (this.#opening === 'descriptor') {
      const [folder, target] = await Promise.all([
        readlink(this.path),
        readlink(`/proc/self/fd/${String(file.fd)}`),
      ]);
      if (target !== join(folder, name)) throw unknown();
      return;
    }
    await comparePlace(path, stats);
  }
}

/** What was opened is what the path leads to now, without a link on the way and in this very spelling. */
async function comparePlace(path: string, opened: BigIntStats): Promise<void> {
  const real = await realpath(path);
  const there = await stat(real, { bigint: true });
  const same = there.ino === opened.ino && there.dev === opened.dev;
  if (!same || sameName(real) !== sameName(path)) throw unknown();
}

function unknown(): GatehouseError {
  return new GatehouseError('document_unknown', 'The collection has no such document.');
}

function unusable(cause?: unknown): GatehouseError {
  const message =
    'The folder of this collection cannot be read. Its administrator has to see that it is there, is a folder and no link, and can be read by the service.';
  return new GatehouseError('collection_folder_invalid', message, { cause });
}

const notThere: ReadonlySet<string> = new Set([
  'ENOENT',
  'ENOTDIR',
  'ELOOP',
  'EMLINK',
  'EISDIR',
  'ENAMETOOLONG',
  'ENXIO',
]);

/** Names no path: the caller may be anywhere. */
function coded(error: unknown): GatehouseError {
  if (error instanceof GatehouseError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  if (notThere.has(code)) return unknown();
  return new GatehouseError(
    'storage_failed',
    `The service cannot read the document (${code}). Tell its administrator.`,
    {
      cause: error,
    },
  );
}
