// A folder of JSON records, one file a record, named `<id>.json`: written atomically, mode 0600.
// A corrupt file affects its own record only, and is never overwritten or taken for a missing one.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GatehouseError } from '../../contracts/errors.ts';
import {
  ensurePrivateFolder,
  readFileIfThere,
  removeFileIfThere,
  renameDurably,
  storageError,
  temporaryPath,
  writeFileAtomic,
} from '../../storage/atomic-file.ts';

/** The largest record that is read, in bytes. */
const maxRecordBytes = 64 * 1024;

export interface RecordForm<T> {
  /** Exact form of an id: it becomes a file name, so it must not match a dot or a slash. */
  readonly isId: (text: string) => boolean;
  /** The record in what JSON.parse gave; null where it is of another form. */
  readonly parse: (json: Readonly<Record<string, unknown>>) => T | null;
}

export interface Listing<T> {
  readonly records: ReadonlyMap<string, T>;
  /** What was wrong with the files left out. */
  readonly problems: readonly GatehouseError[];
}

export class RecordFolder<T> {
  readonly path: string;
  readonly #form: RecordForm<T>;

  constructor(path: string, form: RecordForm<T>) {
    this.path = path;
    this.#form = form;
  }

  /** Makes the folder. @throws GatehouseError `storage_failed` */
  async prepare(): Promise<void> {
    await ensurePrivateFolder(this.path);
  }

  /**
   * Null where there is no such record, also for text that is no id.
   * @throws GatehouseError `relay_record_corrupt`, `storage_failed`
   */
  async read(id: string): Promise<T | null> {
    if (!this.#form.isId(id)) return null;
    const bytes = await readFileIfThere(this.#file(id), maxRecordBytes);
    if (bytes === null) return null;
    const record = this.#parse(bytes.toString('utf8'));
    if (record !== null) return record;
    const message = `${this.#file(id)} cannot be read. Put it back from a copy, or remove it and issue a new one.`;
    throw new GatehouseError('relay_record_corrupt', message, { details: { path: this.#file(id) } });
  }

  /** @throws GatehouseError `storage_failed` */
  async write(id: string, record: T): Promise<void> {
    await writeFileAtomic(this.#file(id), `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  }

  /** @throws GatehouseError `storage_failed` */
  async remove(id: string): Promise<void> {
    await removeFileIfThere(this.#file(id));
  }

  /**
   * Removes the record; true for exactly one of all callers, in this process and others.
   * @throws GatehouseError `storage_failed`
   */
  async take(id: string): Promise<boolean> {
    const taken = temporaryPath(this.#file(id));
    try {
      await renameDurably(this.#file(id), taken);
    } catch (error) {
      if (error instanceof GatehouseError && error.details.systemCode === 'ENOENT') return false;
      throw error;
    }
    await removeFileIfThere(taken);
    return true;
  }

  /** Every record that can be read, by id. @throws GatehouseError `storage_failed` */
  async list(): Promise<Listing<T>> {
    const records = new Map<string, T>();
    const problems: GatehouseError[] = [];
    for (const id of await this.#ids()) {
      try {
        const record = await this.read(id);
        if (record !== null) records.set(id, record);
      } catch (error) {
        if (!(error instanceof GatehouseError)) throw error;
        problems.push(error);
      }
    }
    return { records, problems };
  }

  async #ids(): Promise<string[]> {
    try {
      const names = await readdir(this.path);
      const ids = names
        .filter((name) => name.endsWith('.json'))
        .map((name) => name.slice(0, -'.json'.length));
      return ids.filter((id) => this.#form.isId(id)).sort();
    } catch (error) {
      throw storageError('listed', this.path, error);
    }
  }

  #parse(text: string): T | null {
    try {
      const json: unknown = JSON.parse(text);
      return isObject(json) ? this.#form.parse(json) : null;
    } catch {
      return null;
    }
  }

  #file(id: string): string {
    return join(this.path, `${id}.json`);
  }
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** True for a time as `Date.toJSON` writes it. */
export function isTimestamp(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}
