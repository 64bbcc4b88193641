// From the superadmin password to a key, by scrypt (RFC 7914). Parameters come from a file that may have
// been tampered with: they are bounded, so that no file can burn all memory or weaken the key.
// It must never keep or log a password.
import { randomBytes, scrypt } from 'node:crypto';
import * as v from 'valibot';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { base64Bytes } from './sealed-box.ts';

const keyBytes = 32;
const saltBytes = { made: 16, min: 16, max: 64 };
const costLog2 = { min: 14, made: 17, max: 20 };
/** scrypt needs 128 * N * r bytes (128 MiB as made, 1 GiB at the bound), and a little on top. */
const memoryFor = (cost: number, blockSize: number) => 128 * cost * blockSize + 1024 * 1024;

export const passwordKeySchema = v.object({
  name: v.literal('scrypt'),
  N: v.pipe(
    v.number(),
    v.check((cost) => Number.isInteger(Math.log2(cost)), 'is no power of two'),
    v.minValue(2 ** costLog2.min),
    v.maxValue(2 ** costLog2.max),
  ),
  r: v.literal(8),
  p: v.literal(1),
  salt: base64Bytes(saltBytes.min, saltBytes.max),
});

export type PasswordKeyParameters = v.InferOutput<typeof passwordKeySchema>;

/** Parameters for a new password: a fresh salt, and scrypt's cost N (2^17 takes about 0.3 s). */
export function newPasswordKeyParameters(cost = 2 ** costLog2.made): PasswordKeyParameters {
  return { name: 'scrypt', N: cost, r: 8, p: 1, salt: randomBytes(saltBytes.made) };
}

/**
 * The 32-byte key of `password`. The same text gives the same key however a keyboard composes its
 * characters (Unicode NFKC).
 * @throws GatehouseError `superadmin_password_required` for an empty password
 */
export function derivePasswordKey(
  password: string,
  { N, r, p, salt }: PasswordKeyParameters,
): Promise<Buffer> {
  if (password === '') {
    const message = 'The superadmin password is empty. Give a password of at least one character.';
    throw new GatehouseError('superadmin_password_required', message);
  }
  const bytes = Buffer.from(password.normalize('NFKC'), 'utf8');
  return new Promise((resolve, reject) => {
    scrypt(bytes, salt, keyBytes, { N, r, p, maxmem: memoryFor(N, r) }, (error, key) => {
      if (error === null) resolve(key);
      else reject(new GatehouseError('internal', `scrypt failed (${error.message}).`, { cause: error }));
    });
  });
}
