// Who fetched, or uploaded, which version of what, and when: one line of JSON each, appended before the answer leaves,
// so that kill -9 takes none of them back. Two files: the one that is written, and the one before it. Must never hold a
// key or content.
import { open, readFile, rename, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { DocumentFetch } from '../../../shared/contracts/console/documents.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { ensurePrivateFolder, isSystemError, storageError } from '../../../shared/storage/atomic-file.ts';

const fileName = 'fetches.jsonl';
const olderName = 'fetches.1.jsonl';
/** Length at which the file becomes the older one, in bytes: about 30,000 lines. */
const defaultMaxBytes = 8 * 1024 * 1024;

const lineSchema = v.object({
  id: v.number(),
  at: v.number(),
  kind: v.picklist(['fetched', 'uploaded']),
  collection: v.string(),
  document: v.string(),
  version: v.string(),
  size: v.number(),
  user: v.nullable(v.string()),
  via: v.picklist(['tls', 'device']),
  deviceId: v.nullable(v.string()),
  deviceName: v.nullable(v.string()),
});

/** Who is served, as the service has verified it. */
export type Recipient = Pick<DocumentFetch, 'user' | 'via' | 'deviceId' | 'deviceName'>;

export interface FetchQuery {
  /** By name; null: of all. */
  readonly collection: string | null;
  readonly document: string | null;
  /** `next` of the page before. */
  readonly cursor: string | null;
  readonly limit: number;
}

export class FetchLog {
  readonly #folder: string;
  readonly #maxBytes: number;
  #file: FileHandle | null;
  #bytes: number;
  /** What is in the files, oldest first. */
  #fetches: DocumentFetch[];
  #nextId: number;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    folder: string,
    maxBytes: number,
    fetches: DocumentFetch[],
    file: FileHandle,
    bytes: number,
  ) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    this.#fetches = fetches;
    this.#nextId = (fetches.at(-1)?.id ?? 0) + 1;
    this.#file = file;
    this.#bytes = bytes;
  }

  /** @throws GatehouseError `storage_failed` */
  static async open(folder: string, maxBytes = defaultMaxBytes): Promise<FetchLog> {
    const path = join(folder, fileName);
    try {
      await ensurePrivateFolder(folder);
      const fetches = [...(await readLines(join(folder, olderName))), ...(await readLines(path))];
      const file = await open(path, 'a', 0o600);
      // What a killed process left of a line must not swallow the next one.
      await file.appendFile('\n');
      return new FetchLog(folder, maxBytes, fetches, file, (await stat(path)).size);
    } catch (error) {
      throw storageError('opened', path, error);
    }
  }

  /** Resolves once the line is written. @throws GatehouseError `storage_failed`: then nothing may be handed out */
  async add(fetch: Omit<DocumentFetch, 'id'>): Promise<DocumentFetch> {
    const turn = this.#turn.then(() => this.#append({ id: this.#nextId++, ...fetch }));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** Newest first. @throws GatehouseError `cursor_invalid` */
  page({ collection, document, cursor, limit }: FetchQuery): {
    fetches: readonly DocumentFetch[];
    next: string | null;
  } {
    const before = cursor === null ? Infinity : Number(cursor);
    if (Number.isNaN(before))
      throw new GatehouseError('cursor_invalid', 'The cursor is from no page of this log.');
    const fetches: DocumentFetch[] = [];
    for (let at = this.#fetches.length - 1; at >= 0; at -= 1) {
      const each = this.#fetches[at];
      if (each === undefined || each.id >= before) continue;
      if (collection !== null && each.collection !== collection) continue;
      if (document !== null && each.document.normalize('NFC') !== document.normalize('NFC')) continue;
      if (fetches.length === limit) return { fetches, next: String(fetches.at(-1)?.id) };
      fetches.push(each);
    }
    return { fetches, next: null };
  }

  /** How often each version of a document was fetched, as far as the log goes back. */
  countsOf(collection: string, document: string): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { fetches } of [this.page({ collection, document, cursor: null, limit: Infinity })]) {
      for (const { kind, version } of fetches) {
        if (kind === 'fetched') counts.set(version, (counts.get(version) ?? 0) + 1);
      }
    }
    return counts;
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#file?.close();
    this.#file = null;
  }

  async #append(fetch: DocumentFetch): Promise<DocumentFetch> {
    const path = join(this.#folder, fileName);
    try {
      if (this.#file === null) throw new GatehouseError('shutting_down', 'The service is stopping.');
      const line = Buffer.from(`${JSON.stringify(fetch)}\n`);
      await this.#file.appendFile(line);
      this.#bytes += line.length;
      this.#fetches.push(fetch);
      if (this.#bytes >= this.#maxBytes) await this.#turnOver(path);
      return fetch;
    } catch (error) {
      throw storageError('written', path, error);
    }
  }

  async #turnOver(path: string): Promise<void> {
    await this.#file?.close();
    await rename(path, join(this.#folder, olderName));
    this.#fetches = await readLines(join(this.#folder, olderName));
    this.#file = await open(path, 'a', 0o600);
    this.#bytes = 0;
  }
}

/** Lines that are whole; a damaged one is passed over. */
async function readLines(path: string): Promise<DocumentFetch[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return [];
    throw error;
  }
  return text.split('\n').flatMap((line) => {
    try {
      const parsed = v.safeParse(lineSchema, JSON.parse(line));
      return parsed.success ? [parsed.output] : [];
    } catch {
      return [];
    }
  });
}
