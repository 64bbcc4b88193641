// Imports that are refused, each with its code and before anything on disk has changed: keys and forms that
// BoringSSL does not serve, files that are damaged, lie about themselves, or would burn the CPU.
import { createPrivateKey } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import forge from 'node-forge';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newPasswordKeyParameters } from '../secrets/password-key.ts';
import { createSecrets } from '../secrets/secrets-file.ts';
import type { Secrets } from '../secrets/secrets-file.ts';
import { importCertificate } from './certificate-store.ts';
import { readImport } from './import.ts';
import type { CertificateImport } from './import.ts';
import { OpensslFolder, ec, passphrase, rsa } from './openssl-fixtures.ts';

const made = new OpensslFolder();
let folder = '';
let secrets: Secrets;

beforeAll(() => {
  made.selfSigned('p256', ec('P-256'));
  made.selfSigned('other', ec('P-256'));
  made.selfSigned('rsa', rsa(2048));
  made.pkcs12('p256', 'p256.p12');
  made.run('pkcs8', '-topk8', '-in', 'rsa.key', '-out', 'rsa-encrypted.key', '-passout', 'pass:geheim');
  made.run(
    'rsa',
    '-traditional',
    '-aes256',
    '-in',
    'rsa.key',
    '-out',
    'rsa-old.key',
    '-passout',
    'pass:geheim',
  );
}, 60_000);
afterAll(() => made.remove());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-import-'));
  secrets = await createSecrets(join(folder, 'secrets.json'), 'pw', newPasswordKeyParameters(2 ** 14));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function pairOf(
  name: string,
  key: readonly string[],
  ...more: readonly string[]
): Promise<CertificateImport> {
  made.selfSigned(name, key, ...more);
  return made.pemPair(`${name}.pem`, `${name}.key`);
}

/** The key of p256, with its public point compressed. */
function compressed(): Promise<CertificateImport> {
  made.run('ec', '-in', 'p256.key', '-conv_form', 'compressed', '-out', 'compressed.key');
  made.sign('compressed');
  return made.pemPair('compressed.pem', 'compressed.key');
}

const pss = ['-sigopt', 'rsa_padding_mode:pss'];
const unsupported: readonly [string, () => Promise<CertificateImport>][] = [
  ['an Ed25519 key', () => pairOf('ed25519', ['-algorithm', 'ED25519'])],
  ['an Ed448 key', () => pairOf('ed448', ['-algorithm', 'ED448'])],
  ['a P-521 key', () => pairOf('p521', ec('P-521'))],
  ['a P-224 key', () => pairOf('p224', ec('P-224'))],
  ['a secp256k1 key', () => pairOf('k1', ec('secp256k1'))],
  ['a brainpool key', () => pairOf('brainpool', ec('brainpoolP256r1'))],
  ['a curve that is spelt out', () => pairOf('spelt', [...ec('P-256'), '-pkeyopt', 'ec_param_enc:explicit'])],
  ['a compressed point', compressed],
  ['RSA 1024', () => pairOf('rsa1024', rsa(1024))],
  ['RSA 4104', () => pairOf('rsa4104', rsa(4104))],
  [
    'an RSA exponent of 34 bits',
    () => pairOf('e34', [...rsa(2048), '-pkeyopt', 'rsa_keygen_pubexp:8589934593']),
  ],
  [
    'a key for RSA-PSS alone',
    () => pairOf('pss', ['-algorithm', 'RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048']),
  ],
  ['a SHA-1 signature', () => pairOf('sha1', rsa(2048), '-sha1')],
  ['an MD5 signature', () => pairOf('md5', rsa(2048), '-md5')],
  ['an RSA-PSS signature with SHA-1', () => pairOf('pss-sha1', rsa(2048), '-sha1', ...pss)],
  ['an ECDSA signature with SHA-1', () => pairOf('ec-sha1', ec('P-256'), '-sha1')],
  ['no digitalSignature', () => pairOf('usage', ec('P-256'), '-addext', 'keyUsage=keyCertSign')],
];

