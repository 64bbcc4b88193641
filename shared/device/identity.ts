// Identities: the ECDSA P-256 key of a device or an agent, its public half in the forms the protocol uses, and the
// fingerprint that people compare. A private key is used here and never shown, except to a caller who made it
// extractable and asks for it.
import { GatehouseError } from '../contracts/errors.ts';
import { base64url, concat, fromBase64url, hex, u8, type Bytes } from './bytes.ts';
import * as primitives from './primitives.ts';
import type { Key, KeyPair } from './primitives.ts';

const coordinateLength = 32;

/** A public identity key: the point 0x04 ‖ x ‖ y, as it stands in messages, and its fingerprint. */
export interface PublicKey {
  readonly point: Bytes;
  /** SHA-256 of the SubjectPublicKeyInfo DER, lower-case hex. */
  readonly fingerprint: string;
  readonly jwk: PublicJwk;
}

/** RFC 7517 and RFC 7518 section 6.2.1: the public members alone. */
export interface PublicJwk {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
}

/** One side's own key. */
export interface Identity extends PublicKey {
  readonly keys: KeyPair;
}

/** A fresh identity. `extractable` only where the key has to be kept outside WebCrypto (a file, a secrets store). */
export async function newIdentity(options: { readonly extractable?: boolean } = {}): Promise<Identity> {
  return identityOf(await primitives.newSigningKeys(options.extractable ?? false));
}

/** The identity of a WebCrypto pair, as IndexedDB keeps it. @throws GatehouseError `device_keys_missing` */
export async function identityOf(keys: KeyPair): Promise<Identity> {
  try {
    return { ...(await publicKeyOf(await primitives.pointOf(keys.publicKey))), keys };
  } catch (error) {
    throw unusable(error);
  }
}

/**
 * The identity of a private key in PKCS #8 DER or as a JWK with `d`.
 * @throws GatehouseError `device_keys_missing` where it is none on P-256
 */
export async function importIdentity(
  key: Uint8Array | (PublicJwk & { readonly d: string }),
  options: { readonly extractable?: boolean } = {},
): Promise<Identity> {
  try {
    const jwk = key instanceof Uint8Array ? await jwkOfPkcs8(key) : key;
    const point = pointOfJwk(jwk);
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
    const { kty, crv, x, y, d } = jwk;
    const privateKey = await crypto.subtle.importKey(
      'jwk',
      { kty, crv, x, y, d },
      algorithm,
      options.extractable ?? false,
      ['sign'],
    );
    const publicKey = point === null ? null : await primitives.verifyingKey(point);
    if (publicKey === null) throw new Error('its public half is no point on P-256');
    return await identityOf({ publicKey, privateKey });
  } catch (error) {
    throw unusable(error);
  }
}

/** PKCS #8 DER of the private key, for a store that encrypts it. @throws GatehouseError `device_keys_missing` */
export async function exportIdentity(identity: Identity): Promise<Bytes> {
  try {
    return new Uint8Array(await crypto.subtle.exportKey('pkcs8', identity.keys.privateKey));
  } catch (error) {
    throw unusable(error);
  }
}

export async function sign(identity: Identity, data: Bytes): Promise<Bytes> {
  return primitives.signP256(identity.keys.privateKey, data);
}

/** Whether `signature` is `publicKey`'s over `data`. */
export async function verify(publicKey: PublicKey, signature: Bytes, data: Bytes): Promise<boolean> {
  const key: Key | null = await primitives.verifyingKey(publicKey.point);
  return key !== null && primitives.verifyP256(key, signature, data);
}

/** The key at `point`. @throws GatehouseError `device_key_invalid` where that is none on P-256 */
export async function publicKeyOf(point: Bytes): Promise<PublicKey> {
  if ((await primitives.verifyingKey(point)) === null) throw invalidKey();
  const x = base64url(point.subarray(1, 1 + coordinateLength));
  const y = base64url(point.subarray(1 + coordinateLength));
  return { point, fingerprint: await fingerprintOf(point), jwk: { kty: 'EC', crv: 'P-256', x, y } };
}

/** The key of a JWK, which may have other members. @throws GatehouseError `device_key_invalid` */
export async function publicKeyFromJwk(jwk: unknown): Promise<PublicKey> {
  const point = pointOfJwk(jwk);
  if (point === null) throw invalidKey();
  return publicKeyOf(point);
}

/** SHA-256 of the SubjectPublicKeyInfo DER of a point, lower-case hex. */
export async function fingerprintOf(point: Bytes): Promise<string> {
  return hex(await primitives.sha256(primitives.spkiOf(point)));
}

/** 0x04 ‖ x ‖ y, or null where that is no JWK of a P-256 key. Whether the point is on the curve shows at import. */
export function pointOfJwk(jwk: unknown): Bytes | null {
  if (typeof jwk !== 'object' || jwk === null) return null;
  const { kty, crv, x, y } = jwk as Readonly<Record<string, unknown>>;
  if (kty !== 'EC' || crv !== 'P-256' || typeof x !== 'string' || typeof y !== 'string') return null;
  const [bytesX, bytesY] = [fromBase64url(x), fromBase64url(y)];
  if (bytesX?.length !== coordinateLength || bytesY?.length !== coordinateLength) return null;
  return concat(u8(4), bytesX, bytesY);
}

/** WebCrypto gives no public half of a private key by itself; as a JWK it has both. */
async function jwkOfPkcs8(pkcs8: Uint8Array): Promise<PublicJwk & { readonly d: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const key = await crypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8), algorithm, true, ['sign']);
  return (await crypto.subtle.exportKey('jwk', key)) as PublicJwk & { readonly d: string };
}

function invalidKey(): GatehouseError {
  return new GatehouseError('device_key_invalid', 'The public key is no point on the curve P-256.');
}

function unusable(cause: unknown): GatehouseError {
  const message = 'The private key cannot be used. Register this device again.';
  return new GatehouseError('device_keys_missing', message, { cause });
}
