// The console in a browser from its first run to its end: what a person does through it, done through its two
// channels against the built program, and what is left in the data folder where it is killed in between.
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { formatFingerprintColons } from '../shared/contracts/fingerprint.ts';
import { ConsoleClient } from './support/console-client.ts';
import { ConsoleWorld } from './support/console-world.ts';
import { filesBelow } from './support/files.ts';
import { builtProgram, Home } from './support/home.ts';
import { until } from './support/waiting.ts';
import { superadminPassword } from './support/world.ts';

/** What a test started, ended after it. */
const worlds: { close(): Promise<void> }[] = [];
const start = async (...given: Parameters<typeof ConsoleWorld.start>): Promise<ConsoleWorld> => {
  const world = await ConsoleWorld.start(...given);
  worlds.push(world);
  return world;
};
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close();
});

/** The line without npm, which would build first; e2e/start.test.ts takes it as it stands. */
const direct = (line: string): string =>
  line.replace('npm run -s gatehouse --', `'${process.execPath}' '${builtProgram}'`);

const local = { kind: 'local' } as const;

describe('the console in a browser', () => {
  it('is set up with the printed key, once, and gives a line that works as it stands', async () => {
    const world = await start({ state: 'first_run' });
    expect(world.ready.state).toBe('first_run');
    const client = world.client();
    const topics = await client.follow(['console', 'connectivity', 'certificate']);
    expect(await topics.until('console', () => true)).toMatchObject({
      phase: 'first_run',
      signedIn: false,
      setupKeyRequired: true,
    });
    const { setupKey } = client;
    const made = await client.call('console.setup', { setupKey, password: world.password, relay: local });
    const certificate = await topics.until('certificate', () => true);
    expect(certificate.fingerprint).toBe(made.fingerprint);
    expect(certificate.words).toHaveLength(24);
    expect(certificate).toMatchObject({ key: 'EC P-256', selfSigned: true, sessionsOnOlder: 0 });
    const connectivity = await topics.until('connectivity', ({ link, measured }) => {
      return link.state === 'online' && measured !== null;
    });
    expect(connectivity.callLine).toBe(made.callLine);
    const called = world.home.execute('/bin/sh', ['-c', `${direct(made.callLine)} --json`]);
    expect(await called.exit()).toEqual({ code: 0, signal: null });
    const again = world.client().call('console.setup', { setupKey, password: 'another one', relay: local });
    await expect(again).rejects.toMatchObject({ code: 'already_set_up' });
  });

  it('is unlocked after a start without a password, and starts the service by that', async () => {
    const world = await start({ state: 'locked' });
    expect(world.ready).toMatchObject({ state: 'locked' });
    expect(world.ready).not.toHaveProperty('serviceId');
    const client = world.client();
    const topics = await client.follow(['console']);
    await expect(client.call('console.unlock', { password: 'not it' })).rejects.toMatchObject({
      code: 'superadmin_password_wrong',
    });
    await client.call('console.unlock', { password: world.password });
    expect(await topics.until('console', ({ signedIn }) => signedIn)).toMatchObject({ phase: 'serving' });
    expect(await world.program.event('serving')).toHaveProperty('fingerprint');
  });
});

describe('the terminal', () => {
  it('shows the fingerprint once a person has unlocked the service, and says that a certificate was made', async () => {
    const home = new Home();
    worlds.push(home);
    home.setUpService();
    const program = home.spawn('service', '--data', home.path('service'), '--console', '127.0.0.1:0');
    const url = await until('it prints its address', () => /Console +(https:\S+)/.exec(program.stdout)?.[1]);
    expect(program.stdout).not.toContain('Fingerprint');
    const client = home.keep(new ConsoleClient(url));
    await client.call('console.unlock', { password: superadminPassword });
    const topics = await client.follow(['certificate']);
    const { fingerprint } = await topics.until('certificate', () => true);
    await until('it prints the fingerprint', () => program.stdout.includes('Call it from another terminal'));
    expect(program.stdout).toContain(formatFingerprintColons(fingerprint));
    expect(program.stdout).toMatch(/\*\*\* .*new E2EE certificate/);
  });
});