const pem = async (name: string, change: (text: Buffer) => Buffer): Promise<CertificateImport> => ({
  pem: change(await made.read(name)),
  key: await made.read('p256.key'),
});
const p12 = async (change: (data: Buffer) => Buffer): Promise<CertificateImport> => ({
  pkcs12: change(await made.read('p256.p12')),
  passphrase,
});
const armour = (label: string, der: Buffer) =>
  Buffer.from(`-----BEGIN ${label}-----\n${der.toString('base64')}\n-----END ${label}-----\n`);
const mib = 1024 * 1024;

const failing: readonly [string, () => Promise<CertificateImport>][] = [
  ['no key', async () => ({ pem: await made.read('p256.pem') })],
  ['no certificate', async () => ({ pem: await made.read('p256.key') })],
  ['nothing', () => pem('p256.pem', () => Buffer.alloc(0))],
  ['noise', () => pem('p256.pem', () => Buffer.from('noise'))],
  ['a certificate cut off', () => pem('p256.pem', (text) => text.subarray(0, 300))],
  ['a certificate of zeros', () => pem('p256.pem', () => armour('CERTIFICATE', Buffer.alloc(200)))],
  [
    'a key of zeros',
    () => pem('p256.pem', (text) => Buffer.concat([text, armour('PRIVATE KEY', Buffer.alloc(99))])),
  ],
  ['more than 1 MiB', () => pem('p256.pem', (text) => Buffer.concat([text, Buffer.alloc(mib, 32)]))],
  ['a thousand certificates', () => pem('p256.pem', (text) => Buffer.from(text.toString().repeat(1000)))],
  ['PKCS#12 given as PEM', () => pem('p256.p12', (data) => data)],
  ['an encrypted key without its passphrase', () => made.pemPair('rsa.pem', 'rsa-encrypted.key')],
  ['an old encrypted key without its passphrase', () => made.pemPair('rsa.pem', 'rsa-old.key')],
  ['an encrypted key with a wrong passphrase', () => made.encryptedPair('rsa.pem', 'rsa-encrypted.key', 'x')],
  ['an old encrypted key with a wrong passphrase', () => made.encryptedPair('rsa.pem', 'rsa-old.key', 'x')],
  ['PKCS#12 with a wrong passphrase', () => made.pkcs12File('p256.p12', 'x')],
  ['PKCS#12 without its passphrase', async () => ({ pkcs12: await made.read('p256.p12') })],
  ['PKCS#12 cut off', () => p12((data) => data.subarray(0, 500))],
  ['PKCS#12 with something after its end', () => p12((data) => Buffer.concat([data, Buffer.alloc(1)]))],
  ['PEM given as PKCS#12', () => made.pkcs12File('p256.pem')],
  ['PKCS#12 of more than 1 MiB', () => p12(() => Buffer.alloc(mib + 1))],
  ['PKCS#12 that lies about its length', () => p12(() => Buffer.from('3084ffffffff020103', 'hex'))],
  ['PKCS#12 nested a hundred thousand deep', () => p12(() => Buffer.from('3080'.repeat(100_000), 'hex'))],
];

