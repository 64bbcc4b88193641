// What a stranger, another web page, and a broken browser can do to the console over HTTPS: tables of attacks with
// the answer to each. After all of it the administrator still gets in, and nothing was given away.
import { connect as connectTls } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleClient } from './support/console-client.ts';
import { ConsoleWorld } from './support/console-world.ts';
import { until } from './support/waiting.ts';

let world: ConsoleWorld;
let admin: ConsoleClient;
beforeAll(async () => {
  world = await ConsoleWorld.start();
  admin = await world.signedIn();
});
afterAll(() => world.close());

const code = (body: string): unknown => (JSON.parse(body) as { error?: { code: string } }).error?.code;

describe('calls that do not come from the page', () => {
  const good = (): Record<string, string> => ({
    origin: admin.origin,
    'content-type': 'application/json',
    cookie: admin.cookie,
  });
  const attacks: readonly [
    name: string,
    change: () => Record<string, string | undefined>,
    status: number,
    code: string,
  ][] = [
    ['of a foreign origin', () => ({ origin: 'https://evil.example' }), 403, 'origin_refused'],
    [
      'of this origin without TLS',
      () => ({ origin: admin.origin.replace('https', 'http') }),
      403,
      'origin_refused',
    ],
    ['of the origin null', () => ({ origin: 'null' }), 403, 'origin_refused'],
    ['without an origin', () => ({ origin: undefined }), 403, 'origin_refused'],
    ['of another port', () => ({ origin: 'https://127.0.0.1:1' }), 403, 'origin_refused'],
    ['sent across sites', () => ({ 'sec-fetch-site': 'cross-site' }), 403, 'origin_refused'],
    ['to a name pointed here', () => ({ host: 'evil.example' }), 403, 'origin_refused'],
    [
      'to that name with the same origin',
      () => ({ host: 'evil.example', origin: 'https://evil.example' }),
      403,
      'origin_refused',
    ],
    ['to another port of this name', () => ({ host: '127.0.0.1:1' }), 403, 'origin_refused'],
    ['without a cookie', () => ({ cookie: undefined }), 401, 'not_signed_in'],
    [
      'with a cookie of nobody',
      () => ({ cookie: admin.cookie.replace(/=.*/, '=AAAA') }),
      401,
      'not_signed_in',
    ],
    ['as a form would send it', () => ({ 'content-type': 'text/plain' }), 400, 'console_call_malformed'],
    [
      'as a form of a form',
      () => ({ 'content-type': 'application/x-www-form-urlencoded' }),
      400,
      'console_call_malformed',
    ],
    ['without a type', () => ({ 'content-type': undefined }), 400, 'console_call_malformed'],
  ];
  it.each(attacks)('%s are refused', async (_name, change, status, expected) => {
    const stranger = world.client();
    const headers = Object.fromEntries(
      Object.entries({ ...good(), ...change() }).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      ),
    );
    const answer = await stranger.send('/api/connectivity.measure', { method: 'POST', headers, body: '{}' });
    expect({ status: answer.status, code: code(answer.body) }).toEqual({ status, code: expected });
  });

  it('and the same call of the page itself is answered', async () => {
    const answer = await admin.send('/api/connectivity.measure', {
      method: 'POST',
      headers: good(),
      body: '{}',
    });
    expect(answer.status).toBe(200);
  });
});

