// What a registered device keeps: its identity, and whom it was registered against. Without the latter the former would be
// worth nothing: the agent's key must never be taken from anywhere else again.
import type { Bytes } from './bytes.ts';
import {
  exportIdentity,
  identityOf,
  importIdentity,
  publicKeyOf,
  type Identity,
  type PublicKey,
} from './identity.ts';
import type { KeyPair } from './primitives.ts';

/** The seed's `keys[deviceName]`. */
export interface DeviceKey {
  readonly identity: Identity;
  /** The agent's, as it was when the device was registered. */
  readonly agent: PublicKey;
  readonly serviceId: string;
  readonly issuer: string;
  readonly subject: string;
  /** True where a registration code proved both sides; else people compare fingerprints. */
  readonly proved: boolean;
}

/** A `DeviceKey` as IndexedDB keeps it: the private key stays a CryptoKey that cannot be read. */
export interface StoredDeviceKey extends DeviceKeyFacts {
  readonly keys: KeyPair;
}

/** A `DeviceKey` for a store that encrypts: made only of keys that were made extractable. */
export interface ExportedDeviceKey extends DeviceKeyFacts {
  /** PKCS #8 DER. A secret. */
  readonly privateKey: Bytes;
}

interface DeviceKeyFacts {
  /** Uncompressed, 65 bytes. */
  readonly agentPoint: Bytes;
  readonly serviceId: string;
  readonly issuer: string;
  readonly subject: string;
  readonly proved: boolean;
}

export function storedDeviceKey(key: DeviceKey): StoredDeviceKey {
  return { ...factsOf(key), keys: key.identity.keys };
}

/** @throws GatehouseError `device_keys_missing`, `device_key_invalid` */
export async function loadDeviceKey({ keys, ...facts }: StoredDeviceKey): Promise<DeviceKey> {
  return withFacts(await identityOf(keys), facts);
}

/** @throws GatehouseError `device_keys_missing` where the private key was not made extractable */
export async function exportDeviceKey(key: DeviceKey): Promise<ExportedDeviceKey> {
  return { ...factsOf(key), privateKey: await exportIdentity(key.identity) };
}

/** The private key stays extractable, so that the store can save it again. @throws as `loadDeviceKey` */
export async function importDeviceKey({ privateKey, ...facts }: ExportedDeviceKey): Promise<DeviceKey> {
  return withFacts(await importIdentity(privateKey, { extractable: true }), facts);
}

function factsOf({ agent, serviceId, issuer, subject, proved }: DeviceKey): DeviceKeyFacts {
  return { agentPoint: agent.point, serviceId, issuer, subject, proved };
}

async function withFacts(identity: Identity, facts: DeviceKeyFacts): Promise<DeviceKey> {
  const { agentPoint, ...rest } = facts;
  return { identity, agent: await publicKeyOf(agentPoint), ...rest };
}
