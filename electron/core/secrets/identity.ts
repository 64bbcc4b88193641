// The Ed25519 identity key of a service: it proves to relays that the service id is its own.
// The private key lives in secrets.json alone and must never leave this module but as signatures.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { formatServiceId } from '../../../shared/contracts/service-id.ts';

export interface ServiceIdentity {
  readonly serviceId: string;
  /** The raw 32 bytes (RFC 8032). */
  readonly publicKey: Buffer;
  /** An Ed25519 signature, 64 bytes. */
  sign(data: Uint8Array): Buffer;
}

/** A new private key as PKCS#8 PEM, as it stands in secrets.json. */
export function newIdentityKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** @throws GatehouseError `identity_corrupt` where `pem` is no Ed25519 private key */
export function openIdentity(pem: string): ServiceIdentity {
  const privateKey = parseKey(pem);
  const publicKey = rawPublicKey(privateKey);
  return {
    serviceId: serviceIdOf(publicKey),
    publicKey,
    sign: (data) => sign(null, data, privateKey),
  };
}

/** The first 60 bits of SHA-256 over the raw 32-byte public key. */
export function serviceIdOf(publicKey: Uint8Array): string {
  return formatServiceId(createHash('sha256').update(publicKey).digest());
}

function parseKey(pem: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    // Told apart from a key of another kind by nobody: both are answered below, without the parser's text.
  }
  if (key?.asymmetricKeyType === 'ed25519') return key;
  const message =
    'The identity key in secrets.json is no Ed25519 key, so this service cannot prove its id. Restore secrets.json from a backup.';
  throw new GatehouseError('identity_corrupt', message);
}

function rawPublicKey(privateKey: KeyObject): Buffer {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' });
  return Buffer.from(x ?? '', 'base64url');
}