describe('the console of a service that runs', () => {
  let world: ConsoleWorld;
  beforeAll(async () => {
    world = await ConsoleWorld.start();
  });
  afterAll(() => world.close());

  it('tells nothing but its phase before the password, and ends its sockets when it is locked', async () => {
    const stranger = await world.client().follow(['console', 'settings', 'certificate', 'tokens']);
    expect(await stranger.until('console', () => true)).toMatchObject({ phase: 'serving', signedIn: false });
    const client = await world.signedIn();
    const topics = await client.follow(['console', 'settings']);
    await topics.until('settings', () => true);
    expect(stranger.messages.map(({ topic }) => topic)).toEqual(['console']);
    await client.call('console.lock', {});
    expect(await topics.closed()).toBe(4401);
    await expect(client.call('connectivity.measure', {})).rejects.toMatchObject({ code: 'not_signed_in' });
    expect(world.program.running).toBe(true);
    await client.call('console.unlock', { password: world.password });
    expect(await client.call('connectivity.measure', {})).toMatchObject({ measured: {} });
  });

  it('goes on under an open tab when it is killed and started again', async () => {
    const client = await world.signedIn();
    const topics = await client.follow(['console']);
    await topics.until('console', ({ signedIn }) => signedIn);
    await world.program.end('SIGKILL');
    await topics.closed();
    await world.home.nothingLeft();
    await world.restart();
    const anew = await client.follow(['console']);
    expect(await anew.until('console', () => true)).toMatchObject({ phase: 'serving', signedIn: false });
    await client.call('console.unlock', { password: world.password });
    await anew.until('console', ({ signedIn }) => signedIn);
  });

  it('exchanges the relay while it runs, and remembers which it is', async () => {
    const client = await world.signedIn();
    const topics = await client.follow(['connectivity']);
    await topics.until('connectivity', ({ link }) => link.state === 'online');
    const relay = { kind: 'url', url: 'ws://127.0.0.1:9', enrolmentToken: 'a-token-of-the-relay' } as const;
    await client.call('connectivity.setRelay', { password: world.password, relay });
    const away = await topics.until('connectivity', ({ link }) => link.state === 'offline');
    expect(away).toMatchObject({ relay: { kind: 'url', url: 'ws://127.0.0.1:9' } });
    expect(away.history[0]).toMatchObject({ state: 'offline', cause: { code: 'relay_unreachable' } });
    expect(JSON.parse(readFileSync(world.home.path('service', 'relay.json'), 'utf8'))).toEqual({
      v: 1,
      kind: 'url',
      url: 'ws://127.0.0.1:9',
    });
    expect(statSync(world.home.path('service', 'relay-enrolment-token')).mode & 0o777).toBe(0o600);
    await world.program.end();
    await world.restart();
    expect(world.ready.relay).toBe('ws://127.0.0.1:9');
    const again = await world.signedIn();
    await again.call('connectivity.setRelay', { password: world.password, relay: local });
    const back = await again.follow(['connectivity']);
    await back.until('connectivity', ({ link }) => link.state === 'online');
    expect(filesBelow(world.data).map(({ name }) => name)).not.toContain('relay-enrolment-token');
  });

  it('changes the password while the service runs, and signs everybody out', async () => {
    const [one, two] = [await world.signedIn(), await world.signedIn()];
    const topics = await two.follow(['console']);
    await one.call('console.changePassword', { password: world.password, next: 'a new password' });
    expect(await topics.closed()).toBe(4401);
    for (const client of [one, two]) {
      await expect(client.call('connectivity.retryNow', {})).rejects.toMatchObject({ code: 'not_signed_in' });
      await expect(client.call('console.unlock', { password: world.password })).rejects.toMatchObject({
        code: 'superadmin_password_wrong',
      });
    }
    await one.call('console.unlock', { password: 'a new password' });
    expect(await one.call('connectivity.measure', {})).toMatchObject({ measured: {} });
    await one.call('console.changePassword', { password: 'a new password', next: world.password });
  });

  it('ends with all that it started on SIGTERM, whatever is open', async () => {
    const client = await world.signedIn();
    const topics = await client.follow(['console', 'connectivity', 'sessions', 'requests', 'audit']);
    await topics.until('connectivity', () => true);
    expect(await world.program.end()).toEqual({ code: 0, signal: null });
    await world.home.nothingLeft();
    expect(topics.closeCode).not.toBeNull();
    const open = filesBelow(world.data).filter(({ mode, isFolder }) => mode !== (isFolder ? 0o700 : 0o600));
    expect(open.map(({ name }) => name)).toEqual([]);
  });
});

