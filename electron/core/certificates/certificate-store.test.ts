// The pair of certificate and key on disk: made once, never by mistake, replaced whole whatever happens.
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { cp, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { GatehouseError } from '../../../shared/contracts/errors.ts';
import { openIdentity } from '../secrets/identity.ts';
import { newPasswordKeyParameters } from '../secrets/password-key.ts';
import { createSecrets, unlockSecrets } from '../secrets/secrets-file.ts';
import type { Secrets } from '../secrets/secrets-file.ts';
import { CertificateStore, loadOrCreate, renewCertificate } from './certificate-store.ts';
import { issueCertificate } from './issue.ts';
import { encryptPrivateKey } from './key-encryption.ts';
import type { ServiceCertificate } from './service-certificate.ts';

const password = 'pw';
let fresh = '';
let first: ServiceCertificate;
let folder = '';
let secrets: Secrets;
let stop: () => void = () => undefined;

beforeAll(async () => {
  fresh = await mkdtemp(join(tmpdir(), 'gatehouse-certificate-'));
  const made = await createSecrets(join(fresh, 'secrets.json'), password, newPasswordKeyParameters(2 ** 14));
  first = (await loadOrCreate(fresh, made)).certificate;
});
afterAll(() => rm(fresh, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-certificate-'));
  await cp(fresh, folder, { recursive: true });
  secrets = await unlockSecrets(join(folder, 'secrets.json'), password);
});
afterEach(async () => {
  stop();
  vi.useRealTimers();
  await rm(folder, { recursive: true, force: true });
});

const at = (name: string) => join(folder, name);
const snapshot = async () => [await readFile(at('e2ee.pem'), 'utf8'), await readFile(at('e2ee.key'), 'utf8')];

describe('the first start', () => {
  it('makes a P-256 certificate with the form that BoringSSL takes, and says that it did', async () => {
    await rm(at('e2ee.pem'));
    await rm(at('e2ee.key'));
    const { certificate, created } = await loadOrCreate(folder, secrets);
    expect(created).toBe(true);
    const leaf = new X509Certificate(certificate.pem);
    const { serviceId } = openIdentity((await secrets.read()).identityKey);
    expect(leaf.subject).toBe('CN=end-to-end-encrypted-gatehouse-service');
    expect(leaf.subjectAltName).toBe(`DNS:gatehouse-service, DNS:${serviceId}.service.gatehouse`);
    expect(leaf.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(leaf.verify(leaf.publicKey)).toBe(true);
    expect(leaf.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
    expect(leaf.validFromDate.getTime()).toBeLessThan(Date.now() - 4 * 60_000);
    expect(Math.round((leaf.validToDate.getTime() - Date.now()) / 86_400_000)).toBe(730);
    expect(certificate.sha256).toBe(leaf.fingerprint256.replaceAll(':', '').toLowerCase());
    const { execFileSync } = await import('node:child_process');
    const text = execFileSync('openssl', ['x509', '-noout', '-ext', 'keyUsage,basicConstraints'], {
      input: certificate.pem,
    }).toString();
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature, Certificate Sign\n/);
    expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE/);
  });

  it('stores both files with mode 0600, the key encrypted under a password in secrets.json alone', async () => {
    for (const name of ['e2ee.pem', 'e2ee.key']) expect((await stat(at(name))).mode & 0o777).toBe(0o600);
    const key = await readFile(at('e2ee.key'), 'utf8');
    expect(key).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    const { keyPasswords } = await secrets.read();
    expect(Object.keys(keyPasswords)).toEqual([first.sha256]);
    expect((await readdir(folder)).sort()).toEqual(['e2ee.key', 'e2ee.pem', 'secrets.json']);
  });

  it('loads the same pair the next time', async () => {
    const before = await snapshot();
    const { certificate, created } = await loadOrCreate(folder, secrets);
    expect([certificate.sha256, created]).toEqual([first.sha256, false]);
    expect(await snapshot()).toEqual(before);
  });

  it('shows the private key in no log line', async () => {
    const { inspect } = await import('node:util');
    expect(inspect(first, { depth: 9, showHidden: true }) + JSON.stringify(first)).not.toContain('PRIVATE');
  });
});

describe('a pair that is of no use', () => {
  const cut = async (name: string, share: number) => {
    const text = await readFile(at(name), 'utf8');
    await writeFile(at(name), text.slice(0, text.length * share));
  };
  const other = (name: string) => async () => {
    const made = await issueCertificate('aaaa-aaaa-aaaa');
    const text = name === 'e2ee.pem' ? made.pem : encryptPrivateKey(keyOf(made), 'x');
    await writeFile(at(name), text);
  };
  const cases: readonly [string, string, () => Promise<void>][] = [
    ['certificate alone absent', 'certificate_missing', () => rm(at('e2ee.pem'))],
    ['key alone absent', 'certificate_key_missing', () => rm(at('e2ee.key'))],
    ['certificate half-written', 'certificate_corrupt', () => cut('e2ee.pem', 0.5)],
    ['certificate empty', 'certificate_corrupt', () => cut('e2ee.pem', 0)],
    ['certificate of noise', 'certificate_corrupt', () => writeFile(at('e2ee.pem'), 'noise')],
    [
      'certificate that is no X.509',
      'certificate_corrupt',
      () => writeFile(at('e2ee.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
    ],
    [
      'certificate whose chain is cut off',
      'certificate_corrupt',
      () => writeFile(at('e2ee.pem'), `${first.pem}${first.pem.slice(0, 200)}`),
    ],
    ['key half-written', 'certificate_key_corrupt', () => cut('e2ee.key', 0.5)],
    ['key empty', 'certificate_key_corrupt', () => cut('e2ee.key', 0)],
    [
      'key that is not encrypted',
      'certificate_key_corrupt',
      () => writeFile(at('e2ee.key'), first.tlsCredentials().key),
    ],
    ["key with somebody else's password", 'certificate_key_corrupt', other('e2ee.key')],
    ['certificate of another key', 'certificate_key_mismatch', other('e2ee.pem')],
    [
      'key of another certificate under the right password',
      'certificate_key_mismatch',
      async () => {
        const made = await issueCertificate('aaaa-aaaa-aaaa');
        const { keyPasswords } = await secrets.read();
        await writeFile(at('e2ee.key'), encryptPrivateKey(keyOf(made), keyPasswords[first.sha256]!));
      },
    ],
  ];
  it.each(cases)('(%s) is %s, left as it is, and mended by a renewal', async (_what, code, damage) => {
    await damage();
    const files = async () =>
      Promise.all(
        (await readdir(folder)).sort().map(async (name) => [name, await readFile(at(name), 'utf8')]),
      );
    const before = await files();
    const failed = loadOrCreate(folder, secrets);
    await expect(failed).rejects.toMatchObject({ code });
    await expect(failed).rejects.toThrow(/renew-e2ee-certificate|backup/);
    expect(await files()).toEqual(before);
    const { newFingerprint } = await renewCertificate(folder, secrets);
    expect((await loadOrCreate(folder, secrets)).certificate.sha256).toBe(newFingerprint);
  });

  it.each([
    ['expired', 731],
    ['not yet valid', -1],
  ])('that is %s is certificate_expired and says so', async (_what, days) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * 86_400_000 });
    await expect(loadOrCreate(folder, secrets)).rejects.toMatchObject({ code: 'certificate_expired' });
    const { oldFingerprint } = await renewCertificate(folder, secrets);
    expect(oldFingerprint).toBe(first.sha256);
    await loadOrCreate(folder, secrets);
  });
});

