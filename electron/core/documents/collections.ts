// collections.json: which folders are published as document collections. Safe to change from several processes at
// once; a running service follows the file within a second. A damaged file is an error and is never overwritten: with it
// the service goes on with what it last knew. Must never publish the data folder, or a folder that holds it.
import { randomBytes } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import * as v from 'valibot';
import { maxCollectionNameLength } from '../../../shared/contracts/documents.ts';
import type { CollectionView } from '../../../shared/contracts/console/documents.ts';
import { asGatehouseError, GatehouseError } from '../../../shared/contracts/errors.ts';
import {
  ensurePrivateFolder,
  readFileIfThere,
  writeFileAtomic,
} from '../../../shared/storage/atomic-file.ts';
import { withFolderLock } from '../../../shared/storage/folder-lock.ts';
import { watchFolder } from '../../../shared/storage/watch-folder.ts';
import { PublishedFolder } from './published-folder.ts';

const fileName = 'collections.json';
const lockName = 'collections';
const maxCollections = 1000;

const collectionSchema = v.strictObject({
  /** Random: a collection that is removed and published again is another one. */
  id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{16}$/)),
  name: v.string(),
  /** Absolute, without a link in it. */
  folder: v.string(),
  allowUpload: v.boolean(),
  /** Milliseconds since the epoch. */
  publishedAt: v.number(),
});
export type Collection = Readonly<v.InferOutput<typeof collectionSchema>>;

const fileSchema = v.strictObject({ v: v.literal(1), collections: v.array(collectionSchema) });

export interface NewCollection {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  readonly allowUpload: boolean;
}

export interface CollectionsListener {
  readonly onChange: (collections: readonly Collection[]) => void;
  readonly onProblem: (problem: GatehouseError) => void;
}

export class Collections {
  readonly #dataFolder: string;
  #collections: readonly Collection[];

  private constructor(dataFolder: string, collections: readonly Collection[]) {
    this.#dataFolder = dataFolder;
    this.#collections = collections;
  }

  /** @throws GatehouseError `collections_corrupt`, `storage_failed` */
  static async open(dataFolder: string): Promise<Collections> {
    return new Collections(dataFolder, await readCollections(dataFolder));
  }

  /** By name. */
  all(): readonly Collection[] {
    return this.#collections;
  }

  /** By its name in any Unicode form. @throws GatehouseError `collection_unknown` */
  find(name: string): Collection {
    const wanted = name.normalize('NFC');
    const found = this.#collections.find((each) => each.name === wanted);
    if (found !== undefined) return found;
    throw new GatehouseError('collection_unknown', 'There is no document collection of this name.');
  }

  /**
   * Publishes a folder. It is kept by its real path, so that a link on the way that is changed later leads nowhere else.
   * @throws GatehouseError `usage` for a bad name, `collection_exists`, `collection_folder_invalid`,
   *   `collections_corrupt`, `data_folder_locked`, `storage_failed`
   */
  async add({ name, folder, allowUpload }: NewCollection): Promise<Collection> {
    const checkedName = checkCollectionName(name);
    await ensurePrivateFolder(this.#dataFolder);
    const real = await checkFolder(folder, this.#dataFolder);
    const id = randomBytes(12).toString('base64url');
    const collection = { id, name: checkedName, folder: real, allowUpload, publishedAt: Date.now() };
    await this.#change((before) => {
      if (before.some((each) => each.name === checkedName)) throw exists(checkedName);
      if (before.length >= maxCollections) {
        throw new GatehouseError(
          'limit_exceeded',
          `There can be ${maxCollections} collections. Remove one first.`,
        );
      }
      return [...before, collection];
    });
    return collection;
  }

