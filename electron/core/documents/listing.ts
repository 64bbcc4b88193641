// Pages of the documents of a collection, by name. A page is found by one walk that keeps the next few thousand names
// and no more, so that a folder of any size costs the same memory; pages that follow soon are taken from those names.
// Must never follow a link, list what is hidden, or name anything but plain files.
import type { Dirent } from 'node:fs';
import { defaultPageLength } from '../../../shared/contracts/documents.ts';
import type { DocumentEntry, DocumentsListArgs, ListAnswer } from '../../../shared/contracts/documents.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { isPart, maxDepth } from './document-name.ts';
import { PublishedFolder } from './published-folder.ts';
import { aheadKey, foldedName, makeCursor, readCursor } from './listing-cursor.ts';
import type { Listed, Query } from './listing-cursor.ts';
import { NextNames } from './next-names.ts';

/** Names that one walk finds ahead of the page that was asked for. */
const namesAhead = 8192;
/** How long they are good, in milliseconds, and for how many pages of different listings they are kept. */
const aheadMs = 30_000;
const maxAhead = 8;
/** Entries that one walk looks at. */
const maxWalked = 2_000_000;
/** Files looked at at the same time. */
const parallel = 32;

interface Ahead {
  readonly names: readonly string[];
  /** Whether there are no names behind them. */
  readonly complete: boolean;
  readonly until: number;
}

export class Listing {
  readonly #ahead = new Map<string, Ahead>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** @throws GatehouseError `cursor_invalid`, `collection_folder_invalid`, `storage_failed`, `cancelled`, `limit_exceeded` */
  async page(
    listed: Listed,
    args: Omit<DocumentsListArgs, 'collection'>,
    signal?: AbortSignal,
  ): Promise<ListAnswer> {
    const query = { listed, needle: foldedName(args.search ?? '') };
    const { cursor = null } = args;
    const after = cursor === null ? '' : readCursor(query, cursor);
    const limit = args.limit ?? defaultPageLength;
    const documents: DocumentEntry[] = [];
    let at = after;
    const root = await PublishedFolder.open(listed.folder);
    try {
      for (;;) {
        const { names, complete } = await this.#namesAfter(root, query, at, limit - documents.length, signal);
        const taken = names.slice(0, limit - documents.length);
        documents.push(...(await entriesOf(root, taken)));
        at = taken.at(-1) ?? at;
        this.#keep(query, at, { names: names.slice(taken.length), complete });
        if (complete && taken.length === names.length) return { documents, next: null };
        // Names that went away since make a page shorter; an empty one would look like the end.
        if (documents.length > 0) return { documents, next: makeCursor(query, at) };
      }
    } finally {
      await root.close();
    }
  }

  /** What was found ahead is not looked at any more: something was put there. */
  forget(): void {
    this.#ahead.clear();
  }

  async #namesAfter(
    root: PublishedFolder,
    query: Query,
    after: string,
    wanted: number,
    signal: AbortSignal | undefined,
  ): Promise<Omit<Ahead, 'until'>> {
    const key = aheadKey(query, after);
    const ahead = this.#ahead.get(key);
    this.#ahead.delete(key);
    const isFresh = ahead !== undefined && ahead.until > this.#now();
    if (isFresh && (ahead.complete || ahead.names.length >= wanted)) return ahead;
    const next = new NextNames(after, namesAhead + wanted);
    await walk({ folder: root, prefix: '', depth: 1 }, { next, needle: query.needle, signal, walked: 0 });
    return next.take();
  }

  #keep(query: Query, after: string, { names, complete }: Omit<Ahead, 'until'>): void {
    if (names.length === 0) return;
    this.#ahead.set(aheadKey(query, after), { names, complete, until: this.#now() + aheadMs });
    for (const oldest of this.#ahead.keys()) {
      if (this.#ahead.size <= maxAhead) return;
      this.#ahead.delete(oldest);
    }
  }
}

interface Place {
  readonly folder: PublishedFolder;
  /** Empty, or ends in `/`. */
  readonly prefix: string;
  readonly depth: number;
}

interface Walk {
  readonly next: NextNames;
  readonly needle: string;
  readonly signal: AbortSignal | undefined;
  walked: number;
}

async function walk({ folder, prefix, depth }: Place, state: Walk): Promise<void> {
  const folders: string[] = [];
  for await (const entry of folder.entries()) {
    state.walked += 1;
    if (state.walked > maxWalked) throw tooMany();
    if (state.signal?.aborted === true) throw new GatehouseError('cancelled', 'The caller went away.');
    if (!isPart(entry.name)) continue;
    const kind = await kindOf(folder, entry);
    if (kind === 'folder') folders.push(entry.name);
    else if (kind === 'file') offer(prefix + entry.name, state);
  }
  if (depth >= maxDepth) return;
  for (const name of folders.sort()) {
    const below = `${prefix}${name}/`;
    if (state.next.mayTakeBelow(below))
      await walkBelow({ folder, prefix: below, depth: depth + 1 }, name, state);
  }
}

/** A folder that cannot be read, or went away, has no documents. */
async function walkBelow(place: Place, name: string, state: Walk): Promise<void> {
  const entered = await place.folder.enter(name).catch(() => null);
  if (entered === null) return;
  try {
    await walk({ ...place, folder: entered.folder }, state);
  } catch (error) {
    if (!(error instanceof GatehouseError) || error.code !== 'storage_failed') throw error;
  } finally {
    await entered.folder.close();
  }
}

function offer(name: string, { next, needle }: Walk): void {
  if (next.wants(name) && (needle === '' || foldedName(name).includes(needle))) next.offer(name);
}

async function kindOf(folder: PublishedFolder, entry: Dirent): Promise<'file' | 'folder' | 'other'> {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  const isKnown =
    entry.isSymbolicLink() ||
    entry.isFIFO() ||
    entry.isSocket() ||
    entry.isCharacterDevice() ||
    entry.isBlockDevice();
  if (isKnown) return 'other';
  // Some file systems do not say.
  const stats = await folder.look(entry.name).catch(() => null);
  if (stats === null) return 'other';
  return stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'other';
}

/** Without those that are no plain files any more. The names are in order, so each folder is entered once. */
async function entriesOf(root: PublishedFolder, names: readonly string[]): Promise<DocumentEntry[]> {
  const entries: DocumentEntry[] = [];
  for (let at = 0; at < names.length;) {
    const path = folderOf(names[at] ?? '');
    let end = at;
    while (end < names.length && end - at < parallel && folderOf(names[end] ?? '') === path) end += 1;
    entries.push(...(await entriesIn(root, path, names.slice(at, end))));
    at = end;
  }
  return entries;
}

async function entriesIn(
  root: PublishedFolder,
  path: string,
  names: readonly string[],
): Promise<DocumentEntry[]> {
  let folder = root;
  try {
    for (const part of path === '' ? [] : path.split('/')) {
      const next = await folder.enter(part);
      if (folder !== root) await folder.close();
      folder = next.folder;
    }
    const within = path === '' ? 0 : path.length + 1;
    const found = await Promise.all(names.map((name) => folder.look(name.slice(within)).catch(() => null)));
    return found.flatMap((stats, at) => {
      if (stats?.isFile() !== true) return [];
      return { name: names[at] ?? '', size: Number(stats.size), modifiedAt: Number(stats.mtimeMs) };
    });
  } catch {
    return [];
  } finally {
    if (folder !== root) await folder.close();
  }
}

function folderOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('/')));
}

function tooMany(): GatehouseError {
  return new GatehouseError('limit_exceeded', 'The collection has too many files to be listed. Split it.');
}
