// Imports that are taken, with files made by the openssl command: each serves TLS 1.3 under its fingerprint.
import { X509Certificate, constants } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newPasswordKeyParameters } from '../secrets/password-key.ts';
import { createSecrets, unlockSecrets } from '../secrets/secrets-file.ts';
import type { Secrets } from '../secrets/secrets-file.ts';
import { importCertificate, loadOrCreate } from './certificate-store.ts';
import { readImport } from './import.ts';
import type { CertificateImport } from './import.ts';
import { OpensslFolder, ec, rsa } from './openssl-fixtures.ts';
import type { ServiceCertificate } from './service-certificate.ts';

const made = new OpensslFolder();
let folder = '';
let secrets: Secrets;

beforeAll(async () => {
  made.selfSigned('p256', ec('P-256'));
  made.selfSigned('p384', ec('P-384'));
  made.selfSigned('rsa', rsa(2048));
  made.selfSigned('rsa3072', rsa(3072));
  made.selfSigned('pss', rsa(2048), '-sha256', '-sigopt', 'rsa_padding_mode:pss');
  const old = ['-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'];
  for (const name of ['p256', 'rsa']) {
    made.pkcs12(name, `${name}.p12`);
    made.pkcs12(name, `${name}-old.p12`, ...old);
  }
  made.pkcs12('p256', 'sha512.p12', '-macalg', 'sha512', '-keypbe', 'AES-128-CBC', '-certpbe', 'NONE');
  made.pkcs12('p256', 'no-mac.p12', '-nomac');
  made.pkcs12('p256', 'umlaut.p12', '-passout', 'pass:Schlüssel');
  made.pkcs12('p256', 'umlaut-old.p12', ...old, '-passout', 'pass:Schlüssel');
  made.pkcs12('p256', 'empty.p12', '-passout', 'pass:');
  made.selfSigned('root', ec('P-384'), '-addext', 'keyUsage=keyCertSign');
  made.issue('leaf', 'root');
  made.pkcs12('leaf', 'chain.p12', '-certfile', 'root.pem');
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
  made.run('ecparam', '-name', 'prime256v1', '-genkey', '-out', 'sec1.key');
  made.sign('sec1');
}, 60_000);
afterAll(() => made.remove());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-import-'));
  secrets = await createSecrets(join(folder, 'secrets.json'), 'pw', newPasswordKeyParameters(2 ** 14));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const oneFile = async (...names: readonly string[]): Promise<CertificateImport> => ({
  pem: Buffer.concat(await Promise.all(names.map((name) => made.read(name)))),
});

const taken: readonly [string, () => Promise<CertificateImport>][] = [
  ['PEM P-256 with its key in a file of its own', () => made.pemPair('p256.pem', 'p256.key')],
  ['PEM P-384', () => made.pemPair('p384.pem', 'p384.key')],
  ['PEM RSA 2048', () => made.pemPair('rsa.pem', 'rsa.key')],
  ['PEM RSA 3072', () => made.pemPair('rsa3072.pem', 'rsa3072.key')],
  ['PEM RSA signed with RSA-PSS and SHA-256', () => made.pemPair('pss.pem', 'pss.key')],
  ['PEM with the key before the certificate in one file', () => oneFile('rsa.key', 'rsa.pem')],
  ['PEM with a SEC1 key after its EC PARAMETERS', () => made.pemPair('sec1.pem', 'sec1.key')],
  ['PEM with an encrypted PKCS#8 key', () => made.encryptedPair('rsa.pem', 'rsa-encrypted.key')],
  ['PEM with an encrypted key of the old form', () => made.encryptedPair('rsa.pem', 'rsa-old.key')],
  ['PEM with a chain in any order', () => oneFile('p256.pem', 'root.pem', 'leaf.pem', 'leaf.key')],
  ['PKCS#12 P-256', () => made.pkcs12File('p256.p12')],
  ['PKCS#12 RSA', () => made.pkcs12File('rsa.p12')],
  ['PKCS#12 P-256 of the old form (3DES, SHA-1)', () => made.pkcs12File('p256-old.p12')],
  ['PKCS#12 RSA of the old form (3DES, SHA-1)', () => made.pkcs12File('rsa-old.p12')],
  ['PKCS#12 with a SHA-512 MAC and certificates in the clear', () => made.pkcs12File('sha512.p12')],
  ['PKCS#12 without a MAC', () => made.pkcs12File('no-mac.p12')],
  ['PKCS#12 with an umlaut in its passphrase', () => made.pkcs12File('umlaut.p12', 'Schlüssel')],
  ['PKCS#12 of the old form with an umlaut', () => made.pkcs12File('umlaut-old.p12', 'Schlüssel')],
  ['PKCS#12 without a passphrase', async () => ({ pkcs12: await made.read('empty.p12') })],
  ['PKCS#12 with a chain', () => made.pkcs12File('chain.p12')],
];

