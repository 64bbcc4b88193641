// The content of a key store before it is encrypted: JSON, with bytes in base64. A secret as a whole; must never be
// written as it is.
import * as v from 'valibot';
import { GatehouseError } from '../contracts/errors.ts';
import { exportDeviceKey, importDeviceKey } from '../device/index.ts';
import type { DeviceKey } from '../device/index.ts';

const bytes = v.pipe(
  v.string(),
  v.transform((text) => new Uint8Array(Buffer.from(text, 'base64'))),
);
const contentSchema = v.record(
  v.string(),
  v.object({
    serviceId: v.string(),
    issuer: v.string(),
    subject: v.string(),
    proved: v.boolean(),
    agentPoint: bytes,
    privateKey: bytes,
  }),
);

export async function deviceKeysToJson(keys: ReadonlyMap<string, DeviceKey>): Promise<Buffer> {
  const entries = [...keys].map(async ([name, key]) => {
    const { agentPoint, privateKey, ...facts } = await exportDeviceKey(key);
    const encode = (value: Uint8Array): string => Buffer.from(value).toString('base64');
    return [name, { ...facts, agentPoint: encode(agentPoint), privateKey: encode(privateKey) }] as const;
  });
  return Buffer.from(JSON.stringify(Object.fromEntries(await Promise.all(entries))), 'utf8');
}

/** @throws GatehouseError `device_keys_missing` */
export async function deviceKeysFromJson(json: Buffer): Promise<ReadonlyMap<string, DeviceKey>> {
  const content = v.parse(contentSchema, JSON.parse(json.toString('utf8')));
  try {
    const entries = Object.entries(content).map(
      async ([name, key]) => [name, await importDeviceKey(key)] as const,
    );
    return new Map(await Promise.all(entries));
  } catch (cause) {
    throw new GatehouseError('device_keys_missing', 'A key in the key store cannot be used.', { cause });
  }
}
