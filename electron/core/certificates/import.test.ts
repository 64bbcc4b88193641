// Imports, with files made by the openssl command: what is taken serves TLS 1.3, and what is not taken is
// refused with a code before anything on disk has changed.
import { execFileSync } from 'node:child_process';
import { X509Certificate, constants, createPrivateKey } from 'node:crypto';
import { cp, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import forge from 'node-forge';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newPasswordKeyParameters } from '../secrets/password-key.ts';
import { createSecrets, unlockSecrets } from '../secrets/secrets-file.ts';
import type { Secrets } from '../secrets/secrets-file.ts';
import { importCertificate, loadOrCreate } from './certificate-store.ts';
import { readImport } from './import.ts';
import type { CertificateImport } from './import.ts';
import type { ServiceCertificate } from './service-certificate.ts';

let made = '';
let folder = '';
let secrets: Secrets;

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { cwd: made, stdio: ['ignore', 'ignore', 'pipe'] });
}
const read = (name: string) => readFile(join(made, name));
const selfSigned = (name: string, key: readonly string[], ...more: readonly string[]) => {
  openssl('genpkey', '-out', `${name}.key`, ...key);
  openssl('req', '-x509', '-key', `${name}.key`, '-out', `${name}.pem`, '-subj', '/CN=imported', '-days', '30', ...more);
};
const ec = (curve: string) => ['-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${curve}`];
const rsa = (bits: number) => ['-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${String(bits)}`];
const p12 = (name: string, out: string, ...more: readonly string[]) =>
  openssl('pkcs12', '-export', '-inkey', `${name}.key`, '-in', `${name}.pem`, '-out', out, '-passout', 'pass:geheim', ...more);

beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), 'gatehouse-openssl-'));
  selfSigned('p256', ec('P-256'));
  selfSigned('p384', ec('P-384'));
  selfSigned('rsa', rsa(2048));
  selfSigned('rsa3072', rsa(3072));
  selfSigned('other', ec('P-256'));
  for (const name of ['p256', 'rsa']) {
    p12(name, `${name}.p12`);
    p12(name, `${name}-legacy.p12`, '-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES', '-macalg', 'sha1');
  }
  p12('p256', 'sha512.p12', '-macalg', 'sha512', '-keypbe', 'AES-128-CBC', '-certpbe', 'NONE');
  p12('p256', 'umlaut.p12', '-passout', 'pass:Schlüssel');
  p12('p256', 'empty.p12', '-passout', 'pass:');
  await makeChain();
  openssl('pkcs8', '-topk8', '-in', 'rsa.key', '-out', 'rsa-encrypted.key', '-passout', 'pass:geheim');
  openssl('rsa', '-traditional', '-aes256', '-in', 'rsa.key', '-out', 'rsa-old.key', '-passout', 'pass:geheim');
  openssl('ec', '-in', 'p256.key', '-out', 'p256-sec1.key');
}, 60_000);

async function makeChain(): Promise<void> {
  const { writeFile } = await import('node:fs/promises');
  selfSigned('root', ec('P-384'), '-addext', 'keyUsage=keyCertSign');
  openssl('genpkey', '-out', 'leaf.key', ...ec('P-256'));
  openssl('req', '-new', '-key', 'leaf.key', '-out', 'leaf.csr', '-subj', '/CN=leaf');
  openssl('x509', '-req', '-in', 'leaf.csr', '-CA', 'root.pem', '-CAkey', 'root.key', '-out', 'leaf.pem', '-days', '9');
  const [leaf, root, other] = await Promise.all(['leaf.pem', 'root.pem', 'other.pem'].map(read));
  await writeFile(join(made, 'chain.pem'), Buffer.concat([other!, root!, leaf!]));
  p12('leaf', 'chain.p12', '-certfile', 'root.pem');
}