describe('calls of a signed-in page that make no sense', () => {
  const password = 'Tr0ub4dor';
  it.each([
    ['an unknown call', 'nothing.there', {}, 'console_call_unknown'],
    ['a call of Object', 'constructor', {}, 'console_call_unknown'],
    ['a call of its prototype', '__proto__', {}, 'console_call_unknown'],
    ['a call with a path in it', '../events', {}, 'console_call_unknown'],
    ['a number for arguments', 'connectivity.measure', 7, 'console_call_malformed'],
    ['nothing for arguments', 'connectivity.measure', null, 'console_call_malformed'],
    ['a list for arguments', 'connectivity.measure', [], 'console_call_malformed'],
    ['an argument too many', 'connectivity.measure', { more: 1 }, 'console_call_malformed'],
    ['a password that is a number', 'certificate.renew', { password: 7 }, 'console_call_malformed'],
    [
      'a password that is huge',
      'certificate.renew',
      { password: password.repeat(1000) },
      'console_call_malformed',
    ],
    ['a setting that is none', 'settings.set', { name: 'x', value: true }, 'console_call_malformed'],
    [
      'a setting of the wrong kind',
      'settings.set',
      { name: 'service.e2ee.require_e2ee', value: 3 },
      'settings_invalid',
    ],
    ['an expiry in the past', 'tokens.create', { user: 'a', expiresAt: 1 }, 'usage'],
    ['a user of control characters', 'tokens.create', { user: 'a\n', expiresAt: null }, 'usage'],
    ['a token that is a path', 'tokens.revoke', { id: '../../secrets' }, 'access_token_unknown'],
    ['a session of nobody', 'sessions.end', { id: 'nobody' }, 'session_unknown'],
    ['an export of nobody', 'requests.cancelExport', { id: 'nobody' }, 'export_unknown'],
    [
      'a page of too many rows',
      'audit.page',
      { filter: '', cursor: null, limit: 501 },
      'console_call_malformed',
    ],
    [
      'an import of no certificate',
      'certificate.import',
      { password: '', file: 'AAAA' },
      'console_call_malformed',
    ],
  ])('%s is refused by its code, without what was sent', async (_name, name, args, expected) => {
    const answer = await admin.post(name, args);
    expect(code(answer.body)).toBe(expected);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.body).not.toContain(password);
  });

  it.each(['', '{', 'nonsense', '{"a":1}}', '\u0000', '[1,'])(
    '%j instead of JSON is refused',
    async (body) => {
      const headers = { origin: admin.origin, 'content-type': 'application/json' };
      const answer = await admin.send('/api/connectivity.measure', { method: 'POST', headers, body });
      expect(code(answer.body)).toBe('console_call_malformed');
    },
  );

  it.each([
    ['a stranger', false, 300_000],
    ['a signed-in page', true, 3_000_000],
  ])('a body of %s that is too large is refused before it is read', async (_who, signedIn, length) => {
    const client = signedIn ? admin : world.client();
    const answer = await client.post('console.unlock', { password: 'x'.repeat(length) }).catch(() => null);
    if (answer !== null)
      expect({ status: answer.status, code: code(answer.body) }).toEqual({
        status: 413,
        code: 'rpc_too_large',
      });
    expect(await admin.call('connectivity.measure', {})).toBeDefined();
  });

  it.each(['GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD'])('%s on a call changes nothing', async (method) => {
    const answer = await admin.send('/api/console.lock', { method, headers: { origin: admin.origin } });
    expect(answer.status).toBe(405);
    expect(await admin.call('connectivity.measure', {})).toBeDefined();
  });
});

describe('paths', () => {
  it.each([
    '/../secrets.json',
    '/..%2fsecrets.json',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/assets/../../gatehouse.mjs',
    '/assets/..%5c..%5cgatehouse.mjs',
    '/..\\gatehouse.mjs',
    '//etc/passwd',
    '/assets/%00',
    '/.built',
    '/index.html%00.js',
    '/exports/../api/console.lock',
    '/%c0%ae%c0%ae/gatehouse.mjs',
  ])('%s is nothing', async (path) => {
    const answer = await world.client().send(path);
    expect([401, 404]).toContain(answer.status);
    expect(answer.body).not.toContain('root:');
  });

  it('the page comes with a policy that lets nothing else in, and is not kept', async () => {
    const { status, headers, body } = await world.client().send('/');
    expect(status).toBe(200);
    expect(headers['content-security-policy']).toContain(
      "default-src 'none'; script-src 'self'; style-src 'self'",
    );
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    expect(headers).not.toHaveProperty('strict-transport-security');
    expect(headers['set-cookie']?.[0]).toMatch(
      /^__Host-gatehouse-\d+=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
    );
    const [script] = /\/assets\/[^"]+\.js/.exec(body) ?? ['/none'];
    const asset = await world.client().send(script);
    expect(asset.headers).toMatchObject({
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'text/javascript; charset=utf-8',
    });
  });
});

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
  const dial = (): Promise<TLSSocket> => {
    const { hostname, port } = new URL(world.url);
    return new Promise((resolve, reject) => {
      const socket = connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false }, () =>
        resolve(socket),
      );
      socket.once('error', reject);
    });
  };

  it('with their headers are cut off, and nobody else waits for them', async () => {
    const sockets = await Promise.all(Array.from({ length: 50 }, dial));
    for (const socket of sockets) {
      socket.on('error', () => undefined);
      socket.resume().write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ');
    }
    expect((await world.client().send('/')).status).toBe(200);
    await until(
      'all are cut off',
      () => sockets.every(({ destroyed, closed }) => destroyed || closed),
      20_000,
    );
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

describe('set-up keys', () => {
  it.each(['', 'wrong', 'A'.repeat(22), 'A'.repeat(512)])('that are %j set nothing up', async (setupKey) => {
    const fresh = await ConsoleWorld.start({ state: 'first_run' });
    try {
      const client = fresh.client();
      const args = { password: fresh.password, relay: { kind: 'local' } };
      const answer = await client.post('console.setup', setupKey === '' ? args : { ...args, setupKey });
      expect({ status: answer.status, code: code(answer.body) }).toEqual({
        status: 403,
        code: 'setup_key_invalid',
      });
      const topics = await client.follow(['console']);
      expect(await topics.until('console', () => true)).toMatchObject({
        phase: 'first_run',
        signedIn: false,
      });
      await client.call('console.setup', {
        setupKey: client.setupKey,
        password: fresh.password,
        relay: { kind: 'local' },
      });
    } finally {
      await fresh.close();
    }
  });
});
