// Encrypts private keys for e2ee.key: PKCS#8 with PBES2 (RFC 8018), AES-256-CBC, PBKDF2 with HMAC-SHA-256,
// a form that OpenSSL and BoringSSL both decrypt. It must never write a key without a password.
import { createCipheriv, pbkdf2Sync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import forge from 'node-forge';
import { GatehouseError } from '../../../shared/contracts/errors.ts';

const iterations = 100_000;
const length = { salt: 16, iv: 16, key: 32 } as const;
/** RFC 8018, appendix C, and NIST's arc for AES. */
const oid = {
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  hmacWithSha256: '1.2.840.113549.2.9',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
} as const;

/** `ENCRYPTED PRIVATE KEY` PEM. The key is derived by node:crypto: node-forge would block for half a second. */
export function encryptPrivateKey(privateKey: KeyObject, password: string): string {
  if (password === '')
    throw new GatehouseError('internal', 'A private key is not written without a password.');
  const [salt, iv] = [randomBytes(length.salt), randomBytes(length.iv)];
  const key = pbkdf2Sync(Buffer.from(password, 'utf8'), salt, iterations, length.key, 'sha256');
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const der = privateKey.export({ type: 'pkcs8', format: 'der' });
  const encrypted = octets(Buffer.concat([cipher.update(der), cipher.final()]));
  const info = sequence(algorithm(salt, iv), encrypted);
  return forge.pki.encryptedPrivateKeyToPem(info).replaceAll('\r\n', '\n');
}

/** RFC 8018, appendix A.4: PBES2-params. */
function algorithm(salt: Buffer, iv: Buffer): forge.asn1.Asn1 {
  const prf = sequence(identifier(oid.hmacWithSha256), primitive(forge.asn1.Type.NULL, ''));
  const derivation = sequence(octets(salt), integer(iterations), integer(length.key), prf);
  return sequence(
    identifier(oid.pbes2),
    sequence(sequence(identifier(oid.pbkdf2), derivation), sequence(identifier(oid.aes256Cbc), octets(iv))),
  );
}

function sequence(...parts: forge.asn1.Asn1[]): forge.asn1.Asn1 {
  return forge.asn1.create(forge.asn1.Class.UNIVERSAL, forge.asn1.Type.SEQUENCE, true, parts);
}

function primitive(type: forge.asn1.Type, bytes: string): forge.asn1.Asn1 {
  return forge.asn1.create(forge.asn1.Class.UNIVERSAL, type, false, bytes);
}

function octets(bytes: Buffer): forge.asn1.Asn1 {
  return primitive(forge.asn1.Type.OCTETSTRING, bytes.toString('binary'));
}

function integer(value: number): forge.asn1.Asn1 {
  return primitive(forge.asn1.Type.INTEGER, forge.asn1.integerToDer(value).getBytes());
}

function identifier(name: string): forge.asn1.Asn1 {
  return primitive(forge.asn1.Type.OID, forge.asn1.oidToDer(name).getBytes());
}