describe('an import is refused', () => {
  const refuse = async (source: CertificateImport, code: string) => {
    const error = { name: 'GatehouseError', code };
    await expect(importCertificate(folder, secrets, source)).rejects.toMatchObject(error);
    expect(await readdir(folder)).toEqual(['secrets.json']);
    expect((await secrets.read()).keyPasswords).toEqual({});
  };

  it.each(unsupported)('as certificate_unsupported for %s', async (_what, source) => {
    await refuse(await source(), 'certificate_unsupported');
  });

  it.each(failing)('as certificate_import_failed for %s', async (_what, source) => {
    await refuse(await source(), 'certificate_import_failed');
  });

  it.each(['other.key', 'rsa.key'])('as certificate_key_mismatch for %s', async (key) => {
    await refuse(await made.pemPair('p256.pem', key), 'certificate_key_mismatch');
  });

  it.each([
    ['expired', 31],
    ['not valid yet', -1],
  ])('as certificate_expired when it is %s', async (_what, days) => {
    const source = await made.pemPair('p256.pem', 'p256.key');
    const error = outcomeOf(source, Date.now() + days * 86_400_000);
    expect(error).toMatchObject({ code: 'certificate_expired' });
  });

  it('for flipped bytes of a PKCS#12 file with a code of ours, unless they only change the framing', async () => {
    const file = await made.read('p256.p12');
    const whole = outcomeOf({ pkcs12: file, passphrase });
    let refusals = 0;
    for (let index = 0; index < file.length; index += 5) {
      const copy = Buffer.from(file);
      copy[index]! ^= 0x41;
      const outcome = outcomeOf({ pkcs12: copy, passphrase });
      if (outcome instanceof Error) {
        refusals += 1;
        expect(outcome).toMatchObject({ name: 'GatehouseError' });
        expect(outcome.message).not.toContain(passphrase);
      } else expect(outcome).toBe(whole);
    }
    expect(refusals).toBeGreaterThan(file.length / 5 - 20);
  });

  it.each([1_000_001, 2 ** 31 - 1])('at once when it asks for %i iterations', async (iterations) => {
    for (const source of await bombs(iterations)) {
      const start = performance.now();
      expect((outcomeOf(source) as Error).message).toContain('too many iterations');
      expect(performance.now() - start).toBeLessThan(1000);
    }
  });

  it('without a change to the pair that is there', async () => {
    await importCertificate(folder, secrets, await made.pkcs12File('p256.p12'));
    const names = ['e2ee.key', 'e2ee.pem', 'secrets.json'];
    const read = () => Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    const before = await read();
    const source = await made.pemPair('p256.pem', 'other.key');
    await expect(importCertificate(folder, secrets, source)).rejects.toThrow('does not belong');
    expect(await read()).toEqual(before);
    expect((await readdir(folder)).sort()).toEqual(names);
  });
});

/** The fingerprint, or the error. */
function outcomeOf(source: CertificateImport, now = Date.now()): unknown {
  try {
    return readImport(source, now).sha256;
  } catch (error) {
    return error;
  }
}

type Asn1 = forge.asn1.Asn1;

/** Follows child indexes down from `node`. */
function down(node: Asn1, ...path: readonly number[]): Asn1 {
  return path.reduce((at, index) => (at.value as Asn1[])[index]!, node);
}

/** The same key with a lied-about count: in PEM, in a PKCS#12 MAC, and in a PKCS#12 bag. */
async function bombs(iterations: number): Promise<CertificateImport[]> {
  const { asn1 } = forge;
  const lie = (node: Asn1) => {
    node.value = asn1.integerToDer(iterations).getBytes();
  };
  const parse = (data: Buffer) => asn1.fromDer(data.toString('latin1'));
  const der = (node: Asn1) => Buffer.from(asn1.toDer(node).getBytes(), 'latin1');
  const key = createPrivateKey(await made.read('p256.key'));
  const encrypted = parse(key.export({ type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase }));
  // EncryptedPrivateKeyInfo: AlgorithmIdentifier, PBES2 parameters, PBKDF2, its parameters, count.
  lie(down(encrypted, 0, 1, 0, 1, 1));
  const mac = parse(await made.read('p256.p12'));
  lie(down(mac, 2, 2));
  const bag = parse(await made.read('p256.p12'));
  (bag.value as Asn1[]).length = 2;
  const bytes = down(bag, 1, 1, 0);
  const safe = asn1.fromDer(bytes.value as string);
  // The first ContentInfo is EncryptedData: [0], EncryptedData, EncryptedContentInfo, AlgorithmIdentifier.
  lie(down(safe, 0, 1, 0, 1, 1, 1, 0, 1, 1));
  bytes.value = asn1.toDer(safe).getBytes();
  return [
    { pem: await made.read('p256.pem'), key: armour('ENCRYPTED PRIVATE KEY', der(encrypted)), passphrase },
    { pkcs12: der(mac), passphrase },
    { pkcs12: der(bag), passphrase },
  ];
}