describe('an import of', () => {
  it.each(taken)('%s serves TLS 1.3 under its fingerprint', async (_what, source) => {
    const certificate = readImport(await source(), Date.now());
    expect(await handshake(certificate)).toEqual({ protocol: 'TLSv1.3', sha256: certificate.sha256 });
  });

  it.each([
    ['EC key', 'p256'],
    ['RSA key', 'rsa'],
  ])('an %s is stored encrypted, and loads and serves after the next unlock', async (_what, name) => {
    const source = await made.pkcs12File(`${name}.p12`);
    const { oldFingerprint, newFingerprint } = await importCertificate(folder, secrets, source);
    expect([oldFingerprint, newFingerprint]).toEqual([null, fingerprintOf(await made.read(`${name}.pem`))]);
    const key = await readFile(join(folder, 'e2ee.key'), 'utf8');
    expect(key).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    const unlocked = await unlockSecrets(join(folder, 'secrets.json'), 'pw');
    const { certificate, created } = await loadOrCreate(folder, unlocked);
    expect([certificate.sha256, created]).toEqual([newFingerprint, false]);
    expect(await handshake(certificate)).toEqual({ protocol: 'TLSv1.3', sha256: newFingerprint });
  });

  it.each([
    ['PEM', () => oneFile('p256.pem', 'root.pem', 'leaf.pem', 'leaf.key')],
    ['PKCS#12', () => made.pkcs12File('chain.p12')],
  ])(
    'a chain in %s puts the leaf first, then its issuer, and leaves strangers out',
    async (_what, source) => {
      const { chainPem, sha256 } = readImport(await source(), Date.now());
      const chain = chainPem.split(/(?<=END CERTIFICATE-----\n)/).map((pem) => new X509Certificate(pem));
      expect(chain.map(({ subject }) => subject)).toEqual(['CN=leaf', 'CN=imported']);
      expect(sha256).toBe(fingerprintOf(await made.read('leaf.pem')));
    },
  );

  it('the certificate that is there already keeps it working', async () => {
    const source = await made.pkcs12File('p256.p12');
    const { newFingerprint } = await importCertificate(folder, secrets, source);
    const again = await importCertificate(folder, secrets, source);
    expect(again).toEqual({ oldFingerprint: newFingerprint, newFingerprint });
    expect((await loadOrCreate(folder, secrets)).certificate.sha256).toBe(newFingerprint);
  });
});

describe('an issued certificate', () => {
  it('serves TLS 1.3 under its fingerprint', async () => {
    const { certificate } = await loadOrCreate(folder, secrets);
    expect(await handshake(certificate)).toEqual({ protocol: 'TLSv1.3', sha256: certificate.sha256 });
  });
});

function fingerprintOf(pem: Buffer): string {
  return new X509Certificate(pem).fingerprint256.replaceAll(':', '').toLowerCase();
}

/** What the client of a TLS 1.3 handshake sees. */
async function handshake(
  certificate: ServiceCertificate,
): Promise<{ protocol: string | null; sha256: string }> {
  const secureOptions = constants.SSL_OP_NO_TICKET;
  const server = createServer({ ...certificate.tlsCredentials(), minVersion: 'TLSv1.3', secureOptions });
  server.on('secureConnection', (socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    return await new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
      socket.on('error', reject);
      socket.on('secureConnect', () => {
        const peer = socket.getPeerX509Certificate();
        const sha256 = peer?.fingerprint256.replaceAll(':', '').toLowerCase() ?? '';
        resolve({ protocol: socket.getProtocol(), sha256 });
        socket.destroy();
      });
    });
  } finally {
    server.close();
  }
}
