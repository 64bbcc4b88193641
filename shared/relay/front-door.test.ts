// The relay's HTTP side with hand-written requests: what is answered, who is refused, and what is bounded.
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectClient, connectService, startTestRelay } from '../testing/relay-peers.ts';
import type { TestRelay } from '../testing/relay-peers.ts';

let test: TestRelay;
let token: string;

beforeEach(async () => {
  test = await startTestRelay();
  token = (await test.state.clientTokens.mint('anna', null)).token;
});

afterEach(async () => {
  await test.stop();
});

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Sends the text as it is and reads until the relay closes. */
function exchange(text: string, relay = test): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(relay.url.port), '127.0.0.1', () => socket.write(text));
    let all = '';
    socket.setTimeout(5000, () => socket.destroy(new Error('The relay left the connection open.')));
    socket.on('data', (chunk) => (all += chunk.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => {
      const [head = '', body = ''] = all.split('\r\n\r\n');
      resolve({ status: Number(head.split(' ')[1] ?? 0), head: head.toLowerCase(), body });
    });
  });
}

function get(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Answer> {
  const lines = Object.entries({ host: test.url.host, ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return exchange(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
}

const upgrade = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

function errorCode({ body }: Answer): unknown {
  return (JSON.parse(body) as { error: { code: unknown } }).error.code;
}

describe('plain answers', () => {
  it('says that it is there, as JSON, and closes', async () => {
    const answer = await get('/healthz');
    expect([answer.status, answer.body]).toEqual([200, '{"status":"ok"}']);
    expect(answer.head).toContain('connection: close');
    expect(answer.head).toContain('content-type: application/json');
  });

  it('lists the services online that the token may reach, and asks for the token', async () => {
    const enrolled = [await test.state.enrolmentTokens.mint(), await test.state.enrolmentTokens.mint()];
    const [one, two] = await Promise.all(
      enrolled.map((each) => connectService(test.url, { token: each.token })),
    );
    const narrow = await test.state.clientTokens.mint('bob', [two!.name]);
    const all = JSON.parse((await get('/v1/services', { authorization: `Bearer ${token}` })).body) as {
      domain: string;
      services: { serviceId: string; since: string }[];
    };
    expect(all.domain).toBe('TEST');
    expect(all.services.map((each) => each.serviceId).sort()).toEqual([one!.name, two!.name].sort());
    expect(Date.parse(all.services[0]!.since)).toBeLessThanOrEqual(Date.now());
    const some = await get('/v1/services', { authorization: `Bearer ${narrow.token}` });
    expect(some.body).toContain(two!.name);
    expect(some.body).not.toContain(one!.name);
    const none = await get('/v1/services');
    expect([none.status, errorCode(none)]).toEqual([401, 'not_authorised']);
  });

  it.each([
    ['GET', '/'],
    ['GET', '/v1/services/'],
    ['GET', '/v1/services?x=1'],
    ['GET', '/v1/client'],
    ['GET', 'http://evil.example/healthz'],
    ['POST', '/healthz'],
    ['OPTIONS', '/v1/services'],
    ['DELETE', '/v1/services'],
  ])('has nothing at %s %s', async (method, path) => {
    expect((await get(path, {}, method)).status).toBe(404);
  });

  it('has nothing to upgrade elsewhere', async () => {
    expect((await get('/v2/client', upgrade)).status).toBe(404);
    expect((await get('/healthz', upgrade)).status).toBe(404);
  });
});

describe('who may speak to it', () => {
  const paths = ['/healthz', '/v1/services', '/v1/client', '/v1/service'];

  it.each(paths)('refuses a rebound name at %s', async (path) => {
    const headers = path.endsWith('e') || path.endsWith('client') ? upgrade : {};
    const answer = await get(path, { ...headers, host: 'evil.example', authorization: `Bearer ${token}` });
    expect([answer.status, errorCode(answer)]).toEqual([421, 'relay_url_mismatch']);
  });

  it.each(
    paths.flatMap((path) =>
      [
        { origin: 'https://evil.example' },
        { origin: 'null' },
        { origin: 'http://127.0.0.1:1' },
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
      ].map((headers) => [path, headers] as const),
    ),
  )('refuses a web page at %s with %o', async (path, headers) => {
    const more = path === '/v1/client' || path === '/v1/service' ? upgrade : {};
    const answer = await get(path, { ...more, ...headers, authorization: `Bearer ${token}` });
    expect([answer.status, errorCode(answer)]).toEqual([403, 'not_authorised']);
  });

  it('refuses two Host headers, and none', async () => {
    const two = `GET /healthz HTTP/1.1\r\nhost: ${test.url.host}\r\nhost: evil.example\r\n\r\n`;
    expect((await exchange(two)).status).toBeGreaterThanOrEqual(400);
    expect((await exchange('GET /healthz HTTP/1.1\r\n\r\n')).status).toBe(400);
    expect((await exchange('GET /healthz HTTP/1.0\r\n\r\n')).status).toBe(421);
  });

  it('lets its own origin in', async () => {
    const headers = { ...upgrade, origin: test.url.origin.replace('ws', 'http') };
    expect((await get('/v1/client', headers)).status).toBe(401);
  });

  it('answers to its public URL alone where it has one', async () => {
    const port = Number(test.url.port);
    await test.stop();
    test = await startTestRelay({ publicUrl: 'wss://relay.example', listen: { host: '127.0.0.1', port } });
    expect(test.relay.url).toBe('wss://relay.example');
    const statusAt = async (host: string): Promise<number> => {
      const text = `GET /healthz HTTP/1.1\r\nhost: ${host}\r\n\r\n`;
      return (await exchange(text, { ...test, url: new URL(`ws://127.0.0.1:${port}`) })).status;
    };
    expect(await statusAt('relay.example')).toBe(200);
    expect(await statusAt(`127.0.0.1:${port}`)).toBe(421);
  });

  it.each([
    ['Basic', 'Basic YWJj'],
    ['two tokens', 'Bearer a b'],
    ['no token', 'Bearer '],
    ['control characters', 'Bearer a\tb'],
    ['a huge token', `Bearer ${'a'.repeat(4000)}`],
  ])('refuses an Authorization header with %s', async (_name, authorization) => {
    const answer = await get('/v1/client', { ...upgrade, authorization });
    expect([answer.status, errorCode(answer)]).toEqual([401, 'not_authorised']);
  });
});

describe('broken and endless requests', () => {
  it.each([
    ['garbage', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n', 400],
    ['a huge header', `GET / HTTP/1.1\r\nx: ${'a'.repeat(17_000)}\r\n\r\n`, 431],
    ['many headers', `GET / HTTP/1.1\r\n${'x: 1\r\n'.repeat(3000)}\r\n`, 431],
    ['a CONNECT', 'CONNECT evil.example:443 HTTP/1.1\r\nhost: localhost\r\n\r\n', 0],
  ])('ends the connection after %s', async (_name, text, status) => {
    expect((await exchange(text)).status).toBe(status);
  });

  it.each([
    ['no key', { 'sec-websocket-key': '' }],
    ['another version', { 'sec-websocket-version': '12' }],
    ['another protocol', { upgrade: 'h2c' }],
  ])('refuses an upgrade with %s, as JSON', async (_name, headers) => {
    const answer = await get('/v1/client', { ...upgrade, ...headers, authorization: `Bearer ${token}` });
    expect([answer.status, errorCode(answer)]).toEqual([400, 'relay_protocol']);
    expect((await connectClient(test.url, token)).name).toBe('anna');
  });

  it('gives a place back when an upgrade fails after its token was accepted', async () => {
    const small = await startTestRelay({ limits: { maxConnectionsPerUser: 1 } });
    const mine = await small.state.clientTokens.mint('anna', null);
    const lines = Object.entries({ ...upgrade, 'sec-websocket-version': '12', host: small.url.host });
    const head = [...lines, ['authorization', `Bearer ${mine.token}`]].map(
      ([name, value]) => `${name}: ${value}`,
    );
    const text = `GET /v1/client HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`;
    expect((await exchange(text, small)).status).toBe(400);
    expect((await connectClient(small.url, mine.token)).name).toBe('anna');
    await small.stop();
  });

  it('ends a connection whose header does not arrive in time', async () => {
    const hasty = await startTestRelay({ limits: { openingTimeoutMs: 200 } });
    expect((await exchange('GET /healthz HTTP/1.1\r\nhost: loc', hasty)).status).toBe(408);
    expect((await exchange('', hasty)).status).toBeLessThanOrEqual(408);
    await hasty.stop();
  });

  it('closes connections beyond its number, and serves again when some have ended', async () => {
    const small = await startTestRelay({ open: true, limits: { maxConnections: 4 } });
    const flood = await Promise.all(
      Array.from({ length: 12 }, () => {
        const socket = connect(Number(small.url.port), '127.0.0.1');
        socket.on('error', () => undefined);
        return new Promise<typeof socket>((resolve) => socket.once('connect', () => resolve(socket)));
      }),
    );
    await expect.poll(() => flood.filter((socket) => socket.destroyed).length).toBe(8);
    for (const socket of flood) socket.destroy();
    await expect
      .poll(() =>
        connectClient(small.url).then(
          () => 'in',
          () => 'out',
        ),
      )
      .toBe('in');
    await small.stop();
  });
});