afterAll(() => rm(made, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-import-'));
  secrets = await createSecrets(join(folder, 'secrets.json'), 'pw', newPasswordKeyParameters(2 ** 14));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What the client of a TLS 1.3 handshake sees. */
async function handshake(certificate: ServiceCertificate): Promise<{ protocol: string | null; sha256: string }> {
  const server = createServer({
    ...certificate.tlsCredentials(),
    minVersion: 'TLSv1.3',
    secureOptions: constants.SSL_OP_NO_TICKET,
  });
  server.on('secureConnection', (socket) => socket.on('error', () => undefined).end('x'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    return await new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
      socket.on('error', reject);
      socket.on('secureConnect', () => {
        const sha256 = socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase();
        resolve({ protocol: socket.getProtocol(), sha256 });
        socket.destroy();
      });
    });
  } finally {
    server.close();
  }
}

const taken: readonly [string, () => Promise<CertificateImport>][] = [
  ['PEM P-256, key in a file of its own', async () => ({ pem: await read('p256.pem'), key: await read('p256.key') })],
  ['PEM P-384', async () => ({ pem: await read('p384.pem'), key: await read('p384.key') })],
  ['PEM RSA 2048', async () => ({ pem: await read('rsa.pem'), key: await read('rsa.key') })],
  ['PEM RSA 3072', async () => ({ pem: await read('rsa3072.pem'), key: await read('rsa3072.key') })],
  ['PEM, key before certificate in one file', async () => ({ pem: Buffer.concat([await read('rsa.key'), await read('rsa.pem')]) })],
  ['PEM with a SEC1 key and EC PARAMETERS', async () => ({ pem: await read('p256.pem'), key: await read('p256-sec1.key') })],
  ['PEM with an encrypted PKCS#8 key', async () => ({ pem: await read('rsa.pem'), key: await read('rsa-encrypted.key'), passphrase: 'geheim' })],
  ['PEM with an encrypted key of the old form', async () => ({ pem: await read('rsa.pem'), key: await read('rsa-old.key'), passphrase: 'geheim' })],
  ['PEM in a chain of any order', async () => ({ pem: await read('chain.pem'), key: await read('leaf.key') })],
  ['PKCS#12 P-256', async () => ({ pkcs12: await read('p256.p12'), passphrase: 'geheim' })],
  ['PKCS#12 RSA', async () => ({ pkcs12: await read('rsa.p12'), passphrase: 'geheim' })],
  ['PKCS#12 P-256 of the old form (3DES, SHA-1)', async () => ({ pkcs12: await read('p256-legacy.p12'), passphrase: 'geheim' })],
  ['PKCS#12 RSA of the old form (3DES, SHA-1)', async () => ({ pkcs12: await read('rsa-legacy.p12'), passphrase: 'geheim' })],
  ['PKCS#12 with a SHA-512 MAC and certificates in the clear', async () => ({ pkcs12: await read('sha512.p12'), passphrase: 'geheim' })],
  ['PKCS#12 with an umlaut in its passphrase', async () => ({ pkcs12: await read('umlaut.p12'), passphrase: 'Schlüssel' })],
  ['PKCS#12 without a passphrase', async () => ({ pkcs12: await read('empty.p12') })],
  ['PKCS#12 with a chain', async () => ({ pkcs12: await read('chain.p12'), passphrase: 'geheim' })],
];

describe('an import of', () => {
  it.each(taken)('%s is stored encrypted, and serves TLS 1.3 under its fingerprint', async (_what, source) => {
    const { oldFingerprint, newFingerprint } = await importCertificate(folder, secrets, await source());
    expect(oldFingerprint).toBeNull();
    expect(await readFile(join(folder, 'e2ee.key'), 'utf8')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    const { certificate, created } = await loadOrCreate(folder, await unlockSecrets(join(folder, 'secrets.json'), 'pw'));
    expect(created).toBe(false);
    expect(certificate.sha256).toBe(newFingerprint);
    expect(await handshake(certificate)).toEqual({ protocol: 'TLSv1.3', sha256: newFingerprint });
  });

  it.each(['chain.pem', 'chain.p12'])('%s puts the leaf first, then its issuer, and leaves strangers out', async (name) => {
    const file = await read(name);
    const key = await read('leaf.key');
    const source = name.endsWith('.p12') ? { pkcs12: file, passphrase: 'geheim' } : { pem: file, key };
    const { chainPem, sha256 } = readImport(source, Date.now());
    const subjects = chainPem.split(/(?<=END CERTIFICATE-----\n)/).map((pem) => new X509Certificate(pem).subject);
    expect(subjects).toEqual(['CN=leaf', 'CN=imported']);
    expect(sha256).toBe(new X509Certificate(await read('leaf.pem')).fingerprint256.replaceAll(':', '').toLowerCase());
  });

  it('the certificate that is there already keeps it working', async () => {
    const source = { pkcs12: await read('p256.p12'), passphrase: 'geheim' };
    const { newFingerprint } = await importCertificate(folder, secrets, source);
    expect(await importCertificate(folder, secrets, source)).toEqual({ oldFingerprint: newFingerprint, newFingerprint });
    expect((await loadOrCreate(folder, secrets)).certificate.sha256).toBe(newFingerprint);
  });

  it('an issued certificate serves TLS 1.3 too', async () => {
    const { certificate } = await loadOrCreate(folder, secrets);
    expect(await handshake(certificate)).toEqual({ protocol: 'TLSv1.3', sha256: certificate.sha256 });
  });
});

/** Makes `name`.pem and .key and gives them as an import. */
async function refusedPair(name: string, key: readonly string[], ...more: string[]): Promise<CertificateImport> {
  selfSigned(name, key, ...more);
  return { pem: await read(`${name}.pem`), key: await read(`${name}.key`) };
}

const unsupported: readonly [string, () => Promise<CertificateImport>][] = [
  ['an Ed25519 key', () => refusedPair('ed25519', ['-algorithm', 'ED25519'])],
  ['an Ed448 key', () => refusedPair('ed448', ['-algorithm', 'ED448'])],
  ['a P-521 key', () => refusedPair('p521', ec('P-521'))],
  ['a P-224 key', () => refusedPair('p224', ec('P-224'))],
  ['a secp256k1 key', () => refusedPair('k1', ec('secp256k1'))],
  ['a brainpool key', () => refusedPair('bp', ec('brainpoolP256r1'))],
  ['a curve of its own', () => refusedPair('explicit', [...ec('P-256'), '-pkeyopt', 'ec_param_enc:explicit'])],
  ['RSA 1024', () => refusedPair('rsa1024', rsa(1024))],
  ['RSA 4104', () => refusedPair('rsa4104', rsa(4104))],
  ['an RSA exponent of 34 bits', () => refusedPair('exponent', [...rsa(2048), '-pkeyopt', 'rsa_keygen_pubexp:8589934593'])],
  ['a key for RSA-PSS alone', () => refusedPair('pss', ['-algorithm', 'RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048'])],
  ['a SHA-1 signature', () => refusedPair('sha1', rsa(2048), '-sha1')],
  ['an MD5 signature', () => refusedPair('md5', rsa(2048), '-md5')],
  ['a SHA-1 signature with RSA-PSS', () => refusedPair('psssha1', rsa(2048), '-sha1', '-sigopt', 'rsa_padding_mode:pss')],
  ['an ECDSA signature with SHA-1', () => refusedPair('ecsha1', ec('P-256'), '-sha1')],
  ['a keyUsage without digitalSignature', () => refusedPair('usage', ec('P-256'), '-addext', 'keyUsage=keyCertSign')],
];

const encode = (label: string, der: Buffer) =>
  Buffer.from(`-----BEGIN ${label}-----\n${der.toString('base64')}\n-----END ${label}-----\n`);

/** Replaces the first occurrence of the DER INTEGER `from` after `after` by one of the same length. */
function withInteger(data: Buffer, from: number, to: number): Buffer {
  const der = (value: number) => Buffer.from([2, 2, value >> 8, value & 255]);
  const index = data.indexOf(der(from));
  expect(index).toBeGreaterThan(0);
  const copy = Buffer.from(data);
  der(to).copy(copy, index);
  return copy;
}

const refused: readonly [string, string, () => Promise<CertificateImport>][] = [
  ['a key of another certificate', 'certificate_key_mismatch', async () => ({ pem: await read('p256.pem'), key: await read('other.key') })],
  ['a key of another kind', 'certificate_key_mismatch', async () => ({ pem: await read('p256.pem'), key: await read('rsa.key') })],
  ['no key', 'certificate_import_failed', async () => ({ pem: await read('p256.pem') })],
  ['no certificate', 'certificate_import_failed', async () => ({ pem: await read('p256.key') })],
  ['nothing', 'certificate_import_failed', async () => ({ pem: Buffer.alloc(0) })],
  ['noise', 'certificate_import_failed', async () => ({ pem: Buffer.from('noise'), key: await read('p256.key') })],
  ['a certificate cut off', 'certificate_import_failed', async () => ({ pem: (await read('p256.pem')).subarray(0, 300), key: await read('p256.key') })],
  ['a certificate of zeros', 'certificate_import_failed', async () => ({ pem: encode('CERTIFICATE', Buffer.alloc(200)), key: await read('p256.key') })],
  ['a key of zeros', 'certificate_import_failed', async () => ({ pem: await read('p256.pem'), key: encode('PRIVATE KEY', Buffer.alloc(99)) })],
  ['an encrypted key without its passphrase', 'certificate_import_failed', async () => ({ pem: await read('rsa.pem'), key: await read('rsa-encrypted.key') })],
  ['an old encrypted key without its passphrase', 'certificate_import_failed', async () => ({ pem: await read('rsa.pem'), key: await read('rsa-old.key') })],
  ['an encrypted key with a wrong passphrase', 'certificate_import_failed', async () => ({ pem: await read('rsa.pem'), key: await read('rsa-encrypted.key'), passphrase: 'x' })],
  ['an old encrypted key with a wrong passphrase', 'certificate_import_failed', async () => ({ pem: await read('rsa.pem'), key: await read('rsa-old.key'), passphrase: 'x' })],
  ['more than 1 MiB', 'certificate_import_failed', async () => ({ pem: Buffer.concat([await read('p256.pem'), Buffer.alloc(1024 * 1024, 32)]), key: await read('p256.key') })],
  ['a thousand certificates', 'certificate_import_failed', async () => ({ pem: Buffer.from((await read('p256.pem')).toString().repeat(1000)), key: await read('p256.key') })],
  ['PKCS#12 with a wrong passphrase', 'certificate_import_failed', async () => ({ pkcs12: await read('p256.p12'), passphrase: 'x' })],
  ['PKCS#12 without its passphrase', 'certificate_import_failed', async () => ({ pkcs12: await read('p256.p12') })],
  ['PKCS#12 cut off', 'certificate_import_failed', async () => ({ pkcs12: (await read('p256.p12')).subarray(0, 500), passphrase: 'geheim' })],
  ['PEM given as PKCS#12', 'certificate_import_failed', async () => ({ pkcs12: await read('p256.pem') })],
  ['PKCS#12 given as PEM', 'certificate_import_failed', async () => ({ pem: await read('p256.p12') })],
  ['PKCS#12 of more than 1 MiB', 'certificate_import_failed', async () => ({ pkcs12: Buffer.alloc(1024 * 1024 + 1), passphrase: 'geheim' })],
  ['PKCS#12 that lies about its length', 'certificate_import_failed', async () => ({ pkcs12: Buffer.from('3084ffffffff020103', 'hex') })],
  ['PKCS#12 nested a hundred thousand deep', 'certificate_import_failed', async () => ({ pkcs12: Buffer.from('3080'.repeat(100_000), 'hex') })],
  ['PKCS#12 with 32,767 more certificate iterations', 'certificate_import_failed', async () => ({ pkcs12: withInteger(await read('p256.p12'), 2048, 32767), passphrase: 'geheim' })],
];

describe('an import is refused', () => {
  const refuse = async (source: CertificateImport, code: string) => {
    await expect(importCertificate(folder, secrets, source)).rejects.toMatchObject({ name: 'GatehouseError', code });
    expect(await readdir(folder)).toEqual(['secrets.json']);
    expect((await secrets.read()).keyPasswords).toEqual({});
  };

  it.each(unsupported)('as certificate_unsupported for %s', async (_what, source) => {
    await refuse(await source(), 'certificate_unsupported');
  }, 60_000);

  it.each(refused)('for %s, as %s', async (_what, code, source) => {
    await refuse(await source(), code);
  });

  it.each([
    ['expired', 31],
    ['not valid yet', -1],
  ])('when it is %s', async (_what, days) => {
    const source = { pem: await read('p256.pem'), key: await read('p256.key') };
    const when = Date.now() + days * 86_400_000;
    expect(() => readImport(source, when)).toThrow(expect.objectContaining({ code: 'certificate_expired' }) as Error);
  });

  it('with every byte of a PKCS#12 file flipped in turn, always with a code of ours', async () => {
    const file = await read('p256.p12');
    for (let index = 0; index < file.length; index += 7) {
      const copy = Buffer.from(file);
      copy[index]! ^= 0x41;
      try {
        readImport({ pkcs12: copy, passphrase: 'geheim' }, Date.now());
        expect.unreachable(`byte ${String(index)} does not matter`);
      } catch (error) {
        expect(error).toMatchObject({ name: 'GatehouseError' });
        expect((error as Error).message).not.toContain('geheim');
      }
    }
  });

  it.each([100_000_000, 2 ** 31 - 1])('at once when it asks for %i iterations', async (iterations) => {
    for (const source of await bombs(iterations)) {
      const start = performance.now();
      expect(() => readImport(source, Date.now())).toThrow(/too many iterations/);
      expect(performance.now() - start).toBeLessThan(1000);
    }
  });

  it('leaves the pair that is there as it is', async () => {
    await importCertificate(folder, secrets, { pkcs12: await read('p256.p12'), passphrase: 'geheim' });
    const before = await mkdtemp(join(tmpdir(), 'gatehouse-before-'));
    await cp(folder, before, { recursive: true });
    const source = { pem: await read('p256.pem'), key: await read('other.key') };
    await expect(importCertificate(folder, secrets, source)).rejects.toThrow();
    for (const name of await readdir(before)) {
      expect(await readFile(join(folder, name))).toEqual(await readFile(join(before, name)));
    }
    await rm(before, { recursive: true });
  });
});

/** The same key with a lied-about count: in PEM, in a PKCS#12 MAC, and in a PKCS#12 bag. */
async function bombs(iterations: number): Promise<CertificateImport[]> {
  const { asn1 } = forge;
  const count = () =>
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.INTEGER, false, asn1.integerToDer(iterations).getBytes());
  const der = (node: forge.asn1.Asn1) => Buffer.from(asn1.toDer(node).getBytes(), 'latin1');
  const kids = (node: forge.asn1.Asn1) => node.value as forge.asn1.Asn1[];
  const pkcs8 = createPrivateKey(await read('p256.key')).export({
    type: 'pkcs8',
    format: 'der',
    cipher: 'aes-256-cbc',
    passphrase: 'geheim',
  });
  const key = asn1.fromDer(pkcs8.toString('latin1'));
  kids(kids(kids(kids(kids(key)[0]!)[1]!)[0]!)[1]!)[1] = count();
  const mac = asn1.fromDer((await read('p256.p12')).toString('latin1'));
  kids(kids(mac)[2]!)[2] = count();
  const bag = asn1.fromDer((await read('p256.p12')).toString('latin1'));
  kids(bag).length = 2;
  const safeBytes = kids(kids(kids(bag)[1]!)[1]!)[0]!;
  const safe = asn1.fromDer(safeBytes.value as string);
  const algorithm = kids(kids(kids(kids(kids(safe)[0]!)[1]!)[0]!)[1]!)[1]!;
  kids(kids(kids(kids(algorithm)[1]!)[0]!)[1]!)[1] = count();
  safeBytes.value = asn1.toDer(safe).getBytes();
  return [
    { pem: await read('p256.pem'), key: encode('ENCRYPTED PRIVATE KEY', der(key)), passphrase: 'geheim' },
    { pkcs12: der(mac), passphrase: 'geheim' },
    { pkcs12: der(bag), passphrase: 'geheim' },
  ];
}
