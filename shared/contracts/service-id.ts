// The form of a service id: `xxxx-xxxx-xxxx`, the first 60 bits of a SHA-256 in lower-case base32
// (RFC 4648 section 6: a-z, 2-7). An id routes; it is never an identity that anything trusts.
import { GatehouseError } from './errors.ts';

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
const bitsPerCharacter = 5;
const characters = 12;
/** 60 bits need 8 bytes. */
const minHashBytes = 8;

/**
 * The id for `hash`, the SHA-256 of the service's raw 32-byte Ed25519 public key. Whoever calls hashes.
 * @throws GatehouseError `internal` for fewer than 8 bytes
 */
export function formatServiceId(hash: Uint8Array): string {
  if (hash.length < minHashBytes)
    throw new GatehouseError('internal', 'A service id needs 60 bits of a hash.');
  let text = '';
  for (let index = 0; index < characters; index += 1) {
    if (index > 0 && index % 4 === 0) text += '-';
    text += alphabet[fiveBits(hash, index * bitsPerCharacter)] ?? '';
  }
  return text;
}

/** True for text of the exact form; nothing is trimmed or lower-cased. */
export function isServiceId(text: unknown): text is string {
  return typeof text === 'string' && /^[a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4}$/.test(text);
}

function fiveBits(bytes: Uint8Array, firstBit: number): number {
  const index = firstBit >> 3;
  const pair = ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
  return (pair >> (16 - bitsPerCharacter - (firstBit & 7))) & 31;
}
