// Tells when files of a folder change, so that a running service follows the command line within a
// second. fs.watch gives the speed; a poll gives the certainty (inotify may be missing or exhausted,
// network file systems have none). It must never keep a process alive, and never call back in parallel.
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { asGatehouseError } from '../contracts/errors.ts';
import type { GatehouseError } from '../contracts/errors.ts';

/** Changes within this time of the first one are told together, in milliseconds. */
const debounceMs = 50;
/** Pause between looks at the folder, in milliseconds. */
const pollMs = 500;
/** The poll looks at this many files; beyond them it sees replaced files only (by the folder's own time). */
const maxPolledFiles = 64;

export interface WatchOptions {
  /** Which file names matter; all by default. Names that begin with a dot (locks, temporary files) never do. */
  readonly concerns?: (name: string) => boolean;
  /** Told once for each different problem until `onChange` works again. */
  readonly onProblem?: (problem: GatehouseError) => void;
}

/**
 * Calls `onChange` after any change to the files of `folder`, 50 to 600 ms later, one call at a time; a change
 * during a call leads to another call. It is called once at the start too, for what changed just before.
 * Where `onChange` rejects it is called again at every poll until it works. The folder may appear later.
 * Returns the unsubscribe.
 */
export function watchFolder(
  folder: string,
  onChange: () => void | Promise<void>,
  options: WatchOptions = {},
): () => void {
  const watching = new FolderWatch(folder, onChange, options);
  return () => {
    watching.close();
  };
}

class FolderWatch {
  readonly #folder: string;
  readonly #onChange: () => void | Promise<void>;
  readonly #concerns: (name: string) => boolean;
  readonly #onProblem: (problem: GatehouseError) => void;
  readonly #poll: NodeJS.Timeout;
  #debounce: NodeJS.Timeout | undefined;
  #watcher: FSWatcher | undefined;
  #signature: string | undefined;
  #polling = false;
  #calling = false;
  #changed = false;
  #failing = false;
  #lastProblem = '';
  #closed = false;

  constructor(folder: string, onChange: () => void | Promise<void>, options: WatchOptions) {
    this.#folder = folder;
    this.#onChange = onChange;
    const concerns = options.concerns ?? (() => true);
    this.#concerns = (name) => !name.startsWith('.') && concerns(name);
    this.#onProblem = options.onProblem ?? (() => undefined);
    this.#poll = setInterval(() => void this.#look(), pollMs).unref();
    this.#openWatcher();
    void this.#look();
    this.#touch();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#debounce);
    this.#watcher?.close();
  }

  #openWatcher(): void {
    if (this.#watcher !== undefined || this.#closed) return;
    try {
      const watcher = watch(this.#folder, { persistent: false });
      watcher.on('change', (_event, name) => {
        if (name === null || this.#concerns(String(name))) this.#touch();
      });
      watcher.on('error', () => {
        watcher.close();
        if (this.#watcher === watcher) this.#watcher = undefined;
      });
      this.#watcher = watcher;
    } catch {
      // No such folder yet, or no inotify: the poll tries again, and sees changes meanwhile.
      this.#watcher = undefined;
    }
  }

  async #look(): Promise<void> {
    if (this.#polling || this.#closed) return;
    this.#polling = true;
    const signature = await folderSignature(this.#folder, this.#concerns);
    this.#polling = false;
    this.#openWatcher();
    const differs = this.#signature !== undefined && this.#signature !== signature;
    this.#signature = signature;
    if (differs || this.#failing) this.#touch();
  }

  #touch(): void {
    if (this.#closed) return;
    this.#changed = true;
    if (this.#debounce !== undefined || this.#calling) return;
    this.#debounce = setTimeout(() => void this.#call(), debounceMs).unref();
  }

  async #call(): Promise<void> {
    this.#debounce = undefined;
    this.#changed = false;
    this.#calling = true;
    try {
      await this.#onChange();
      this.#failing = false;
      this.#lastProblem = '';
    } catch (error) {
      this.#failing = true;
      this.#report(asGatehouseError(error));
    }
    this.#calling = false;
    if (this.#changed) this.#touch();
  }

  #report(problem: GatehouseError): void {
    const text = `${problem.code} ${problem.message}`;
    if (this.#closed || text === this.#lastProblem) return;
    this.#lastProblem = text;
    this.#onProblem(problem);
  }
}

/** Differs when a file that matters has been added, removed, replaced or written. Never throws. */
async function folderSignature(folder: string, concerns: (name: string) => boolean): Promise<string> {
  try {
    const names = (await readdir(folder)).filter(concerns).sort();
    const parts = await Promise.all(
      names
        .slice(0, maxPolledFiles)
        .map(async (name) => `${name} ${await fileSignature(join(folder, name))}`),
    );
    if (names.length > maxPolledFiles) parts.push(await fileSignature(folder));
    return parts.join('\n');
  } catch {
    return 'unreadable';
  }
}

async function fileSignature(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join(' ');
  } catch {
    return 'gone';
  }
}
