// Every cryptographic operation of the session protocol, and the only parameters that it allows: P-256, SHA-256,
// AES-256-GCM with 96-bit nonces and 128-bit tags. WebCrypto does the work; anything else is refused before it is asked.
// What these functions refuse or cannot do is null or false, so that each caller says in its own code what went wrong.
import { concat, type Bytes } from './bytes.ts';

/** A WebCrypto key; the type's name differs between the browser's and Node's declarations. */
export type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

export const pointLength = 65;
export const signatureLength = 64;
const hashLength = 32;
export const aesKeyLength = 32;
export const gcmNonceLength = 12;
export const gcmTagLength = 16;

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const ecdh = { name: 'ECDH', namedCurve: 'P-256' } as const;
const gcm = 'AES-GCM';
/** RFC 5869 section 2.3: 255 hashes. */
const maxHkdfLength = 255 * hashLength;

export interface KeyPair {
  readonly publicKey: Key;
  readonly privateKey: Key;
}

export function randomBytes(length: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(length));
}

export async function sha256(data: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', data));
}

/** HMAC-SHA-256 (RFC 2104), 32 bytes. */
export async function hmacSha256(secret: Bytes, data: Bytes): Promise<Bytes> {
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ]);
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, data));
}

/** Whether `mac` is the HMAC-SHA-256 of `data`; WebCrypto compares in constant time. */
export async function verifyHmacSha256(secret: Bytes, mac: Bytes, data: Bytes): Promise<boolean> {
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, [
    'verify',
  ]);
  return crypto.subtle.verify('HMAC', key, mac, data);
}

/** Input keying material for `hkdfSha256`, not to be read again. */
export async function hkdfKey(material: Bytes): Promise<Key> {
  return crypto.subtle.importKey('raw', material, 'HKDF', false, ['deriveBits']);
}

/** `length` bytes of HKDF-SHA-256 (RFC 5869), or null where that is more than it can give. */
export async function hkdfSha256(key: Key, salt: Bytes, info: Bytes, length: number): Promise<Bytes | null> {
  if (length < 1 || length > maxHkdfLength) return null;
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt, info };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, length * 8));
}

/** An AES-256-GCM key that cannot be read again, or null where `raw` has not 32 bytes. Wipes `raw`. */
export async function aesKey(raw: Bytes): Promise<Key | null> {
  if (raw.length !== aesKeyLength) return null;
  const key = await crypto.subtle.importKey('raw', raw, gcm, false, ['encrypt', 'decrypt']);
  raw.fill(0);
  return key;
}

/** Ciphertext and tag (NIST SP 800-38D), or null for a nonce that the protocol does not allow. */
export async function sealGcm(key: Key, nonce: Bytes, data: Bytes, plaintext: Bytes): Promise<Bytes | null> {
  if (nonce.length !== gcmNonceLength) return null;
  return new Uint8Array(await crypto.subtle.encrypt(gcmParameters(nonce, data), key, plaintext));
}

/** The plaintext, or null where the tag does not verify or the nonce is not allowed. */
export function openGcm(key: Key, nonce: Bytes, data: Bytes, sealed: Bytes): Promise<Bytes | null> {
  if (nonce.length !== gcmNonceLength || sealed.length < gcmTagLength) return Promise.resolve(null);
  const opened = crypto.subtle.decrypt(gcmParameters(nonce, data), key, sealed);
  return opened.then(bytesOf, noBytes);
}

const bytesOf = (buffer: ArrayBuffer): Bytes => new Uint8Array(buffer);
const noBytes = (): null => null;

const reusedParameters = {
  name: gcm,
  iv: new Uint8Array(),
  additionalData: new Uint8Array(),
  tagLength: gcmTagLength * 8,
};

/**
 * Good for the one call that it is made for: WebCrypto copies parameters before `encrypt` or `decrypt` returns (Web
 * Cryptography API, "normalize an algorithm"). One object for all calls, because Node makes each one the prototype of its own copy,
 * and a prototype that is new to V8 costs as much again as the call.
 */
function gcmParameters(nonce: Bytes, data: Bytes): typeof reusedParameters {
  reusedParameters.iv = nonce;
  reusedParameters.additionalData = data;
  return reusedParameters;
}

/** A fresh key pair for signatures. The private key can be read only where `extractable` says so. */
export async function newSigningKeys(extractable: boolean): Promise<KeyPair> {
  return crypto.subtle.generateKey(ecdsa, extractable, ['sign', 'verify']);
}

/** The verifying key of an uncompressed point, or null where that is none on P-256. */
export async function verifyingKey(point: Bytes): Promise<Key | null> {
  return importPoint(point, ecdsa, ['verify']);
}

/** ECDSA with SHA-256: r ‖ s, 64 bytes (IEEE P1363). */
export async function signP256(key: Key, data: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, data));
}

export async function verifyP256(key: Key, signature: Bytes, data: Bytes): Promise<boolean> {
  if (signature.length !== signatureLength) return false;
  return crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, signature, data);
}

/** A fresh ephemeral for one handshake. Its private key cannot be read. */
export async function newEphemeral(): Promise<KeyPair> {
  return crypto.subtle.generateKey(ecdh, false, ['deriveBits']);
}

/** The public half as an uncompressed point: 0x04 ‖ x ‖ y. */
export async function pointOf(publicKey: Key): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.exportKey('raw', publicKey));
}

/** The x coordinate of the shared point (NIST SP 800-56A 5.7.1.2), or null where `peer` is no point on P-256. */
export async function sharedSecret(privateKey: Key, peer: Bytes): Promise<Bytes | null> {
  const publicKey = await importPoint(peer, ecdh, []);
  if (publicKey === null) return null;
  const bits = await crypto.subtle.deriveBits({ name: 'ECDH', public: publicKey }, privateKey, 256);
  return new Uint8Array(bits);
}

/** SubjectPublicKeyInfo (RFC 5480) of a point on P-256. */
export function spkiOf(point: Bytes): Bytes {
  return concat(spkiHead, point);
}

/** SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING of 65 bytes }, up to the point. */
const spkiHead = Uint8Array.of(
  ...[0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01],
  ...[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00],
);

async function importPoint(
  point: Bytes,
  algorithm: typeof ecdsa | typeof ecdh,
  usages: ('verify' | 'deriveBits')[],
): Promise<Key | null> {
  if (point.length !== pointLength || point[0] !== 4) return null;
  try {
    return await crypto.subtle.importKey('raw', point, algorithm, true, usages);
  } catch {
    return null;
  }
}
