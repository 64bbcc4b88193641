// The console on a network that is not kind: a tab that stops reading, a download that breaks off, and a console that
// was opened to other machines. The service goes on for everybody else, and keeps nothing of what was not taken.
import { once } from 'node:events';
import { request } from 'node:https';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Service } from '../shared/client/index.ts';
import type { TopicMessage } from '../shared/contracts/console/transport.ts';
import type { ConsoleClient } from './support/console-client.ts';
import { codeOf, localClient } from './support/console-page.ts';
import { ConsoleWorld } from './support/console-world.ts';
import { filesBelow } from './support/files.ts';
import { auditedActions } from './support/request-log.ts';
import { until } from './support/waiting.ts';

let world: ConsoleWorld;
let admin: ConsoleClient;
let service: Service;
beforeAll(async () => {
  world = await ConsoleWorld.start();
  admin = await world.signedIn();
  const { client, serviceId, fingerprint } = await localClient(world);
  service = await client.serviceCloud(serviceId, { e2eeFingerprint: fingerprint });
});
afterAll(() => world.close());

const code = (body: string): unknown => (JSON.parse(body) as { error?: { code: string } }).error?.code;

describe('tabs that stop reading', () => {
  const changes = 6;
  const tabs = 8;

  /** Follows the largest topic and reads nothing from now on; resolves once it is open. */
  async function stalled(): Promise<{ socket: WebSocket; received: string[] }> {
    const socket = new WebSocket(`${admin.origin.replace('https', 'wss')}/events`, {
      rejectUnauthorized: false,
      headers: { origin: admin.origin, cookie: admin.cookie },
    });
    const received: string[] = [];
    socket.on('message', (data) => received.push((data as Buffer).toString('utf8')));
    await once(socket, 'open');
    socket.send(JSON.stringify({ subscribe: ['tokens'] }));
    await until('it is told the present state', () => received.length > 0);
    socket.pause();
    return { socket, received };
  }

  const tokensIn = (text = ''): number =>
    (JSON.parse(text) as Extract<TopicMessage, { topic: 'tokens' }>).value.tokens.length;

  // How little waits for them is told by electron/headless/event-sockets.test.ts: here the kernel takes megabytes first.
  it('slow nobody down, and get the newest value once they read', async () => {
    const slow = await Promise.all(Array.from({ length: tabs }, stalled));
    const fast = await admin.follow(['tokens']);
    for (let i = 0; i < changes; i += 1) {
      const { id } = await admin.call('tokens.create', { user: `user ${i}`, expiresAt: null });
      await fast.until('tokens', ({ tokens: all }) => all.some((token) => token.id === id));
      expect(await codeOf(service.call('ping'))).toBe('resolved');
    }
    expect(slow.every(({ received }) => tokensIn(received.at(-1)) === 0)).toBe(true);
    for (const { socket } of slow) socket.resume();
    await until('they have the newest value', () =>
      slow.every(({ received }) => tokensIn(received.at(-1)) === changes),
    );
    for (const { socket } of slow) socket.terminate();
  });
});

