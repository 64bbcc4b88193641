// Keys in a browser's IndexedDB: structured cloning keeps a CryptoKey as it is, so a private key that cannot be read stays
// one that cannot be read, by the page as by whoever copies its storage's records. One database a store.
import { GatehouseError } from '../contracts/errors.ts';
import { loadDeviceKey, storedDeviceKey, type DeviceKey, type StoredDeviceKey } from './device-key.ts';
import type { KeyStoreBackend } from './key-store.ts';

const objectStore = 'device-keys';

/** As much of the Indexed Database API as is used here (W3C, second edition). */
interface DbRequest<Result> {
  readonly result: Result;
  readonly error: unknown;
  onsuccess: (() => void) | null;
  onerror: (() => void) | null;
}
interface OpenRequest extends DbRequest<Database> {
  onupgradeneeded: (() => void) | null;
  onblocked: (() => void) | null;
}
interface ObjectStore {
  getAllKeys(): DbRequest<readonly string[]>;
  getAll(): DbRequest<readonly StoredDeviceKey[]>;
  clear(): unknown;
  put(value: StoredDeviceKey, key: string): unknown;
}
interface Transaction {
  readonly error: unknown;
  objectStore(name: string): ObjectStore;
  oncomplete: (() => void) | null;
  onabort: (() => void) | null;
}
interface Database {
  createObjectStore(name: string): unknown;
  transaction(name: string, mode: 'readonly' | 'readwrite'): Transaction;
  close(): void;
}
interface Factory {
  open(name: string, version: number): OpenRequest;
}

/** @throws GatehouseError `storage_failed` from `load` and `save`, also where there is no IndexedDB */
export function indexedDbKeys(): KeyStoreBackend {
  return { extractable: false, load, save };
}

async function load(store: string): Promise<ReadonlyMap<string, DeviceKey>> {
  return withDatabase(store, async (database) => {
    const records = database.transaction(objectStore, 'readonly').objectStore(objectStore);
    const [names, keys] = await Promise.all([outcome(records.getAllKeys()), outcome(records.getAll())]);
    const loaded = await Promise.all(keys.map(loadDeviceKey));
    return new Map(loaded.map((key, index) => [names[index] ?? '', key]));
  });
}

async function save(store: string, keys: ReadonlyMap<string, DeviceKey>): Promise<void> {
  await withDatabase(store, async (database) => {
    const transaction = database.transaction(objectStore, 'readwrite');
    const records = transaction.objectStore(objectStore);
    records.clear();
    for (const [name, key] of keys) records.put(storedDeviceKey(key), name);
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(failed(transaction.error));
    });
  });
}

async function withDatabase<Result>(
  store: string,
  use: (database: Database) => Promise<Result>,
): Promise<Result> {
  const database = await open(`gatehouse ${store}`);
  try {
    return await use(database);
  } finally {
    database.close();
  }
}

async function open(name: string): Promise<Database> {
  const { indexedDB } = globalThis as { readonly indexedDB?: Factory };
  if (indexedDB === undefined) throw failed('there is no IndexedDB here; give the key store a back end');
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(objectStore);
  return outcome(request);
}

async function outcome<Result>(request: DbRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(failed(request.error));
  });
}

function failed(cause: unknown): GatehouseError {
  const message = `The browser’s key store cannot be used (${String(cause)}). Allow this page to store data.`;
  return new GatehouseError('storage_failed', message, { cause });
}
