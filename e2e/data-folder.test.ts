// What is in a service's data folder is never lost by a mistake: wrong passwords, files that are missing or broken,
// certificates that are brought along. Each fault has its own code, and leaves every file as it was.
import { cpSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from './support/files.ts';
import { Openssl } from './support/openssl.ts';
import { until, withinASecondMs } from './support/waiting.ts';
import { World, serviceArgs } from './support/world.ts';

let world: World;
let openssl: Openssl;
/** A sound data folder of a service that does not run. */
let sound = '';
let copies = 0;
beforeAll(async () => {
  world = await World.start();
  openssl = new Openssl(world.home);
  await world.service.end();
  sound = world.home.path('sound');
  cpSync(world.data, sound, { recursive: true });
  await world.restartService();
});
afterAll(() => world.close());

function copyOfSound(): string {
  copies += 1;
  const folder = world.home.path(`copy-${copies}`);
  cpSync(sound, folder, { recursive: true });
  return folder;
}

describe('a wrong superadmin password', () => {
  it.each([
    ['starting', ['service', '--relay', 'ws://127.0.0.1:1']],
    ['renewing the certificate', ['service', 'renew-e2ee-certificate']],
  ])('is told when %s, and changes no file', async (_what, args) => {
    const folder = copyOfSound();
    const before = digestOf(folder);
    const password = world.home.secret('wrong-password', 'not it\n');
    const ran = await world.home.run(...args, '--data', folder, '--password-file', password, '--json');
    expect([ran.exitCode, ran.json]).toMatchObject([1, { error: { code: 'superadmin_password_wrong' } }]);
    expect(digestOf(folder)).toEqual(before);
  });

  it('in a file that others can read is not even tried', async () => {
    const folder = copyOfSound();
    const open = world.home.path('open-password');
    writeFileSync(open, 'anything\n', { mode: 0o644 });
    const ran = await world.home.run(
      'service',
      'renew-e2ee-certificate',
      '--data',
      folder,
      '--password-file',
      open,
      '--json',
    );
    expect(ran.json).toMatchObject({ error: { code: 'file_too_open' } });
  });
});

const half = (path: string): void => truncateSync(path, Math.floor(statSync(path).size / 2));
const garbage = (path: string): void => writeFileSync(path, 'no certificate, no key\n');

describe('a certificate file that is', () => {
  it.each([
    ['missing', 'e2ee.pem', 'certificate_missing', rmSync],
    ['missing', 'e2ee.key', 'certificate_key_missing', rmSync],
    ['half-written', 'e2ee.pem', 'certificate_corrupt', half],
    ['half-written', 'e2ee.key', 'certificate_key_corrupt', half],
    ['corrupt', 'e2ee.pem', 'certificate_corrupt', garbage],
    ['corrupt', 'e2ee.key', 'certificate_key_corrupt', garbage],
    ['missing, while the certificate is there', 'secrets.json', 'secrets_missing', rmSync],
    ['corrupt', 'secrets.json', 'secrets_corrupt', garbage],
  ])('%s (%s) stops the start with %s, and nothing is made over it', async (_how, name, code, spoil) => {
    const folder = copyOfSound();
    spoil(join(folder, name));
    const before = digestOf(folder);
    const ran = await world.home.run(...serviceArgs(world.home, world.relayUrl, folder), '--json');
    expect([ran.exitCode, ran.json]).toMatchObject([1, { error: { code } }]);
    const { message } = ran.json.error as { message: string };
    expect(message).toMatch(/restore|backup/i);
    expect(digestOf(folder)).toEqual(before);
  });

  it('missing together with the other leads to a new one, said loudly', async () => {
    const folder = copyOfSound();
    for (const name of ['e2ee.pem', 'e2ee.key']) rmSync(join(folder, name));
    const service = world.home.spawn(...serviceArgs(world.home, world.relayUrl, folder));
    await until(
      'it shows its fingerprint',
      () => /(?:[0-9A-F]{2}:){31}[0-9A-F]{2}/.exec(service.stdout)?.[0],
    );
    expect(service.stdout).toMatch(/\*\*\* .*new E2EE certificate/);
    const [shown = ''] = /(?:[0-9A-F]{2}:){31}[0-9A-F]{2}/.exec(service.stdout) ?? [];
    expect(shown.replaceAll(':', '').toLowerCase()).not.toBe(world.fingerprint);
    expect(await service.end()).toEqual({ code: 0, signal: null });
  });
});

/** `import-e2ee-certificate` with these arguments, on the folder of the running service. */
function importInto(...args: readonly string[]) {
  const flags = ['--data', world.data, '--password-file', world.home.path('password'), '--json'];
  return world.home.run('service', 'import-e2ee-certificate', ...args, ...flags);
}

describe('importing into a running service', () => {
  it.each(['rsa', 'p384', 'p256'] as const)(
    'takes %s as PEM, and new sessions get it within a second',
    async (type) => {
      openssl.make(type, type);
      const ran = await importInto(openssl.path(`${type}.pem`), '--key', openssl.path(`${type}.key`));
      expect(ran.json).toEqual({ oldFingerprint: world.fingerprint, newFingerprint: expect.any(String) });
      await takesUp(String(ran.json.newFingerprint));
    },
  );

  it('takes PKCS#12, whose passphrase comes in a file', async () => {
    const passphrase = world.home.secret('passphrase', 'the passphrase of the bundle\n');
    openssl.make('bundle', 'p256');
    openssl.pkcs12('bundle', passphrase);
    const ran = await importInto(openssl.path('bundle.p12'), '--passphrase-file', passphrase);
    expect(ran.exitCode).toBe(0);
    await takesUp(String(ran.json.newFingerprint));
    expect(readFileSync(join(world.data, 'e2ee.key'), 'utf8')).toMatch(
      /^-----BEGIN ENCRYPTED PRIVATE KEY-----/,
    );
  });

  it.each([
    ['an expired certificate', 'certificate_expired', () => openssl.make('bad', 'p256', -1), 'bad'],
    ["another certificate's key", 'certificate_key_mismatch', makeTwo, 'other'],
    [
      'Ed25519, which BoringSSL rejects',
      'certificate_unsupported',
      () => openssl.make('bad', 'ed25519'),
      'bad',
    ],
    ['RSA of 1024 bits', 'certificate_unsupported', () => openssl.make('bad', 'short-rsa'), 'bad'],
    ['no certificate', 'certificate_import_failed', () => garbage(openssl.path('bad.pem')), 'other'],
  ])('refuses %s, and serves on as before', async (_what, code, make, key) => {
    make();
    const before = digestOf(world.data);
    const ran = await importInto(openssl.path('bad.pem'), '--key', openssl.path(`${key}.key`));
    expect([ran.exitCode, ran.json]).toMatchObject([1, { error: { code } }]);
    const after = digestOf(world.data);
    for (const name of ['e2ee.pem', 'e2ee.key', 'secrets.json']) expect(after[name]).toBe(before[name]);
    expect((await world.call('ping')).exitCode).toBe(0);
  });
});

function makeTwo(): void {
  openssl.make('bad', 'p256');
  openssl.make('other', 'p256');
}

async function takesUp(fingerprint: string): Promise<void> {
  world.fingerprint = fingerprint;
  const events = () => world.service.events.some((event) => event.fingerprint === fingerprint);
  await until('the running service serves the new certificate', events, withinASecondMs);
  const { exitCode, json } = await world.call('ping');
  expect([exitCode, json]).toMatchObject([0, { request: { e2ee: { sha256HashHexdigest: fingerprint } } }]);
}
