// AES-256-GCM with a random nonce and associated data that says what the box is for, so that no box opens
// in another one's place. It must never return anything from a box whose tag does not match.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import * as v from 'valibot';

/** 96 bits, as SP 800-38D recommends: a key seals far fewer than 2^32 boxes in its life here. */
const nonceBytes = 12;
const tagBytes = 16;
const algorithm = 'aes-256-gcm';

/** Base64 in its one canonical form, of at least `min` and at most `max` bytes. */
export function base64Bytes(min: number, max: number) {
  return v.pipe(
    v.string(),
    v.transform((text) => ({ text, bytes: Buffer.from(text, 'base64') })),
    v.check(({ text, bytes }) => bytes.toString('base64') === text, 'is no base64'),
    v.transform(({ bytes }): Buffer => bytes),
    v.check((bytes) => bytes.length >= min && bytes.length <= max, 'has the wrong length'),
  );
}

/** How a box of `min` to `max` bytes of content stands in a file. */
export function sealedBoxSchema(min: number, max: number) {
  return v.object({
    nonce: base64Bytes(nonceBytes, nonceBytes),
    ciphertext: base64Bytes(min, max),
    tag: base64Bytes(tagBytes, tagBytes),
  });
}

export interface SealedBox {
  readonly nonce: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/** Seals `content` under the 32-byte `key` for the purpose that `label` names. */
export function seal(key: Uint8Array, label: string, content: Uint8Array): SealedBox {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(label, 'utf8'));
  const ciphertext = Buffer.concat([cipher.update(content), cipher.final()]);
  return { nonce, ciphertext, tag: cipher.getAuthTag() };
}

/** The content, or null where key, label or a single bit of the box is not the one it was sealed with. */
export function unseal(key: Uint8Array, label: string, box: SealedBox): Buffer | null {
  const decipher = createDecipheriv(algorithm, key, box.nonce, { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(label, 'utf8'));
  decipher.setAuthTag(box.tag);
  const start = decipher.update(box.ciphertext);
  try {
    return Buffer.concat([start, decipher.final()]);
  } catch {
    return null;
  }
}

/** For JSON: base64. */
export function boxToJson(box: SealedBox): Record<keyof SealedBox, string> {
  return {
    nonce: box.nonce.toString('base64'),
    ciphertext: box.ciphertext.toString('base64'),
    tag: box.tag.toString('base64'),
  };
}
