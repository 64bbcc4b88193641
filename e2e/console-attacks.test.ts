// What another web page and a broken browser can do to the console over HTTPS: tables of attacks with the answer to
// each.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConsoleClient } from './support/console-client.ts';
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

describe('the audit log', () => {
  it.each([
    ['origin_refused', '/api/connectivity.measure', /browser /],
    ['not_signed_in', 'connectivity.measure', /browser /],
    ['console_call_unknown', 'nothing.there', /^administrator /],
    ['console_call_malformed', 'certificate.renew', /^administrator /],
  ])('has what was refused as %s, with who and what', async (refusal, subject, actor) => {
    const filter = `action:console.call_refused code:${refusal} subject:"${subject}"`;
    const rows = await until(`${refusal} is on record`, async () => {
      const found = await admin.audited(filter);
      return found.length > 0 && found;
    });
    expect(rows[0]?.actor).toMatch(actor);
    expect(rows[0]?.message).not.toBe('');
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
    expect(headers['content-security-policy']).toContain(
      "require-trusted-types-for 'script'; trusted-types svelte-trusted-html",
    );
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
