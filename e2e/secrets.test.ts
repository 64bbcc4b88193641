// Where secrets must never be: in arguments, in what programs print, and in any file but the one that is for them.
// A session with everything in it is played first; then all that it left is searched.
import { chmodSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesBelow } from './support/files.ts';
import { Openssl } from './support/openssl.ts';
import type { RunningProcess } from './support/processes.ts';
import { RunningEcho } from './support/running-echo.ts';
import { World, superadminPassword } from './support/world.ts';

const passphrase = 'the passphrase of an imported key';
let world: World;
let secrets: Record<string, string> = {};
let processes: RunningProcess[] = [];
beforeAll(async () => {
  world = await World.start({ relay: ['--log-level', 'trace'], service: ['--log-level', 'trace'] });
  await playSession();
});
afterAll(() => world.close());

/** Everything that has a secret in it, with refusals of each, while logs tell all they can. */
async function playSession(): Promise<void> {
  const { home } = world;
  const token = await world.accessToken('anna');
  const enrolment = await home.result('relay', 'enrolment-token', '--data', home.path('relay'));
  secrets = {
    'superadmin password': superadminPassword,
    'access token': token.token,
    'secret of the access token': token.token.slice(-43),
    'relay token': world.relayToken,
    'enrolment token': String(enrolment.token),
    passphrase,
  };
  const echo = await RunningEcho.start(await world.open({ accessToken: token.token }));
  await world.call('ping', { tokenFile: token.file });
  const wrong = home.secret('client/wrong', `${token.token.slice(0, -43)}${'A'.repeat(43)}`);
  await world.call('ping', { tokenFile: wrong });
  await world.call('ping', { tokenFile: token.file, fingerprint: 'a'.repeat(64) });
  await importEncrypted();
  const sampled = [home.processes()];
  const renewing = home.spawn(
    'service',
    'renew-e2ee-certificate',
    '--data',
    world.data,
    '--password-file',
    home.path('password'),
  );
  sampled.push(home.processes());
  await renewing.exit();
  processes = sampled.flat();
  await world.admin('token', 'revoke', token.id);
  await echo.end(3_000);
  await world.call('ping', { tokenFile: token.file });
}

async function importEncrypted(): Promise<void> {
  const { home } = world;
  const file = home.secret('client/passphrase', `${passphrase}\n`);
  const openssl = new Openssl(home);
  openssl.make('own', 'p256');
  openssl.pkcs12('own', file);
  const flags = ['--password-file', home.path('password'), '--passphrase-file', file];
  await world.admin('import-e2ee-certificate', openssl.path('own.p12'), ...flags);
}

describe('a secret', () => {
  it('is in no argument of a process', () => {
    expect(processes.map(({ commandLine }) => commandLine)).toEqual(
      expect.arrayContaining([
        expect.stringContaining(' relay '),
        expect.stringContaining(' renew-e2ee-certificate '),
      ]),
    );
    for (const { commandLine } of processes) {
      for (const secret of Object.values(secrets)) expect(commandLine).not.toContain(secret);
    }
  });

  it('is in nothing that service and relay print, with every log there is', () => {
    const { relay, service } = world;
    expect(relay.stderr).toContain('service online');
    const printed = [relay.stdout, relay.stderr, service.stdout, service.stderr].join('\n');
    for (const [name, secret] of Object.entries(secrets))
      expect([name, printed.includes(secret)]).toEqual([name, false]);
  });

  it('is printed once, where it is made, and by no other command', () => {
    const { home } = world;
    const times = (secret: string): number => home.output.split(secret).length - 1;
    expect(times(secrets['access token'] ?? '')).toBe(1);
    expect(times(secrets['relay token'] ?? '')).toBe(1);
    expect(times(secrets['enrolment token'] ?? '')).toBe(1);
    expect(times(superadminPassword)).toBe(0);
    expect(times(passphrase)).toBe(0);
  });

  it.each(['service', 'relay'])('is in no file of the data folder of the %s', (folder) => {
    const files = filesBelow(world.home.path(folder));
    expect(files.map(({ name }) => name)).toContain(folder === 'service' ? 'secrets.json' : 'services');
    for (const { name, content } of files) {
      for (const [what, secret] of Object.entries(secrets)) {
        expect([name, what, content.includes(secret)]).toEqual([name, what, false]);
      }
    }
  });

  it('can be read by its owner alone, as everything in the data folders', () => {
    for (const folder of ['service', 'relay', 'client']) {
      const files = filesBelow(world.home.path(folder));
      expect(files).not.toEqual([]);
      for (const { name, mode, isFolder } of files) {
        expect([folder, name, mode.toString(8)]).toEqual([folder, name, isFolder ? '700' : '600']);
      }
    }
  });

  it.each([
    [
      'the superadmin password',
      ['service', 'renew-e2ee-certificate', '--data', 'DATA', '--password-file', 'OPEN'],
    ],
    [
      'an access token',
      [
        'call',
        'aaaa-bbbb-cccc',
        'ping',
        '--relay',
        'ws://127.0.0.1:1',
        '--access-token-file',
        'OPEN',
        '--fingerprint',
        'a'.repeat(64),
      ],
    ],
    [
      'a relay token',
      ['call', 'aaaa-bbbb-cccc', 'ping', '--relay', 'ws://127.0.0.1:1', '--relay-token-file', 'OPEN'],
    ],
  ])('that is %s is not taken from a file that others can read', async (_what, args) => {
    const file = world.home.secret('open', 'a secret that everybody can read\n');
    chmodSync(file, 0o640);
    const words = args.map((word) => (word === 'OPEN' ? file : word === 'DATA' ? world.data : word));
    const { exitCode, json, stdout, stderr } = await world.home.run(...words, '--json');
    expect([exitCode, json]).toMatchObject([1, { error: { code: 'file_too_open' } }]);
    expect(`${stdout}${stderr}`).not.toContain('a secret that everybody');
  });
});

describe('the environment', () => {
  it('may name the password file, and holds no password itself', async () => {
    const { home, data } = world;
    const command = `"${process.execPath}" out/gatehouse.mjs service renew-e2ee-certificate --data "${data}" --json`;
    const variable = `GATEHOUSE_SUPERADMIN_PASSWORD_FILE="${home.path('password')}"`;
    const ran = home.execute('/bin/sh', ['-c', `${variable} ${command}`]);
    expect((await ran.exit()).code).toBe(0);
    expect(ran.events).toMatchObject([{ newFingerprint: expect.any(String) }]);
  });
});
