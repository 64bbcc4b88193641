// When each device sent its last authentic request, in one file of the devices' folder whose name the watch of that
// folder does not look at. Written now and then by the one service that runs: what a crash takes is a minute.
import { join } from 'node:path';
import * as v from 'valibot';
import { readFileIfThere, writeFileAtomic } from '../../../shared/storage/atomic-file.ts';
import { timeSchema } from './device-file.ts';

const maxFileBytes = 8 * 1024 * 1024;
const schema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), timeSchema));

export class LastSeen {
  readonly #path: string;
  readonly #times: Map<string, number>;
  #changed = false;

  private constructor(path: string, times: Map<string, number>) {
    this.#path = path;
    this.#times = times;
  }

  /** Starts anew where the file is missing or damaged: no more than a display hangs on it. */
  static async open(devicesFolder: string): Promise<LastSeen> {
    const path = join(devicesFolder, '.last-seen.json');
    const bytes = await readFileIfThere(path, maxFileBytes).catch(() => null);
    const result = v.safeParse(schema, bytes?.toString('utf8'));
    return new LastSeen(path, new Map(result.success ? Object.entries(result.output) : []));
  }

  /** Milliseconds since the epoch, or null. */
  of(id: string): number | null {
    return this.#times.get(id) ?? null;
  }

  seen(id: string, at: number): void {
    this.#times.set(id, at);
    this.#changed = true;
  }

  /** Writes what is new; `keep` says which devices there are still. @throws GatehouseError `storage_failed` */
  async write(keep: (id: string) => boolean): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    for (const id of this.#times.keys()) if (!keep(id)) this.#times.delete(id);
    await writeFileAtomic(this.#path, JSON.stringify(Object.fromEntries(this.#times)));
  }
}
