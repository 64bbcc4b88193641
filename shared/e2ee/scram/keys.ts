// The key schedule of SCRAM-SHA-256 (RFC 5802 section 3, RFC 7677): from a secret to what each side needs.
// The service stores StoredKey and ServerKey alone; neither lets its finder log in as the client.
// Must never keep, log or return the secret or the salted password, and never see a secret that is not
// printable ASCII: SASLprep is the identity there, and is not implemented.
import { createHash, createHmac, pbkdf2, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { GatehouseError } from '../../contracts/errors.ts';

/** Bounds of PBKDF2's iteration count: below is weak (RFC 7677 section 4), above is a way to burn the client. */
export const SCRAM_ITERATIONS = { min: 4096, max: 100_000 } as const;
/** Bounds of a salt, in bytes. */
export const SCRAM_SALT_BYTES = { min: 1, max: 64 } as const;
/** What a service gives a new access token. Unknown ids are answered with the same, so that none stands out. */
export const SCRAM_ISSUED = { iterations: 4096, saltBytes: 16 } as const;
/** Length of a SHA-256 hash: every key, proof and signature here. */
export const SCRAM_HASH_BYTES = 32;

/** What a service keeps of an access token. */
export interface ScramKeys {
  /** H(ClientKey), 32 bytes: checks a client's proof. */
  readonly storedKey: Buffer;
  /** HMAC(SaltedPassword, "Server Key"), 32 bytes: makes the service's own proof. */
  readonly serverKey: Buffer;
}

/** What a client derives for one exchange. */
export interface ScramClientKeys extends ScramKeys {
  /** HMAC(SaltedPassword, "Client Key"), 32 bytes: whoever has it can log in. */
  readonly clientKey: Buffer;
}

/**
 * Derives what the service stores for `secret`. Blocks for the PBKDF2 time (a few ms per 4096 iterations).
 * Throws `internal` where the secret, salt or iterations are out of bounds.
 */
export function deriveScramKeys(secret: string, salt: Uint8Array, iterations: number): ScramKeys {
  checkInputs(secret, salt, iterations);
  const salted = pbkdf2Sync(secret, salt, iterations, SCRAM_HASH_BYTES, 'sha256');
  const { storedKey, serverKey } = expand(salted);
  return { storedKey, serverKey };
}

/** As `deriveScramKeys`, off the event loop, with the client's own key too. */
export async function deriveScramClientKeys(
  secret: string,
  salt: Uint8Array,
  iterations: number,
): Promise<ScramClientKeys> {
  checkInputs(secret, salt, iterations);
  return expand(await pbkdf2Async(secret, salt, iterations, SCRAM_HASH_BYTES, 'sha256'));
}

/** The proof in `p=` (RFC 5802 section 3): ClientKey XOR HMAC(StoredKey, AuthMessage). */
export function clientProof(keys: ScramClientKeys, auth: string): Buffer {
  return xor(keys.clientKey, hmac(keys.storedKey, auth));
}

/** The proof in `v=` (RFC 5802 section 3): HMAC(ServerKey, AuthMessage). */
export function serverSignature(serverKey: Uint8Array, auth: string): Buffer {
  return hmac(serverKey, auth);
}

/** SHA-256. */
export function sha256(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}

/** HMAC-SHA-256; text is taken as UTF-8. */
export function hmac(key: Uint8Array, data: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

/** `a` XOR `b`. Both are 32 bytes. */
export function xor(a: Uint8Array, b: Uint8Array): Buffer {
  const out = Buffer.alloc(SCRAM_HASH_BYTES);
  for (let i = 0; i < out.length; i += 1) out[i] = (a[i] ?? 0) ^ (b[i] ?? 0);
  return out;
}

/** Compares in a time that depends on the lengths alone; unequal lengths are unequal. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

const pbkdf2Async = promisify(pbkdf2);

function expand(salted: Uint8Array): ScramClientKeys {
  const clientKey = hmac(salted, 'Client Key');
  return { clientKey, storedKey: sha256(clientKey), serverKey: hmac(salted, 'Server Key') };
}

function checkInputs(secret: string, salt: Uint8Array, iterations: number): void {
  const inRange = (value: number, range: { readonly min: number; readonly max: number }) =>
    Number.isInteger(value) && value >= range.min && value <= range.max;
  if (!/^[\x21-\x7e]+$/.test(secret)) {
    throw new GatehouseError('internal', 'A SCRAM secret must be printable ASCII without spaces.');
  }
  if (!inRange(salt.length, SCRAM_SALT_BYTES) || !inRange(iterations, SCRAM_ITERATIONS)) {
    throw new GatehouseError('internal', 'A SCRAM salt or iteration count is out of bounds.');
  }
}
