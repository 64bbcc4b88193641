// What a key store on disk is encrypted under: a password, stretched by scrypt with bounded parameters (they come from a
// file that may have been tampered with), or the 32 random bytes of a key file that its owner alone can read.
import { hkdfSync, randomBytes, scrypt } from 'node:crypto';
import * as v from 'valibot';
import { GatehouseError } from '../contracts/errors.ts';
import { readFileIfThere, writeFileAtomic } from '../storage/atomic-file.ts';
import { assertPrivate } from '../storage/private-file.ts';

export type StoreSecret =
  | { readonly password: string }
  /** Made where it is not there. */
  | { readonly keyFile: string };

const keyLength = 32;
const saltLength = 16;
/** scrypt needs 128 * N * r bytes: 128 MiB as made, 512 MiB at the bound. */
const cost = { made: 2 ** 17, max: 2 ** 19, min: 2 ** 15 };
const blockSize = 8;

const salt = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/));
export const waySchema = v.variant('kind', [
  v.object({
    kind: v.literal('password'),
    N: v.pipe(v.number(), v.picklist([2 ** 15, 2 ** 16, cost.made, 2 ** 18, cost.max])),
    salt,
  }),
  v.object({ kind: v.literal('key-file'), salt }),
]);
/** How the key of a store is made, as it stands in its file. */
export type StoreWay = v.InferOutput<typeof waySchema>;

export function newWay(secret: StoreSecret): StoreWay {
  const fresh = randomBytes(saltLength).toString('base64url');
  if ('password' in secret) return { kind: 'password', N: cost.made, salt: fresh };
  return { kind: 'key-file', salt: fresh };
}

/** @throws GatehouseError `device_keys_missing`, `file_too_open`, `storage_failed` */
export async function deriveStoreKey(secret: StoreSecret, way: StoreWay): Promise<Buffer> {
  const bytes = Buffer.from(way.salt, 'base64url');
  if ('password' in secret) {
    if (way.kind !== 'password') throw otherWay('a key file');
    return stretch(secret.password, way.N, bytes);
  }
  if (way.kind !== 'key-file') throw otherWay('a password');
  const key = await keyOfFile(secret.keyFile);
  return Buffer.from(hkdfSync('sha256', key, bytes, 'gatehouse device key store v1', keyLength));
}

function stretch(password: string, N: number, bytes: Buffer): Promise<Buffer> {
  if (password === '') throw new GatehouseError('usage', 'The password of the key store is empty.');
  const options = { N, r: blockSize, p: 1, maxmem: 128 * N * blockSize + 1024 * 1024 };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), bytes, keyLength, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(new GatehouseError('internal', `scrypt failed (${error.message}).`, { cause: error }));
    });
  });
}

async function keyOfFile(path: string): Promise<Buffer> {
  const content = await readFileIfThere(path, 1024);
  if (content === null) {
    const key = randomBytes(keyLength);
    await writeFileAtomic(path, `${key.toString('base64url')}\n`);
    return key;
  }
  await assertPrivate(path);
  const key = Buffer.from(content.toString('utf8').trim(), 'base64url');
  if (key.length === keyLength) return key;
  throw new GatehouseError('storage_failed', `${path} is no key file of Gatehouse.`, { details: { path } });
}

function otherWay(what: string): GatehouseError {
  return new GatehouseError('device_keys_missing', `This key store is encrypted with ${what}. Give that.`);
}
