// Every form in which an access token, or anything made of it that must not cross the wire, could show in bytes.
// For tests alone: what is found is a leak.
import { pbkdf2Sync } from 'node:crypto';
import { parseAccessToken } from '../e2ee/access-token.ts';
import { deriveScramKeys, hmac } from '../e2ee/scram/keys.ts';

/** What was found in `bytes`; empty where there is no trace. `serverFirst`: where SCRAM's salts can be read. */
export function tracesOf(accessToken: string, bytes: Buffer, serverFirst: readonly string[] = []): string[] {
  const { secret } = parseAccessToken(accessToken);
  const secrets: [string, Buffer][] = [
    ['secret', Buffer.from(secret)],
    ['secret bytes', Buffer.from(secret, 'base64url')],
    ...serverFirst.flatMap((message) => derivations(secret, message)),
  ];
  return secrets
    .filter(([, value]) => forms(value).some((form) => bytes.includes(form)))
    .map(([name]) => name);
}

/** SaltedPassword and the keys made of it (RFC 5802 section 3). */
function derivations(secret: string, serverFirst: string): [string, Buffer][] {
  const [, salt, iterations] = /s=([A-Za-z0-9+/=]+),i=(\d+)/.exec(serverFirst) ?? [];
  if (salt === undefined || iterations === undefined)
    throw new Error(`This is no server-first: ${serverFirst}`);
  const saltBytes = Buffer.from(salt, 'base64');
  const { storedKey, serverKey } = deriveScramKeys(secret, saltBytes, Number(iterations));
  const salted = pbkdf2Sync(secret, saltBytes, Number(iterations), 32, 'sha256');
  return [
    ['SaltedPassword', salted],
    ['ClientKey', hmac(salted, 'Client Key')],
    ['StoredKey', Buffer.from(storedKey)],
    ['ServerKey', Buffer.from(serverKey)],
  ];
}

function forms(value: Buffer): Buffer[] {
  const texts = (['hex', 'base64', 'base64url'] as const).map((encoding) => value.toString(encoding));
  return [value, ...texts.map((text) => Buffer.from(text)), Buffer.from(value.toString('hex').toUpperCase())];
}
