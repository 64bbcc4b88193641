// The seed's KeyStore: the keys of this app's devices by name. `prepare` reads them, `postpare` writes them; where they lie
// is a back end's matter. It must never keep a key in a form that its back end could not protect.
import { GatehouseError } from '../contracts/errors.ts';
import type { DeviceKey } from './device-key.ts';
import { indexedDbKeys } from './indexed-db.ts';

/**
 * A place for keys. `load` of a store that is not there yet is an empty map; `save` replaces all of it, whole or not at
 * all. Only one of them runs at a time.
 */
export interface KeyStoreBackend {
  /** True where private keys have to be extractable, because the back end encrypts them itself. */
  readonly extractable: boolean;
  load(store: string): Promise<ReadonlyMap<string, DeviceKey>>;
  save(store: string, keys: ReadonlyMap<string, DeviceKey>): Promise<void>;
}

export class KeyStore {
  readonly name: string;
  readonly #backend: KeyStoreBackend;
  #keys: Map<string, DeviceKey> | null = null;

  /** In a browser `backend` is IndexedDB, with private keys that nobody can read. */
  constructor(name: string, backend: KeyStoreBackend = indexedDbKeys()) {
    this.name = name;
    this.#backend = backend;
  }

  /** For `registerAs`: whether this store needs private keys that can be read. */
  get extractable(): boolean {
    return this.#backend.extractable;
  }

  /** Reads what is there. Has to come first. */
  async prepare(): Promise<void> {
    this.#keys = new Map(await this.#backend.load(this.name));
  }

  contains(name: string): boolean {
    return this.#prepared().has(name);
  }

  names(): readonly string[] {
    return [...this.#prepared().keys()];
  }

  /** The seed's `keys[name]`. @throws GatehouseError `device_keys_missing` */
  get(name: string): DeviceKey {
    const key = this.#prepared().get(name);
    if (key !== undefined) return key;
    throw new GatehouseError(
      'device_keys_missing',
      `The key store has no device “${name}”. Register it first.`,
    );
  }

  add(name: string, key: DeviceKey): void {
    this.#prepared().set(name, key);
  }

  remove(name: string): void {
    this.#prepared().delete(name);
  }

  /** Writes what was added and removed. */
  async postpare(): Promise<void> {
    await this.#backend.save(this.name, this.#prepared());
  }

  #prepared(): Map<string, DeviceKey> {
    if (this.#keys !== null) return this.#keys;
    throw new GatehouseError('usage', 'The key store has not been read. Call prepare() first.');
  }
}

/** Keys that last as long as the program. */
export function memoryKeys(): KeyStoreBackend {
  const stores = new Map<string, ReadonlyMap<string, DeviceKey>>();
  return {
    extractable: false,
    load: async (store) => stores.get(store) ?? new Map<string, DeviceKey>(),
    save: async (store, keys) => void stores.set(store, new Map(keys)),
  };
}