describe('a first run that is killed in the middle', () => {
  it.each([0, 100, 250, 500, 900])(
    'after %i ms is a first run again or locked, and either goes on',
    async (afterMs) => {
      const world = await start({ state: 'first_run' });
      const client = world.client();
      const { setupKey } = client;
      const relay = { kind: 'url', url: 'ws://127.0.0.1:9', enrolmentToken: 'x' } as const;
      client.call('console.setup', { setupKey, password: world.password, relay }).catch(() => undefined);
      await delay(afterMs);
      await world.program.end('SIGKILL');
      await world.home.nothingLeft();
      await world.restart('locked');
      const { state = '' } = world.ready;
      expect(['first_run', 'locked']).toContain(state);
      const next = world.client();
      if (state === 'locked') await next.call('console.unlock', { password: world.password });
      else await next.call('console.setup', { setupKey: next.setupKey, password: world.password, relay });
      const topics = await next.follow(['console', 'connectivity']);
      await topics.until('console', ({ phase }) => phase === 'serving');
      expect((await topics.until('connectivity', () => true)).relay.url).toBe('ws://127.0.0.1:9');
    },
  );
});

describe('the console where it cannot be', () => {
  it('refuses a second program on its data folder', async () => {
    const world = await start();
    const again = await world.home.run('service', '--data', world.data, '--console', '127.0.0.1:0', '--json');
    expect(again.json).toMatchObject({ error: { code: 'data_folder_in_use' } });
  });

  it.each(['0.0.0.0:0', '[::]:0', '192.0.2.1:0'])(
    'listens at %s only where that is asked for by name',
    async (at) => {
      const home = new Home();
      worlds.push(home);
      const refused = await home.run('service', '--console', at, '--json');
      expect(refused).toMatchObject({ exitCode: 2, json: { error: { code: 'usage' } } });
    },
  );

  it('takes the next free port where none was named, and says when a named one is taken', async () => {
    const home = new Home();
    worlds.push(home);
    const first = home.spawn('service', '--data', home.path('a'), '--console', '--json');
    const second = home.spawn('service', '--data', home.path('b'), '--console', '--json');
    const urls = [await first.event('ready'), await second.event('ready')].map((ready) => {
      return new URL(String(ready.consoleUrl));
    });
    expect(urls[0]?.port).not.toBe(urls[1]?.port);
    expect(urls.map(({ protocol, hostname }) => `${protocol}//${hostname}`)).toEqual(
      Array(2).fill('https://127.0.0.1'),
    );
    const defaultPort = 8081;
    for (const { port } of urls) expect(Number(port) - defaultPort).toBeGreaterThanOrEqual(0);
    for (const { port } of urls) expect(Number(port) - defaultPort).toBeLessThan(100);
    const taken = await home.run(
      'service',
      '--data',
      home.path('c'),
      '--console',
      urls[0]?.host ?? '',
      '--json',
    );
    expect(taken).toMatchObject({ exitCode: 2, json: { error: { code: 'usage' } } });
  });

  it('says in its topic why the service does not start, and starts it once that is mended', async () => {
    const world = await start({ state: 'locked' });
    const settings = world.home.secret('service/settings.json', '{"service.e2ee.require_e2ee": "perhaps"}');
    const client = world.client();
    await expect(client.call('console.unlock', { password: world.password })).rejects.toMatchObject({
      code: 'settings_corrupt',
    });
    const topics = await client.follow(['console']);
    const failed = await topics.until('console', ({ phase }) => phase === 'failed');
    expect(failed.problem).toMatchObject({ code: 'settings_corrupt' });
    world.home.secret('service/settings.json', '{}');
    expect(settings).toContain('settings.json');
    await client.call('console.unlock', { password: world.password });
    await topics.until('console', ({ phase, signedIn }) => phase === 'serving' && signedIn);
  });
});

describe('a trial', () => {
  it('serves its console with a password that lies in its folder', async () => {
    const home = new Home();
    worlds.push(home);
    const program = home.spawn('trial', '--console', '127.0.0.1:0', '--json');
    const ready = await program.event('ready');
    expect(ready).toMatchObject({ state: 'serving' });
    const client = home.keep(new ConsoleClient(String(ready.consoleUrl)));
    const password = readFileSync(`${String(ready.data)}/superadmin-password`, 'utf8').trim();
    await client.call('console.unlock', { password });
    const topics = await client.follow(['console']);
    expect(await topics.until('console', ({ signedIn }) => signedIn)).toMatchObject({ trial: true });
    const called = home.execute('/bin/sh', ['-c', `${direct(String(ready.call))} --json`]);
    expect(await called.exit()).toEqual({ code: 0, signal: null });
    await until('it is still there', () => program.running);
  });
});
