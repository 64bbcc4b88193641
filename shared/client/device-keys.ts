// Keys of devices on disk, for scripts and the command line: one file (mode 0600) a store, encrypted with AES-256-GCM
// under a key from a password (scrypt, RFC 7914) or from a key file (mode 0600). What the file was made with is part of
// what is authenticated. It must never write a private key in the clear, nor read a store that others can read.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { GatehouseError } from '../contracts/errors.ts';
import type { DeviceKey, KeyStoreBackend } from '../device/index.ts';
import { ensurePrivateFolder, readFileIfThere, writeFileAtomic } from '../storage/atomic-file.ts';
import { assertPrivate } from '../storage/private-file.ts';
import { deviceKeysFromJson, deviceKeysToJson } from './device-keys-json.ts';
import { deriveStoreKey, newWay, waySchema } from './device-keys-secret.ts';
import type { StoreSecret, StoreWay } from './device-keys-secret.ts';

export type { StoreSecret } from './device-keys-secret.ts';

const nonceLength = 12;
const tagLength = 16;
const algorithm = 'aes-256-gcm';
const storeName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const base64 = v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]*={0,2}$/));
const fileSchema = v.object({ v: v.literal(1), way: waySchema, nonce: base64, sealed: base64 });
type StoreFile = v.InferOutput<typeof fileSchema>;

/**
 * A back end for `new KeyStore(name, …)`: `folder/<name>.device-keys.json`.
 * @throws GatehouseError from its methods: `usage`, `file_too_open`, `storage_failed`, `device_keys_missing` where the
 * secret is not the store's or the file was changed
 */
export function encryptedFileKeys(folder: string, secret: StoreSecret): KeyStoreBackend {
  const ways = new Map<string, StoreWay>();
  return {
    extractable: true,
    load: async (store) => {
      const file = await read(pathOf(folder, store));
      if (file === null) return new Map<string, DeviceKey>();
      ways.set(store, file.way);
      const key = await deriveStoreKey(secret, file.way);
      return deviceKeysFromJson(unseal(key, labelOf(store, file.way), file));
    },
    save: async (store, keys) => {
      const path = pathOf(folder, store);
      await ensurePrivateFolder(dirname(path));
      const way = ways.get(store) ?? newWay(secret);
      const key = await deriveStoreKey(secret, way);
      const sealed = seal(key, labelOf(store, way), await deviceKeysToJson(keys));
      await writeFileAtomic(path, `${JSON.stringify({ v: 1, way, ...sealed })}\n`);
      ways.set(store, way);
    },
  };
}

async function read(path: string): Promise<StoreFile | null> {
  const content = await readFileIfThere(path);
  if (content === null) return null;
  await assertPrivate(path);
  const parsed = v.safeParse(fileSchema, parseJson(content.toString('utf8')));
  if (parsed.success) return parsed.output;
  throw new GatehouseError('storage_failed', `${path} is no key store. Move it away, and register again.`, {
    details: { path },
  });
}

function seal(key: Buffer, label: Buffer, content: Buffer): { nonce: string; sealed: string } {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagLength });
  cipher.setAAD(label);
  const sealed = Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()]);
  return { nonce: nonce.toString('base64'), sealed: sealed.toString('base64') };
}

function unseal(key: Buffer, label: Buffer, file: StoreFile): Buffer {
  const [nonce, sealed] = [Buffer.from(file.nonce, 'base64'), Buffer.from(file.sealed, 'base64')];
  try {
    const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagLength });
    decipher.setAAD(label);
    decipher.setAuthTag(sealed.subarray(-tagLength));
    return Buffer.concat([decipher.update(sealed.subarray(0, -tagLength)), decipher.final()]);
  } catch (cause) {
    const message =
      'The device keys cannot be decrypted: the password or key file is another one, or the file was changed.';
    throw new GatehouseError('device_keys_missing', message, { cause });
  }
}

function labelOf(store: string, way: StoreWay): Buffer {
  return Buffer.from(`gatehouse device keys v1\0${store}\0${JSON.stringify(way)}`, 'utf8');
}

function pathOf(folder: string, store: string): string {
  if (storeName.test(store)) return join(folder, `${store}.device-keys.json`);
  throw new GatehouseError('usage', 'A key store has a plain name of letters, digits, dots and dashes.');
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return null;
  }
}
