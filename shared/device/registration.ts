// One-time registration codes: 128 bits that the administrator hands over, and the proofs with which each side shows
// that it knows them. The code itself must never be sent: the relay could use it, or put its own keys in between.
import { GatehouseError } from '../contracts/errors.ts';
import { base64url, concat, field, fromBase64url, fromHex, hex, type Bytes } from './bytes.ts';
import { hmacSha256, randomBytes, verifyHmacSha256 } from './primitives.ts';

export const registrationCodeLength = 16;
const label = 'gatehouse device registration v1';

/** Whose proof it is. One side's proof can never stand in for the other's. */
export type RegistrationRole = 'device' | 'agent';

/** What a proof binds: points are uncompressed (65 bytes). */
export interface RegistrationFacts {
  readonly serviceId: string;
  readonly issuer: string;
  readonly subject: string;
  readonly agentPoint: Bytes;
  readonly devicePoint: Bytes;
}

export function newRegistrationCode(): Bytes {
  return randomBytes(registrationCodeLength);
}

/** For people: eight groups of four lower-case hexadecimal digits. */
export function formatRegistrationCode(code: Uint8Array): string {
  return (hex(code).match(/.{4}/g) ?? []).join('-');
}

/** Takes any case, and spaces and dashes anywhere. @throws GatehouseError `registration_code_invalid` */
export function parseRegistrationCode(text: string): Bytes {
  const code = text.length > 256 ? null : fromHex(text.replace(/[\s-]/g, '').toLowerCase());
  if (code?.length === registrationCodeLength) return code;
  const message = 'A registration code has 32 hexadecimal digits. Copy all of it from the console.';
  throw new GatehouseError('registration_code_invalid', message);
}

/** HMAC-SHA-256 under the code, base64url (43 characters). */
export async function registrationProof(
  role: RegistrationRole,
  code: Bytes,
  facts: RegistrationFacts,
): Promise<string> {
  return base64url(await hmacSha256(code, statement(role, facts)));
}

/** Whether `proof` is what `registrationProof` makes; compared in constant time. */
export async function verifyRegistrationProof(
  role: RegistrationRole,
  code: Bytes,
  facts: RegistrationFacts,
  proof: string,
): Promise<boolean> {
  const mac = fromBase64url(proof);
  return mac !== null && verifyHmacSha256(code, mac, statement(role, facts));
}

function statement(role: RegistrationRole, facts: RegistrationFacts): Bytes {
  const { serviceId, issuer, subject, agentPoint, devicePoint } = facts;
  const texts = [label, role, serviceId, issuer, subject].map(field);
  return concat(...texts, agentPoint, devicePoint);
}
