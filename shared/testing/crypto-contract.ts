// What Gatehouse needs of the TLS and crypto beneath it, as a plain list of checks: the same list runs under
// Node (OpenSSL, through Vitest) and under Electron (BoringSSL, through anything that can await a function).
// Must never import a test framework, and never check what only one of the two libraries has.
import assert from 'node:assert/strict';
import {
  X509Certificate,
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  scryptSync,
  sign,
  verify,
} from 'node:crypto';
import { duplexPair } from 'node:stream';
import { parseFingerprint } from '../contracts/fingerprint.ts';
import { certificateSha256 } from '../e2ee/fingerprint.ts';
import { deriveScramKeys } from '../e2ee/scram/keys.ts';
import { serverTlsOptions } from '../e2ee/tls-options.ts';
import { channelBinding, startClientTls, startServerTls } from '../e2ee/tunnel.ts';
import { makeTestCertificate } from './test-certificate.ts';
import { openTunnelPair } from './tunnel-pair.ts';

/** One check: `run` throws, or rejects, where the contract is broken. */
export interface CryptoCheck {
  readonly name: string;
  readonly run: () => void | Promise<void>;
}

export const cryptoContract: readonly CryptoCheck[] = [
  { name: 'reads an ECDSA P-256 certificate and agrees on its fingerprint', run: readsCertificate },
  { name: 'handshakes TLS 1.3 with h2 and carries bytes both ways', run: () => handshakes('h2') },
  { name: 'handshakes TLS 1.3 with HTTP/1.1 and carries bytes both ways', run: () => handshakes('http/1.1') },
  { name: 'exports equal keys at both ends and others for another connection', run: exportsKeys },
  { name: 'refuses a certificate with another fingerprint', run: refusesImpostor },
  { name: 'signs and verifies with P-256', run: () => signs('ec') },
  { name: 'signs and verifies with Ed25519', run: () => signs('ed25519') },
  { name: 'agrees on a secret with P-256', run: () => agrees('ec') },
  { name: 'agrees on a secret with X25519', run: () => agrees('x25519') },
  { name: 'encrypts with AES-256-GCM and notices every change', run: encrypts },
  { name: 'derives by scrypt what RFC 7914 says', run: derivesByScrypt },
  { name: 'derives SCRAM keys by PBKDF2 as RFC 7677 has them', run: derivesByPbkdf2 },
];

function readsCertificate(): void {
  const { cert, der } = makeTestCertificate('contract');
  const parsed = new X509Certificate(cert);
  assert.ok(parsed.verify(parsed.publicKey));
  assert.deepEqual(parsed.raw, der);
  assert.equal(parsed.subjectAltName, 'DNS:contract');
  assert.equal(certificateSha256(der), parseFingerprint(parsed.fingerprint256));
}

async function handshakes(alpn: 'h2' | 'http/1.1'): Promise<void> {
  const { client, service, close } = await openTunnelPair({ alpn: [alpn] });
  assert.equal(client.tlsVersion, 'TLSv1.3');
  assert.equal(client.alpn, alpn);
  assert.equal(service.getProtocol(), 'TLSv1.3');
  const sent = randomBytes(300_000);
  service.pipe(service);
  client.socket.end(sent);
  assert.ok(Buffer.concat((await client.socket.toArray()) as Buffer[]).equals(sent));
  close();
}

async function exportsKeys(): Promise<void> {
  const [one, other] = [await openTunnelPair(), await openTunnelPair()];
  assert.deepEqual(channelBinding(one.client.socket), channelBinding(one.service));
  assert.notDeepEqual(channelBinding(one.service), channelBinding(other.service));
  one.close();
  other.close();
}

async function refusesImpostor(): Promise<void> {
  const [near, far] = duplexPair();
  const accepting = startServerTls(far, serverTlsOptions(makeTestCertificate())).catch(() => undefined);
  const fingerprint = certificateSha256(makeTestCertificate().der);
  await assert.rejects(startClientTls(near, { alpn: ['h2'], fingerprint }), { code: 'fingerprint_mismatch' });
  far.destroy();
  await accepting;
}

function keyPair(type: 'ec' | 'ed25519' | 'x25519') {
  if (type === 'ec') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('x25519');
}

function signs(type: 'ec' | 'ed25519'): void {
  const { privateKey, publicKey } = keyPair(type);
  const hash = type === 'ec' ? 'sha256' : null;
  const message = randomBytes(100);
  const signature = sign(hash, message, privateKey);
  const stored = createPublicKey(publicKey.export({ type: 'spki', format: 'pem' }));
  assert.ok(verify(hash, message, stored, signature));
  message[50] = (message[50] ?? 0) ^ 1;
  assert.ok(!verify(hash, message, stored, signature));
}

function agrees(type: 'ec' | 'x25519'): void {
  const [a, b] = [keyPair(type), keyPair(type)];
  const secret = diffieHellman({ privateKey: a.privateKey, publicKey: b.publicKey });
  assert.equal(secret.length, 32);
  assert.deepEqual(diffieHellman({ privateKey: b.privateKey, publicKey: a.publicKey }), secret);
}

function encrypts(): void {
  const [key, iv, text] = [randomBytes(32), randomBytes(12), randomBytes(50)];
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: 16 });
  const sealed = Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  const open = (bytes: Buffer): Buffer => {
    const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: 16 });
    decipher.setAuthTag(bytes.subarray(-16));
    return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]);
  };
  assert.deepEqual(open(sealed), text);
  for (const index of sealed.keys()) {
    const changed = Buffer.from(sealed);
    changed[index] = (changed[index] ?? 0) ^ 0x80;
    assert.throws(() => open(changed));
  }
}

function derivesByScrypt(): void {
  const limits = { N: 16_384, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
  const expected =
    '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2' +
    'd5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887';
  assert.equal(scryptSync('pleaseletmein', 'SodiumChloride', 64, limits).toString('hex'), expected);
}

function derivesByPbkdf2(): void {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
  const { storedKey, serverKey } = deriveScramKeys('pencil', salt, 4096);
  assert.equal(storedKey.toString('base64'), 'WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=');
  assert.equal(serverKey.toString('base64'), 'wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=');
}
