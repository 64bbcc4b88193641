// The secrets of device sessions, out of secrets.json. An installation from before there were any gets them the first
// time that they are asked for; whoever asks at the same time gets the same ones.
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { Secrets } from './secrets-file.ts';
import { newDeviceSecrets } from './secrets-payload.ts';

export interface DeviceSecrets {
  /** PKCS#8 DER of the agent's ECDSA P-256 key. */
  readonly agentKey: Buffer;
  /** 32 bytes. */
  readonly journalKey: Buffer;
}

/** @throws GatehouseError those of `Secrets` */
export async function openDeviceSecrets(secrets: Pick<Secrets, 'read' | 'update'>): Promise<DeviceSecrets> {
  return (await readDeviceSecrets(secrets)) ?? (await makeDeviceSecrets(secrets));
}

async function makeDeviceSecrets(secrets: Pick<Secrets, 'read' | 'update'>): Promise<DeviceSecrets> {
  await secrets.update((payload) => ({ ...newDeviceSecrets(), ...withoutUndefined(payload) }));
  const made = await readDeviceSecrets(secrets);
  if (made === null) throw new GatehouseError('internal', 'The keys of device sessions could not be made.');
  return made;
}

async function readDeviceSecrets(secrets: Pick<Secrets, 'read'>): Promise<DeviceSecrets | null> {
  const { agentKey, journalKey } = await secrets.read();
  if (agentKey === undefined || journalKey === undefined) return null;
  return { agentKey: Buffer.from(agentKey, 'base64'), journalKey: Buffer.from(journalKey, 'base64') };
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;
}
