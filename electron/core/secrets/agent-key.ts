// The ECDSA P-256 key with which the service proves itself to devices. The private key lives in secrets.json alone.
import { generateKeyPairSync } from 'node:crypto';

/** A new private key as base64 of PKCS#8 DER, as it stands in secrets.json. */
export function newAgentKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');
}
