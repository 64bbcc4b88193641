// Encrypts private keys for e2ee.key: PKCS#8 with PBES2 (RFC 8018), AES-256-CBC, PBKDF2 with HMAC-SHA-256,
// a form that OpenSSL and BoringSSL both decrypt. It must never write a key without a password.
import type { KeyObject } from 'node:crypto';
import forge from 'node-forge';
import { GatehouseError } from '../../../shared/contracts/errors.ts';

const encryption = { algorithm: 'aes256', prfAlgorithm: 'sha256', count: 100_000, saltSize: 16 } as const;

/** `ENCRYPTED PRIVATE KEY` PEM. Blocks for half a second: node-forge does PBKDF2 in JavaScript. */
export function encryptPrivateKey(privateKey: KeyObject, password: string): string {
  if (password === '')
    throw new GatehouseError('internal', 'A private key is not written without a password.');
  const der = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('binary');
  const encrypted = forge.pki.encryptPrivateKeyInfo(forge.asn1.fromDer(der), password, encryption);
  return forge.pki.encryptedPrivateKeyToPem(encrypted).replaceAll('\r\n', '\n');
}