describe('renewal', () => {
  it('answers both fingerprints and drops the old password', async () => {
    const { oldFingerprint, newFingerprint } = await renewCertificate(folder, secrets);
    expect(oldFingerprint).toBe(first.sha256);
    expect(newFingerprint).not.toBe(first.sha256);
    expect((await loadOrCreate(folder, secrets)).certificate.sha256).toBe(newFingerprint);
    expect(Object.keys((await secrets.read()).keyPasswords)).toEqual([newFingerprint]);
  });

  it('by several at once goes one after the other, each from the one before', async () => {
    const results = await Promise.all([1, 2, 3].map(() => renewCertificate(folder, secrets)));
    const olds = results.map(({ oldFingerprint }) => oldFingerprint);
    expect(new Set(olds).size).toBe(3);
    const last = results.filter(({ newFingerprint }) => !olds.includes(newFingerprint));
    expect(last).toHaveLength(1);
    expect((await loadOrCreate(folder, secrets)).certificate.sha256).toBe(last[0]!.newFingerprint);
  });
});

describe('a running service', () => {
  const listener = () => ({
    onChange: vi.fn<(certificate: ServiceCertificate) => void>(),
    onProblem: vi.fn<(problem: GatehouseError) => void>(),
  });

  it('takes up a renewed pair within a second, reports nothing in between', async () => {
    const { store } = await CertificateStore.open(folder, secrets);
    const told = listener();
    stop = store.watch(told);
    const { newFingerprint } = await renewCertificate(
      folder,
      await unlockSecrets(at('secrets.json'), password),
    );
    await vi.waitFor(() => expect(store.current().sha256).toBe(newFingerprint), {
      timeout: 1000,
      interval: 10,
    });
    expect(told.onChange).toHaveBeenCalledOnce();
    expect(told.onProblem).not.toHaveBeenCalled();
  });

  it('goes on serving the old pair while the files are broken, reports once, and recovers', async () => {
    const { store } = await CertificateStore.open(folder, secrets);
    const told = listener();
    stop = store.watch(told);
    await rename(at('e2ee.key'), at('aside'));
    await vi.waitFor(() => expect(told.onProblem).toHaveBeenCalledOnce(), { timeout: 1000, interval: 10 });
    expect(told.onProblem.mock.calls[0]![0].code).toBe('certificate_key_missing');
    await delay(700);
    expect(told.onProblem).toHaveBeenCalledOnce();
    expect(store.current().sha256).toBe(first.sha256);
    await rename(at('aside'), at('e2ee.key'));
    const { newFingerprint } = await renewCertificate(folder, secrets);
    await vi.waitFor(() => expect(store.current().sha256).toBe(newFingerprint), {
      timeout: 1000,
      interval: 10,
    });
  });

  it('makes no certificate when both files vanish', async () => {
    const { store } = await CertificateStore.open(folder, secrets);
    const told = listener();
    stop = store.watch(told);
    await rm(at('e2ee.pem'));
    await rm(at('e2ee.key'));
    await vi.waitFor(() => expect(told.onProblem).toHaveBeenCalled(), { timeout: 1000, interval: 10 });
    await delay(600);
    expect(await readdir(folder)).toEqual(['secrets.json']);
    expect(store.current().sha256).toBe(first.sha256);
  });
});

function keyOf(certificate: ServiceCertificate) {
  return createPrivateKey(certificate.tlsCredentials().key);
}
