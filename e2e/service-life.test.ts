// How a service ends and comes back: drained by SIGTERM through npm, killed, beside a relay that is killed.
// Nothing may be left behind, and nothing that was answered may be missing from the log.
import { cpSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { login } from '../shared/client/index.ts';
import type { Service } from '../shared/client/index.ts';
import { Home } from './support/home.ts';
import type { Program } from './support/program.ts';
import { loggedTable } from './support/request-log.ts';
import { RunningEcho } from './support/running-echo.ts';
import { until } from './support/waiting.ts';
import { World, serviceArgs } from './support/world.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

function newHome(): Home {
  const home = new Home();
  open.push(home);
  return home;
}

async function newWorld(): Promise<World> {
  const world = await World.start();
  open.push(world);
  return world;
}

/** `npm start`, which needs nobody at the console where it is given the password. */
function npmStart(home: Home): Program {
  const password = home.secret('password', 'a password of its own\n');
  const env = { DISPLAY: '', WAYLAND_DISPLAY: '' };
  return home.execute('npm', ['start', '--', '--json', '--password-file', password], { env });
}

/** A client of the service that `npm start` started, through its built-in relay. */
async function openStarted(home: Home, program: Program): Promise<Service> {
  const ready = (await program.event('ready', 60_000)) as Record<string, string>;
  const { relay = '', serviceId = '', fingerprint = '', call = '' } = ready;
  const [, file = ''] = /--relay-token-file (\S+)/.exec(call) ?? [];
  const client = home.keep(await login({ relay, relayToken: readFileSync(file, 'utf8') }));
  return client.serviceCloud(serviceId, { e2eeFingerprint: fingerprint });
}

describe('npm start', () => {
  it('on SIGTERM to npm lets a running stream finish, exits 0, and leaves no process', async () => {
    const home = newHome();
    const npm = npmStart(home);
    const echo = await RunningEcho.start(await openStarted(home, npm));
    npm.signal('SIGTERM');
    await echo.say('said while it drains');
    echo.finish(' and the end');
    expect(await echo.end(5_000)).toBeNull();
    expect(echo.received).toContain('and the end');
    expect(await npm.exit()).toEqual({ code: 0, signal: null });
    await home.nothingLeft();
  });

  it('prints a line to call it with, which works as it stands', async () => {
    const home = newHome();
    const npm = npmStart(home);
    const { call } = await npm.event('ready', 60_000);
    const called = home.execute('/bin/sh', ['-c', `${String(call)} --json`]);
    expect(await called.exit()).toEqual({ code: 0, signal: null });
    expect(called.events).toMatchObject([{ result: { pong: true }, request: { status: 'SUCCESS' } }]);
    // One line says why there is no desktop app.
    expect(npm.stderr.split('\n').filter((line) => line.includes('desktop app'))).toEqual([
      'gatehouse: no desktop app (there is no display); the console is served to a browser instead.',
    ]);
  });
});

describe('npm run gatehouse -- service', () => {
  it('on SIGTERM to npm tells a stream that goes on session_ended, exits 0, and leaves no process', async () => {
    const world = await newWorld();
    await world.service.end();
    const args = ['run', '-s', 'gatehouse', '--', ...serviceArgs(world.home, world.relayUrl), '--json'];
    const npm = world.home.execute('npm', args);
    await npm.event('ready', 60_000);
    const echo = await RunningEcho.start(await world.open());
    npm.signal('SIGTERM');
    expect(await echo.end(15_000)).toBe('session_ended');
    expect(await npm.exit()).toEqual({ code: 0, signal: null });
    await until('only the relay is left', () => world.home.processes().length === 1);
    expect(world.home.processes()).toMatchObject([{ pid: world.relay.pid }]);
  });
});

describe('a service with a local relay', () => {
  it('leaves no relay behind when it is killed', async () => {
    const home = newHome();
    home.secret('password', 'a password of its own\n');
    const args = [
      'service',
      '--local-relay',
      '--data',
      home.path('service'),
      '--password-file',
      home.path('password'),
    ];
    const service = home.spawn(...args, '--json');
    await service.event('ready');
    expect(home.processes()).toHaveLength(2);
    expect(home.processes().filter(({ commandLine }) => / --open\b/.test(commandLine))).toEqual([]);
    await service.end('SIGKILL');
    await home.nothingLeft();
  });
});

describe('a service that is killed', () => {
  it('has every request that it answered in its log, with every field', async () => {
    const world = await newWorld();
    const { token, id } = await world.accessToken('anna');
    const service = await world.open({ accessToken: token });
    let answered = 0;
    const callOn = async (): Promise<void> => {
      for (;;) {
        await service.call('ping');
        answered += 1;
      }
    };
    const callers = Promise.allSettled(Array.from({ length: 32 }, callOn));
    await until('many are answered', () => answered > 500);
    await world.service.end('SIGKILL');
    await callers;
    await world.restartService();
    const rows = world.rows().filter((row) => row.rpc_name === 'ping');
    expect(rows.length).toBeGreaterThanOrEqual(answered);
    expect(rows.length).toBeLessThanOrEqual(answered + 32);
    expect(new Set(rows.map((row) => row.status))).not.toContain('RUNNING');
    expect(rows[200]).toEqual({
      id: expect.any(Number),
      status: 'SUCCESS',
      rpc_name: 'ping',
      client_id: 'anna',
      service_id: world.serviceId,
      domain_name: 'PROD',
      sent_at: expect.any(Number),
      h2_multiplexing_used: 1,
      e2ee_used: 1,
      session_verified: 1,
      verified_by: 'fingerprint',
      tls_version: 'TLSv1.3',
      cipher: expect.stringMatching(/^TLS_/),
      sha256_hash_hexdigest: world.fingerprint,
      session_id: expect.any(String),
      token_id: id,
      remote_user: 'anna',
      duration_ms: expect.any(Number),
      bytes_read: 0,
      bytes_written: expect.any(Number),
      error_code: null,
      rejection_code: null,
      rejection_message: null,
      queue_ms: expect.any(Number),
      handshake_ms: null,
      verification_ms: null,
      handler_ms: expect.any(Number),
      transfer_ms: expect.any(Number),
      pinned: 0,
      captured: 0,
      note: null,
      // Of requests through device sessions alone.
      session_kind: null,
      device_fingerprint: null,
      oidc_issuer: null,
      oidc_subject: null,
      request_counter: null,
      // Blank while the request runs.
      room: null,
    });
    expect(loggedTable(world.log)).toMatchObject({ strict: true, journal: 'wal' });
  });
});

describe('a relay that is killed', () => {
  it('comes back with its pinned key and tokens, and the service by itself', async () => {
    const world = await newWorld();
    await world.relay.end('SIGKILL');
    expect((await world.call('ping')).exitCode).toBe(6);
    await world.restartRelay();
    await world.online();
    const { exitCode, json } = await world.call('ping');
    expect([exitCode, json]).toMatchObject([
      0,
      { request: { clientId: 'anna', e2ee: { domainName: 'PROD' } } },
    ]);
    expect(world.service.running).toBe(true);
  });
});

describe('a service whose relay is out of reach', () => {
  it('says that it is ready all the same, and ends on SIGTERM with 0', async () => {
    const home = newHome();
    home.secret('password', 'a password of its own\n');
    const service = home.spawn(...serviceArgs(home, 'ws://127.0.0.1:1'), '--json');
    expect(await service.event('ready')).toMatchObject({ relay: 'ws://127.0.0.1:1' });
    expect(await service.end()).toEqual({ code: 0, signal: null });
  });
});

describe('a second service', () => {
  it('is refused on a data folder in use, and disturbs nothing', async () => {
    const world = await newWorld();
    const second = await world.home.run(...serviceArgs(world.home, world.relayUrl), '--json');
    expect([second.exitCode, second.json]).toMatchObject([1, { error: { code: 'data_folder_in_use' } }]);
    expect((await world.call('ping')).exitCode).toBe(0);
  });

  it('with the same key takes the place of the first, which is told service_replaced', async () => {
    const world = await newWorld();
    const { home, relayUrl } = world;
    await world.service.end();
    cpSync(world.data, home.path('copy'), { recursive: true });
    const first = home.spawn(...serviceArgs(home, relayUrl));
    await first.says('Connected to the relay');
    const second = home.spawn(...serviceArgs(home, relayUrl, home.path('copy')), '--json');
    await second.event('ready');
    await first.says('service_replaced');
  });
});
