// What scripts rely on: exit codes, and the lines of JSON that one-shot commands print.
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './support/world.ts';

let world: World;
let nobody = '';
beforeAll(async () => {
  world = await World.start();
  nobody = await unusedUrl();
});
afterAll(() => world.close());

/** A relay URL that nobody listens on. */
async function unusedUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `ws://127.0.0.1:${port}`;
}

describe('npm run -s gatehouse', () => {
  /** CPU time that a start may take, of npm and the program, in seconds: “well under a second” on an idle machine. */
  const bound = 1;

  it('starts in well under a second', async () => {
    const seconds: number[] = [];
    for (let time = 0; time < 5; time += 1) {
      // The first may build.
      const shell = world.home.execute('/bin/sh', ['-c', 'npm run -s gatehouse -- --version; times']);
      await shell.exit(120_000);
      const [user = 0, system = 0] = (shell.stdout.trim().split('\n').at(-1) ?? '')
        .split(' ')
        .map((text) => Number(/^0m([\d.]+)s$/.exec(text)?.[1]));
      seconds.push(user + system);
    }
    expect(Math.min(...seconds)).toBeGreaterThan(0);
    expect(Math.min(...seconds)).toBeLessThan(bound);
  });
});

describe('the exit code', () => {
  it('is 6 where no relay listens', async () => {
    const ran = await world.home.run('call', world.serviceId, 'ping', '--relay', nobody, '--json');
    expect([ran.exitCode, ran.json]).toMatchObject([6, { error: { code: 'relay_unreachable' } }]);
  });

  it('is 6 where the service is not there', async () => {
    const ran = await world.home.run('call', 'aaaa-bbbb-cccc', 'ping', ...world.relayFlags, '--json');
    expect([ran.exitCode, ran.json]).toMatchObject([6, { error: { code: 'service_offline' } }]);
  });

  it('is 4 where the relay does not know the token', async () => {
    const bad = world.home.secret('bad-relay-token', world.relayToken.replace(/.{6}$/, 'AAAAAA'));
    const flags = ['--relay', world.relayUrl, '--relay-token-file', bad, '--json'];
    const ran = await world.home.run('call', world.serviceId, 'ping', ...flags);
    expect([ran.exitCode, ran.json]).toMatchObject([4, { error: { code: 'not_authorised' } }]);
  });

  it('is 4 where the relay token is for other services', async () => {
    const other = await world.home.result(
      ...[
        'relay',
        'client-token',
        '--user',
        'ben',
        '--service',
        'aaaa-bbbb-cccc',
        '--data',
        world.home.path('relay'),
      ],
    );
    const file = world.home.secret('other-relay-token', String(other.token));
    const flags = ['--relay', world.relayUrl, '--relay-token-file', file, '--json'];
    const ran = await world.home.run('call', world.serviceId, 'ping', ...flags);
    expect([ran.exitCode, ran.json]).toMatchObject([4, { error: { code: 'not_authorised' } }]);
  });

  it('is 1 for an RPC that the service does not have', async () => {
    const ran = await world.call('no.such-rpc');
    expect([ran.exitCode, ran.json]).toMatchObject([1, { error: { code: 'rpc_unknown' } }]);
  });

  it('is 2 for an access token without a fingerprint, before anything is dialled', async () => {
    const { file } = await world.accessToken('anna');
    const args = ['call', world.serviceId, 'ping', '--relay', nobody, '--access-token-file', file, '--json'];
    const ran = await world.home.run(...args);
    expect([ran.exitCode, ran.json]).toMatchObject([2, { error: { code: 'fingerprint_required' } }]);
  });

  it.each([
    ['no such command', ['dance']],
    ['no relay', ['call', 'aaaa-bbbb-cccc', 'ping']],
    ['no RPC', ['call', 'aaaa-bbbb-cccc', '--relay', 'ws://127.0.0.1:1']],
    ['a service id of bad form', ['call', 'NOT-AN-ID', 'ping']],
    ['arguments that are no JSON', ['call', 'aaaa-bbbb-cccc', 'ping', '{']],
    ['an unknown flag', ['service', 'settings', 'get', '--colour']],
    ['an unknown setting', ['service', 'settings', 'get', 'service.e2ee.colour']],
    [
      'a value that the setting does not take',
      ['service', 'settings', 'set', 'service.e2ee.require_e2ee', 'perhaps'],
    ],
    ['plain ws:// beyond loopback', ['call', 'aaaa-bbbb-cccc', 'ping', '--relay', 'ws://192.0.2.1:80']],
    ['two relays', ['service', '--relay', 'ws://127.0.0.1:1', '--local-relay']],
  ])('is 2 for %s', async (what, args) => {
    const needsRelay = args[0] === 'call' && !args.includes('--relay') && what !== 'no relay';
    const ran = await world.home.run(...args, ...(needsRelay ? world.relayFlags : []));
    expect([ran.exitCode, ran.stdout]).toEqual([2, '']);
    expect(ran.stderr).not.toBe('');
  });
});