describe('an export that breaks off half-way', () => {
  const rows = 4_000;

  it('ends at the service, leaves no file, and the next one is whole', async () => {
    for (let i = 0; i < rows / 100; i += 1) {
      await Promise.all(Array.from({ length: 100 }, () => service.call('ping')));
    }
    const files = (): string[] =>
      filesBelow(world.home.folder)
        .map(({ name }) => name)
        .sort();
    const before = files();
    const query = { filter: 'rpc:ping', sort: { key: 'time', descending: true }, format: 'har' } as const;
    const { url, id } = await admin.call('requests.export', query);
    const topics = await admin.follow(['exports']);
    const { hostname: host, port } = new URL(admin.origin);
    const sent = request({
      host,
      port,
      path: url,
      headers: { cookie: admin.cookie },
      rejectUnauthorized: false,
    });
    sent.on('error', () => undefined).end();
    const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream & { destroy(): void }];
    response.on('error', () => undefined);
    await once(response, 'data');
    response.pause();
    await topics.until('exports', (all) => all.some((each) => each.id === id && each.state === 'running'));
    response.destroy();
    const ended = await topics.until('exports', (all) =>
      all.some((each) => each.id === id && each.state === 'cancelled'),
    );
    expect(ended.find((each) => each.id === id)?.rows).toBeLessThan(rows);
    expect((await admin.send(url)).body).toContain('export_unknown');
    expect(files()).toEqual(before);
    expect(await codeOf(service.call('ping'))).toBe('resolved');
    const again = await admin.call('requests.export', query);
    const whole = await admin.send(again.url);
    const { log } = JSON.parse(whole.body) as { log: { entries: unknown[] } };
    expect(log.entries.length).toBeGreaterThan(rows);
    expect(files()).toEqual(before);
    expect(
      auditedActions(join(world.data, 'requests', 'requests.db')).filter(
        (action) => action === 'export.made',
      ),
    ).toHaveLength(2);
  });
});

describe('--console-allow-remote', () => {
  let open: ConsoleWorld;
  beforeAll(async () => {
    open = await ConsoleWorld.start({ listen: '0.0.0.0:0', more: ['--console-allow-remote'] });
  });
  afterAll(() => open.close());

  const at = (host: string, headers: Readonly<Record<string, string>> = {}) => {
    const { port } = new URL(open.url);
    return { host: `${host}:${port}`, ...headers };
  };

  it.each(['192.0.2.7', '[2001:db8::7]', hostname().toLowerCase(), 'localhost'])(
    'opens the page to whoever reaches it as %s, and tells the browser to stay with HTTPS',
    async (host) => {
      const { status, headers } = await open.client().send('/', { headers: at(host) });
      expect(status).toBe(200);
      expect(headers['strict-transport-security']).toMatch(/^max-age=\d+$/);
      expect(headers['content-security-policy']).toContain("default-src 'none'");
    },
  );

  it.each(['evil.example', `${hostname()}.evil.example`, 'gatehouse'])(
    'refuses the name %s, which anybody’s DNS may have pointed here',
    async (host) => {
      const answer = await open.client().send('/', { headers: at(host) });
      expect([answer.status, code(answer.body)]).toEqual([403, 'origin_refused']);
    },
  );

  it.each([
    ['of a page from another address', 'https://192.0.2.8'],
    ['of a page over HTTP', 'http://192.0.2.7'],
    ['of no page', undefined],
  ])('refuses calls %s', async (_what, origin) => {
    const { port } = new URL(open.url);
    const headers = at('192.0.2.7', {
      'content-type': 'application/json',
      ...(origin === undefined ? {} : { origin: `${origin}:${port}` }),
    });
    const answer = await open.client().send('/api/console.unlock', { method: 'POST', headers, body: '{}' });
    expect([answer.status, code(answer.body)]).toEqual([403, 'origin_refused']);
  });

  it('lets a person in with the password alone, from an address of their own', async () => {
    const client = open.client();
    const { port } = new URL(open.url);
    const from = at('192.0.2.7', { origin: `https://192.0.2.7:${port}` });
    const call = (name: string, args: object) => client.post(name, args, from);
    expect(code((await call('connectivity.measure', {})).body)).toBe('not_signed_in');
    expect(code((await call('console.unlock', { password: 'not it' })).body)).toBe(
      'superadmin_password_wrong',
    );
    expect((await call('console.unlock', { password: open.password })).status).toBe(200);
    expect((await call('connectivity.measure', {})).status).toBe(200);
  });

  it('has a certificate for this machine’s name, and the local relay stays on loopback', async () => {
    const { port } = new URL(open.url);
    const socket = connectTls({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    expect(socket.getPeerCertificate().subjectaltname).toContain(hostname().toLowerCase());
    socket.destroy();
    const topics = await (await open.signedIn()).follow(['connectivity']);
    expect((await topics.until('connectivity', () => true)).relay.url).toMatch(/^ws:\/\/127\.0\.0\.1:/);
  });
});
