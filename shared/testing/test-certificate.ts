// Makes self-signed certificates for tests with node:crypto alone, so that the same checks run under
// OpenSSL and BoringSSL without files, command lines or keys in the repository.
// Must never serve outside tests: the product issues its certificates in electron/core/certificates.
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
  readonly der: Buffer;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const OID_ECDSA_SHA256 = '06082a8648ce3d040302';
const OID_COMMON_NAME = '0603550403';
const OID_KEY_USAGE = '0603551d0f';
const OID_SUBJECT_ALT_NAME = '0603551d11';
const YEAR_MS = 365 * 24 * 3600 * 1000;

/** An ECDSA P-256 certificate for `commonName`, valid from a day ago for a year. */
export function makeTestCertificate(commonName = 'test-service'): TestCertificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(hex(OID_ECDSA_SHA256));
  const body = sequence(
    tagged(0xa0, hex('020102')), // version 3
    integer(randomBytes(16)),
    algorithm,
    name(commonName),
    sequence(time(Date.now() - 86_400_000), time(Date.now() + YEAR_MS)),
    name(commonName),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, extensions(commonName)),
  );
  const signature = sign('sha256', body, privateKey);
  const der = sequence(body, algorithm, bitString(signature));
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { cert: pem(der), key, der, publicKey, privateKey };
}

function extensions(commonName: string): Buffer {
  const usage = bitString(Buffer.from([0x84]), 2); // digitalSignature, keyCertSign
  const altName = sequence(tagged(0x82, Buffer.from(commonName, 'ascii')));
  return sequence(
    sequence(hex(OID_KEY_USAGE), hex('0101ff'), tagged(0x04, usage)),
    sequence(hex(OID_SUBJECT_ALT_NAME), tagged(0x04, altName)),
  );
}

function name(commonName: string): Buffer {
  const attribute = sequence(hex(OID_COMMON_NAME), tagged(0x0c, Buffer.from(commonName, 'utf8')));
  return sequence(tagged(0x31, attribute));
}

function time(epochMs: number): Buffer {
  const digits = new Date(epochMs).toISOString().replace(/[-:T]|\.\d+/g, '');
  return tagged(0x18, Buffer.from(digits, 'ascii'));
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, Buffer.concat([Buffer.from([0x01]), bytes]));
}

function bitString(bytes: Buffer, unusedBits = 0): Buffer {
  return tagged(0x03, Buffer.concat([Buffer.from([unusedBits]), bytes]));
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

/** DER's tag, length, value; up to 64 KiB. */
function tagged(tag: number, value: Buffer): Buffer {
  const { length } = value;
  const short = length < 0x80;
  const long = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...(short ? [length] : long)]), value]);
}

function hex(digits: string): Buffer {
  return Buffer.from(digits, 'hex');
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
