// What a stranger can do to the console's sockets, cookies, passwords and set-up keys: tables of attacks with the
// answer to each. After all of it the administrator still gets in, and nothing was given away.
import { connect as connectTls } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConsoleClient } from './support/console-client.ts';
import { ConsoleWorld } from './support/console-world.ts';
import { until } from './support/waiting.ts';

let world: ConsoleWorld;
let admin: ConsoleClient;
/** Never say the end of their headers, from the beginning on: meanwhile everybody else is served. */
let dawdling: TLSSocket[];
beforeAll(async () => {
  world = await ConsoleWorld.start();
  dawdling = await Promise.all(Array.from({ length: 50 }, dial));
  for (const socket of dawdling) {
    socket.on('error', () => undefined);
    socket.resume().write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ');
  }
  admin = await world.signedIn();
  expect(dawdling.some(({ destroyed, closed }) => destroyed || closed)).toBe(false);
});
afterAll(() => world.close());

function dial(): Promise<TLSSocket> {
  const { hostname, port } = new URL(world.url);
  return new Promise((resolve, reject) => {
    const options = { host: hostname, port: Number(port), rejectUnauthorized: false };
    const socket = connectTls(options, () => resolve(socket));
    socket.once('error', reject);
  });
}

const code = (body: string): unknown => (JSON.parse(body) as { error?: { code: string } }).error?.code;

describe('WebSockets', () => {
  it.each([
    ['a foreign origin', { origin: 'https://evil.example' }],
    ['a foreign origin and its name', { origin: 'https://evil.example', host: 'evil.example' }],
    ['no page', { origin: '' }],
  ])('of %s are refused', async (_name, headers) => {
    await expect(admin.follow(['settings'], headers)).rejects.toThrow('403');
  });

  it('with a stolen page but no cookie hear of nothing but the phase', async () => {
    const topics = await world.client().follow(['console', 'settings', 'tokens', 'sessions', 'audit']);
    await topics.until('console', () => true);
    await admin.call('settings.set', { name: 'service.inspector.retention_days', value: 31 });
    await admin.call('settings.set', { name: 'service.inspector.retention_days', value: 30 });
    expect(topics.messages.map(({ topic }) => topic)).toEqual(['console']);
  });

  it.each([
    '{',
    '7',
    '{"subscribe":"console"}',
    '{"subscribe":["nothing"]}',
    '{"subscribe":[7]}',
    'null',
    'x'.repeat(10_000),
  ])('that say %s are closed', async (text) => {
    const topics = await admin.follow(['console']);
    topics.send(text);
    expect([4400, 1009]).toContain(await topics.closed());
  });

  it('of one browser are limited in number, and others get in', async () => {
    const client = await world.signedIn();
    const opened = await Promise.allSettled(Array.from({ length: 24 }, () => client.follow(['console'])));
    expect(opened.filter(({ status }) => status === 'fulfilled')).toHaveLength(16);
    await (await admin.follow(['console'])).until('console', () => true);
    await client.close();
  });
});

describe('cookies', () => {
  it('of a session that was signed out open nothing, nor do those from before a sign-in', async () => {
    const client = world.client();
    await client.send('/');
    const before = client.cookie;
    await client.call('console.unlock', { password: world.password });
    const after = client.cookie;
    expect(after).not.toBe(before);
    client.cookie = before;
    await expect(client.call('connectivity.measure', {})).rejects.toMatchObject({ code: 'not_signed_in' });
    client.cookie = after;
    await client.call('console.lock', {});
    client.cookie = after;
    await expect(client.call('connectivity.measure', {})).rejects.toMatchObject({ code: 'not_signed_in' });
    expect((await client.send('/exports/00000000-0000-0000-0000-000000000000')).status).toBe(401);
  });
});

describe('passwords', () => {
  it('are not guessed: of 1000 tries a few are looked at, and whoever was in before gets in at once', async () => {
    const stranger = world.client();
    const codes = new Map<unknown, number>();
    for (let round = 0; round < 50; round += 1) {
      const tries = Array.from({ length: 20 }, (_each, index) =>
        stranger.post('console.unlock', { password: `guess ${round} ${index}` }),
      );
      for (const { body } of await Promise.all(tries))
        codes.set(code(body), (codes.get(code(body)) ?? 0) + 1);
    }
    expect([...codes.keys()].sort()).toEqual(['sign_in_delayed', 'superadmin_password_wrong']);
    expect(codes.get('superadmin_password_wrong')).toBeLessThan(20);
    const refused = await stranger.post('console.unlock', { password: world.password });
    expect(JSON.parse(refused.body)).toMatchObject({
      error: { code: 'sign_in_delayed', details: { retryInMs: expect.any(Number) as number } },
    });
    await admin.call('console.lock', {});
    await admin.call('console.unlock', { password: world.password });
    expect(await admin.call('connectivity.measure', {})).toBeDefined();
  });
});

describe('connections that dawdle', () => {
  it('with their headers are cut off, and nobody else has waited for them', async () => {
    await until(
      'all are cut off',
      () => dawdling.every(({ destroyed, closed }) => destroyed || closed),
      20_000,
    );
  });
});

describe('set-up keys', () => {
  const relay = { kind: 'local' } as const;
  let fresh: ConsoleWorld;
  beforeAll(async () => {
    fresh = await ConsoleWorld.start({ state: 'first_run' });
  });
  afterAll(() => fresh.close());

  it.each(['', 'wrong', 'A'.repeat(22), 'A'.repeat(512)])('that are %j set nothing up', async (setupKey) => {
    const client = fresh.client();
    const args = { password: fresh.password, relay };
    const answer = await client.post('console.setup', setupKey === '' ? args : { ...args, setupKey });
    expect({ status: answer.status, code: code(answer.body) }).toEqual({
      status: 403,
      code: 'setup_key_invalid',
    });
    const topics = await client.follow(['console']);
    expect(await topics.until('console', () => true)).toMatchObject({ phase: 'first_run', signedIn: false });
  });

  it('that are wrong leave the right one as good as it was, once; each try is on record', async () => {
    const client = fresh.client();
    const args = { setupKey: client.setupKey, password: fresh.password, relay };
    await client.call('console.setup', args);
    expect(code((await fresh.client().post('console.setup', args)).body)).toBe('already_set_up');
    for (const [refusal, rows] of [['setup_key_invalid', 3] as const, ['already_set_up', 1] as const]) {
      const filter = `action:console.call_refused subject:console.setup code:${refusal}`;
      await until(`${refusal} is on record`, async () => (await client.audited(filter)).length >= rows);
    }
  });
});

it('after all of it the administrator has the same service, and no log line has a password or a cookie', async () => {
  const topics = await admin.follow(['console', 'connectivity']);
  expect(await topics.until('console', () => true)).toMatchObject({ phase: 'serving', signedIn: true });
  expect((await topics.until('connectivity', () => true)).serviceId).toBe(world.ready.serviceId);
  for (const secret of [world.password, admin.cookie.split('=')[1] ?? '', 'guess 0 0']) {
    expect(world.home.output).not.toContain(secret);
  }
});