  /** Withdraws a collection; the folder stays as it is. @throws GatehouseError `collection_unknown`, and as `add` */
  async remove(name: string): Promise<Collection> {
    let removed: Collection | undefined;
    await this.#change((before) => {
      removed = before.find((each) => each.name === name.normalize('NFC'));
      if (removed === undefined) {
        const message = `There is no collection "${name}". The command "service collection list" shows them.`;
        throw new GatehouseError('collection_unknown', message);
      }
      return before.filter((each) => each !== removed);
    });
    return removed as unknown as Collection;
  }

  /** Takes up what the file says now. @throws GatehouseError `collections_corrupt`, `storage_failed` */
  async refresh(): Promise<boolean> {
    const before = JSON.stringify(this.#collections);
    this.#collections = await readCollections(this.#dataFolder);
    return JSON.stringify(this.#collections) !== before;
  }

  /** Follows the file within a second. Returns the unsubscribe. */
  watch({ onChange, onProblem }: CollectionsListener): () => void {
    const follow = async (): Promise<void> => {
      if (await this.refresh()) onChange(this.#collections);
    };
    return watchFolder(this.#dataFolder, follow, { concerns: (name) => name === fileName, onProblem });
  }

  async #change(change: (before: readonly Collection[]) => readonly Collection[]): Promise<void> {
    await ensurePrivateFolder(this.#dataFolder);
    await withFolderLock(this.#dataFolder, lockName, async () => {
      const collections = change(await readCollections(this.#dataFolder));
      const text = `${JSON.stringify({ v: 1, collections }, null, 2)}\n`;
      await writeFileAtomic(join(this.#dataFolder, fileName), text);
    });
  }
}

/** As a console shows it, with why its folder cannot be read now. */
export async function collectionView({
  name,
  folder,
  allowUpload,
  publishedAt,
}: Collection): Promise<CollectionView> {
  const problem = await PublishedFolder.open(folder).then(
    (opened) => opened.close().then(() => null),
    (error: unknown) => asGatehouseError(error).toJSON(),
  );
  return { name, folder, allowUpload, publishedAt, problem };
}

/** In NFC. @throws GatehouseError `usage` */
function checkCollectionName(name: string): string {
  const checked = name.normalize('NFC');
  const valid =
    /^[\p{L}\p{N}][\p{L}\p{N}\p{M} ._-]*$/u.test(checked) && checked.length <= maxCollectionNameLength;
  if (valid && !checked.endsWith(' ')) return checked;
  const message = `A collection is named with up to ${maxCollectionNameLength} letters, digits, spaces, ".", "_" and "-", a letter or digit first.`;
  throw new GatehouseError('usage', message);
}

/** @throws GatehouseError `collection_folder_invalid` */
async function checkFolder(folder: string, dataFolder: string): Promise<string> {
  if (!isAbsolute(folder)) throw invalidFolder('Give its absolute path.');
  const real = await realpath(folder).catch(() => {
    throw invalidFolder('It is not there, or cannot be read.');
  });
  if (!(await stat(real)).isDirectory()) throw invalidFolder('It is no folder.');
  if (resolve(real, '..') === real)
    throw invalidFolder('A whole disk cannot be published. Choose a folder on it.');
  const data = await realpath(dataFolder);
  if (isWithin(real, data) || isWithin(data, real)) {
    throw invalidFolder('It holds the data folder of the service, or lies in it.');
  }
  await (await PublishedFolder.open(real)).close();
  return real;
}

/** Whether `inner` is `outer`, or lies in it. */
function isWithin(inner: string, outer: string): boolean {
  const way = relative(outer, inner);
  return way === '' || !(way === '..' || /^\.\.[\\/]/.test(way) || isAbsolute(way));
}

async function readCollections(dataFolder: string): Promise<readonly Collection[]> {
  const path = join(dataFolder, fileName);
  const bytes = await readFileIfThere(path);
  if (bytes === null) return [];
  try {
    const { collections } = v.parse(fileSchema, JSON.parse(bytes.toString('utf8')));
    return collections.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (cause) {
    const message = `${path} cannot be read. Correct it or restore it from a backup; without it nothing is published.`;
    throw new GatehouseError('collections_corrupt', message, { cause, details: { path } });
  }
}

function exists(name: string): GatehouseError {
  return new GatehouseError('collection_exists', `There is a collection "${name}" already. Remove it first.`);
}

function invalidFolder(why: string): GatehouseError {
  return new GatehouseError('collection_folder_invalid', `This folder cannot be published. ${why}`);
}
