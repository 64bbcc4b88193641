// What secrets.json holds once it is open. Fields that this version does not know are kept as they are,
// so that an older program never destroys a newer one's secrets. Must never be logged or serialised
// anywhere but into the sealed payload.
import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { newAgentKey } from './agent-key.ts';
import { newIdentityKey } from './identity.ts';
import { base64Bytes } from './sealed-box.ts';

const fakeSaltKeyBytes = 32;
const journalKeyBytes = 32;

/** 32 bytes in base64. */
const keySchema = v.pipe(
  v.string(),
  v.check((text) => v.is(base64Bytes(32, 32), text), 'is no 32 bytes of base64'),
);

export const secretsPayloadSchema = v.looseObject({
  /** Password of each encrypted certificate key, by the certificate's SHA-256 in lower-case hex. */
  keyPasswords: v.record(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)), v.pipe(v.string(), v.minLength(1))),
  /** PKCS#8 PEM of the service's Ed25519 key. */
  identityKey: v.string(),
  /** Base64 of 32 random bytes: unknown access tokens get salts derived from it, the same each time. */
  fakeSaltKey: keySchema,
  /** Base64 of the PKCS#8 DER of the agent's ECDSA P-256 key; missing in what an older version wrote. */
  agentKey: v.optional(v.string()),
  /** Base64 of 32 random bytes that encrypt the answers kept for device sessions; missing as `agentKey`. */
  journalKey: v.optional(keySchema),
});

export type SecretsPayload = Readonly<v.InferOutput<typeof secretsPayloadSchema>>;

/** The secrets of a service that starts for the first time. */
export function newSecretsPayload(): SecretsPayload {
  return {
    keyPasswords: {},
    identityKey: newIdentityKey(),
    fakeSaltKey: randomBytes(fakeSaltKeyBytes).toString('base64'),
    ...newDeviceSecrets(),
  };
}

/** What device sessions need. */
export function newDeviceSecrets(): { agentKey: string; journalKey: string } {
  return { agentKey: newAgentKey(), journalKey: randomBytes(journalKeyBytes).toString('base64') };
}