describe('one-shot commands', () => {
  it('print exactly what scripts expect', async () => {
    const created = await world.admin('token', 'create', '--user', 'anna');
    const id = String(created.id);
    expect(created).toEqual({ id, token: expect.stringMatching(`^gh_${id}_[A-Za-z0-9_-]{43}$`) });
    const name = 'service.inspector.retention_days';
    expect(await world.admin('settings', 'set', name, '31')).toEqual({ name, value: 31 });
    expect(await world.admin('settings', 'get', name)).toEqual({ name, value: 31 });
    expect(await world.admin('settings', 'get', 'service.e2ee.require_e2ee')).toEqual({
      name: 'service.e2ee.require_e2ee',
      value: true,
    });
  });

  it('work on the folder of a service that does not run, which follows at its start', async () => {
    await world.service.end();
    const { token } = await world.admin('token', 'create', '--user', 'dora');
    const name = 'service.e2ee.require_e2ee_session_verification';
    expect(await world.admin('settings', 'set', name, 'true')).toEqual({ name, value: true });
    expect(await world.admin('settings', 'get', name)).toEqual({ name, value: true });
    const old = world.fingerprint;
    const password = ['--password-file', world.home.path('password')];
    const renewed = await world.admin('renew-e2ee-certificate', ...password);
    expect(renewed).toMatchObject({ oldFingerprint: old });
    await world.restartService();
    await world.online();
    expect(world.fingerprint).toBe(renewed.newFingerprint);
    expect((await world.call('ping')).json).toMatchObject({ error: { code: 'access_token_required' } });
    const tokenFile = world.home.secret('client/dora', String(token));
    expect((await world.call('ping', { tokenFile })).exitCode).toBe(0);
    await world.setting('require_e2ee_session_verification', false);
  });

  it('list tokens without their secrets, and revoke them', async () => {
    const { id, token } = await world.accessToken('carla', '--expires', '1h');
    const { tokens } = (await world.admin('token', 'list')) as { tokens: Record<string, unknown>[] };
    expect(tokens.find((each) => each.id === id)).toEqual({
      id,
      user: 'carla',
      status: 'active',
      createdAt: expect.any(String),
      expiresAt: expect.any(String),
    });
    expect(JSON.stringify(tokens)).not.toContain(token.slice(-43));
    expect(await world.admin('token', 'revoke', id)).toMatchObject({ id, user: 'carla' });
    const after = (await world.admin('token', 'list')) as { tokens: Record<string, unknown>[] };
    expect(after.tokens.find((each) => each.id === id)).toMatchObject({ status: 'revoked' });
  });

  it('name a token that is not there', async () => {
    const ran = await world.home.run(
      'service',
      'token',
      'revoke',
      'aaaaaaaaaaaa',
      '--data',
      world.data,
      '--json',
    );
    expect([ran.exitCode, ran.json]).toMatchObject([1, { error: { code: 'access_token_unknown' } }]);
  });

  it('say which services are online', async () => {
    const online = await world.home.result('services', ...world.relayFlags);
    expect(online).toEqual({
      domain: 'PROD',
      services: [{ serviceId: world.serviceId, since: expect.any(String) }],
    });
  });
});
