// settings.json: what the administrator has set, by the seeds' own names; what is not there has its default.
// A file that cannot be read is an error, never a silent default: a default could be laxer than what was
// set. A running service keeps its last good settings and reports. It must never overwrite a damaged file.
import { join } from 'node:path';
import { GatehouseError, asGatehouseError } from '../../../shared/contracts/errors.ts';
import {
  defaultSettings,
  parseSettingName,
  parseSettingValue,
  settingNames,
} from '../../../shared/contracts/settings.ts';
import type { SettingName, Settings } from '../../../shared/contracts/settings.ts';
import {
  ensurePrivateFolder,
  readFileIfThere,
  writeFileAtomic,
} from '../../../shared/storage/atomic-file.ts';
import { withFolderLock } from '../../../shared/storage/folder-lock.ts';
import { watchFolder } from '../../../shared/storage/watch-folder.ts';

const fileName = 'settings.json';
const lockName = 'settings';

export interface SettingChange<N extends SettingName = SettingName> {
  readonly name: N;
  readonly old: Settings[N];
  readonly value: Settings[N];
}

/** Who changed a setting: `set` of this very store, or somebody who wrote the file (the command line). */
export type SettingSource = 'set' | 'file';

export interface SettingsListener {
  /** All settings as they are now, and the names of those that differ from before. */
  readonly onChange: (
    settings: Readonly<Settings>,
    changed: readonly SettingName[],
    source: SettingSource,
  ) => void;
  /** The file cannot be read; the last good settings stay. Told once for each problem. */
  readonly onProblem: (problem: GatehouseError) => void;
}

export class SettingsStore {
  readonly #folder: string;
  readonly #listeners = new Set<SettingsListener>();
  #settings: Readonly<Settings>;
  /** Ends with the `set` that is under way: a watch must not take its file for somebody else's. */
  #setting: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, settings: Readonly<Settings>) {
    this.#folder = folder;
    this.#settings = settings;
  }

  /** @throws GatehouseError `settings_corrupt`, `storage_failed` */
  static async open(dataFolder: string): Promise<SettingsStore> {
    return new SettingsStore(dataFolder, withDefaults(await readSet(dataFolder)));
  }

  /** As of the last opening, `set`, or change that a watch has seen. */
  get<N extends SettingName>(name: N): Settings[N] {
    return this.#settings[name];
  }

  all(): Readonly<Settings> {
    return this.#settings;
  }

  /** Stores one value. @throws GatehouseError `settings_invalid`, `settings_corrupt`, `data_folder_locked`, `storage_failed` */
  async set<N extends SettingName>(name: N, value: unknown): Promise<SettingChange<N>> {
    const parsed = parseSettingValue(name, value);
    const change = this.#store(name, parsed);
    this.#setting = Promise.allSettled([this.#setting, change]);
    return change;
  }

  async #store<N extends SettingName>(name: N, parsed: Settings[N]): Promise<SettingChange<N>> {
    await ensurePrivateFolder(this.#folder);
    return withFolderLock(this.#folder, lockName, async () => {
      const before = await readSet(this.#folder);
      const after = { ...before, [name]: parsed };
      await writeFileAtomic(join(this.#folder, fileName), `${JSON.stringify(after, null, 2)}\n`);
      this.#apply(withDefaults(after), 'set');
      return { name, old: withDefaults(before)[name], value: parsed };
    });
  }

  /** Takes up what the file says now. @throws GatehouseError `settings_corrupt`, `storage_failed`; nothing has changed */
  async refresh(): Promise<void> {
    await this.#setting;
    this.#apply(withDefaults(await readSet(this.#folder)), 'file');
  }

  /** Follows the file within a second. Returns the unsubscribe. */
  watch(listener: SettingsListener): () => void {
    this.#listeners.add(listener);
    const concerns = (name: string) => name === fileName;
    const unwatch = watchFolder(this.#folder, () => this.refresh(), {
      concerns,
      onProblem: listener.onProblem,
    });
    return () => {
      this.#listeners.delete(listener);
      unwatch();
    };
  }

  #apply(after: Readonly<Settings>, source: SettingSource): void {
    const before = this.#settings;
    const changed = settingNames.filter((name) => before[name] !== after[name]);
    if (changed.length === 0) return;
    this.#settings = after;
    for (const { onChange } of this.#listeners) onChange(after, changed, source);
  }
}

async function readSet(folder: string): Promise<Partial<Settings>> {
  const path = join(folder, fileName);
  const bytes = await readFileIfThere(path);
  if (bytes === null) return {};
  try {
    return parseSet(JSON.parse(bytes.toString('utf8')));
  } catch (error) {
    const why = error instanceof GatehouseError ? error.message : 'it is no JSON.';
    throw corruptError(path, why, error);
  }
}

/** A name that is unknown may be a typing error in one that guards something: it is refused. */
function parseSet(json: unknown): Partial<Settings> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new GatehouseError('settings_corrupt', 'it is no JSON object.');
  }
  const entries = Object.entries(json).map(([text, value]) => {
    const name = parseSettingName(text);
    return [name, parseSettingValue(name, value)] as const;
  });
  return Object.fromEntries(entries);
}

function withDefaults(set: Partial<Settings>): Readonly<Settings> {
  return { ...defaultSettings, ...set };
}

function corruptError(path: string, why: string, cause: unknown): GatehouseError {
  const message = `${path} cannot be read: ${why} Correct it or restore it from a backup; removing it brings back the defaults.`;
  return new GatehouseError('settings_corrupt', message, {
    cause: asGatehouseError(cause),
    details: { path },
  });
}
