// One device as it stands on disk: its public key, whose it is, and what the administrator said. Parsing fails whole: a
// file that is damaged, or was copied from another device's, is no device. It holds no secret but a spent proof.
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { DeviceStatus } from '../../../shared/contracts/console/devices.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';

const maxNameCharacters = 128;
const idCharacters = 26;

/** Milliseconds since the epoch, up to the last that a Date can hold. */
export const timeSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8.64e15));
const proofSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/));
const coordinateSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/));
const nameSchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(maxNameCharacters),
  v.regex(/^[^\p{C}\p{Zl}\p{Zp}]+$/u),
  v.check((text) => text.trim() === text, 'has spaces around it'),
);

const fileSchema = v.object({
  v: v.literal(1),
  id: v.pipe(v.string(), v.regex(/^[a-z2-7]{26}$/)),
  name: nameSchema,
  issuer: v.pipe(v.string(), v.minLength(1), v.maxLength(2048)),
  subject: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
  fingerprint: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  publicKey: v.object({
    kty: v.literal('EC'),
    crv: v.literal('P-256'),
    x: coordinateSchema,
    y: coordinateSchema,
  }),
  registeredAt: timeSchema,
  confirmedAt: v.nullable(timeSchema),
  confirmedBy: v.nullable(v.picklist(['administrator', 'code'])),
  revokedAt: v.nullable(timeSchema),
  /** Of a registration with a code: what came and what was answered, so that a lost answer can be given again. */
  proofs: v.nullable(v.object({ device: proofSchema, agent: proofSchema })),
});

export type DeviceRecord = Readonly<v.InferOutput<typeof fileSchema>>;

/** Whose key it is: the same key of another user is another device. */
export interface DeviceOwner {
  readonly issuer: string;
  readonly subject: string;
  readonly fingerprint: string;
}

/** 130 bits of SHA-256 in base32: the same for the same key of the same user, so that nothing is registered twice. */
export function deviceIdOf({ issuer, subject, fingerprint }: DeviceOwner): string {
  const statement = JSON.stringify(['gatehouse device id v1', issuer, subject, fingerprint]);
  const digest = createHash('sha256').update(statement).digest();
  const bits = Array.from(digest, (byte) => byte.toString(2).padStart(8, '0')).join('');
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  return Array.from({ length: idCharacters }, (_, at) =>
    alphabet.charAt(Number.parseInt(bits.slice(at * 5, at * 5 + 5), 2)),
  ).join('');
}

export function isDeviceId(text: string): boolean {
  return /^[a-z2-7]{26}$/.test(text);
}

/** Whether a device's name can be shown on one line. */
export function isDeviceName(text: string): boolean {
  return v.is(nameSchema, text);
}

export function statusOf({ revokedAt, confirmedAt }: DeviceRecord): DeviceStatus {
  if (revokedAt !== null) return 'revoked';
  return confirmedAt === null ? 'pending' : 'confirmed';
}

/** @throws GatehouseError `device_corrupt` where `bytes` are not the file of the device `id` */
export function parseDeviceFile(id: string, bytes: Buffer): DeviceRecord {
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), fileSchema), bytes.toString('utf8'));
  if (result.success && result.output.id === id && deviceIdOf(result.output) === id) return result.output;
  const message = `The file of device ${id} is damaged, so that device is not let in. Remove the file and let its user register it again.`;
  throw new GatehouseError('device_corrupt', message, { details: { id } });
}

export function formatDeviceFile(device: DeviceRecord): string {
  return `${JSON.stringify(device, null, 2)}\n`;
}
