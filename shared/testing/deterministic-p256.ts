// P-256 on big integers, for test vectors alone: public keys of chosen scalars, and ECDSA signatures that are the same
// each time (RFC 6979), which WebCrypto does not make. Slow, and not constant in time: nothing but tests may use it.
import { concat, type Bytes } from '../device/bytes.ts';
import { hmacSha256, sha256 } from '../device/primitives.ts';

const prime = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const base: Point = {
  x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
};

interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

export interface FixedKey {
  readonly scalar: Bytes;
  /** 0x04 ‖ x ‖ y. */
  readonly point: Bytes;
}

/** The key pair of a scalar of 32 bytes. */
export function fixedKey(scalar: Bytes): FixedKey {
  const { x, y } = multiply(base, numberOf(scalar));
  return { scalar, point: concat(Uint8Array.of(4), bytesOf(x), bytesOf(y)) };
}

/** r ‖ s over SHA-256 of `data`, with the nonce of RFC 6979 section 3.2. */
export async function signDeterministically({ scalar }: FixedKey, data: Bytes): Promise<Bytes> {
  const hash = numberOf(await sha256(data)) % order;
  const k = await nonce(scalar, bytesOf(hash));
  const r = multiply(base, k).x % order;
  const s = (inverse(k, order) * (hash + r * numberOf(scalar))) % order;
  return concat(bytesOf(r), bytesOf(s));
}

/** RFC 6979 section 3.2, steps b to h; the first candidate is in range but for one in 2^32. */
async function nonce(scalar: Bytes, hash: Bytes): Promise<bigint> {
  let key: Bytes = new Uint8Array(32);
  let value: Bytes = new Uint8Array(32).fill(1);
  for (const step of [0, 1]) {
    key = await hmacSha256(key, concat(value, Uint8Array.of(step), scalar, hash));
    value = await hmacSha256(key, value);
  }
  value = await hmacSha256(key, value);
  return numberOf(value);
}

function multiply(point: Point, by: bigint): Point {
  let result: Point | null = null;
  let addend = point;
  for (let left = by; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = result === null ? addend : add(result, addend);
    addend = add(addend, addend);
  }
  return result ?? point;
}

function add(a: Point, b: Point): Point {
  const slope =
    a.x === b.x ? (3n * a.x * a.x - 3n) * inverse(2n * a.y, prime) : (b.y - a.y) * inverse(b.x - a.x, prime);
  const x = modulo(slope * slope - a.x - b.x, prime);
  return { x, y: modulo(slope * (a.x - x) - a.y, prime) };
}

/** Fermat: both moduli are prime. */
function inverse(value: bigint, modulus: bigint): bigint {
  let result = 1n;
  let power = modulo(value, modulus);
  for (let left = modulus - 2n; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = (result * power) % modulus;
    power = (power * power) % modulus;
  }
  return result;
}

function modulo(value: bigint, modulus: bigint): bigint {
  return ((value % modulus) + modulus) % modulus;
}

function numberOf(bytes: Bytes): bigint {
  return bytes.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
}

function bytesOf(number: bigint): Bytes {
  return Uint8Array.from({ length: 32 }, (_, at) => Number((number >> BigInt(8 * (31 - at))) & 0xffn));
}
