// The HTTPS API of devices with hand-written requests, against a relay and a service that does as the test says: what
// is passed on and what is refused, each refusal a problem of its own, and nothing of it reaching the service.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deviceBodyLimit } from '../../contracts/device-api.ts';
import { IssuerKey } from '../../testing/oidc-issuer.ts';
import { ApiWorld, fingerprint, good, paths, problem, session } from '../../testing/api-world.ts';
import { connectClient, firstAnswer } from '../../testing/relay-peers.ts';

let world: ApiWorld;

beforeEach(async () => {
  world = await ApiWorld.start();
});

afterEach(() => world.stop());

describe('what is passed on', () => {
  it.each(['agentinfo', 'register', 'start', 'request'] as const)(
    'is %s, with the token, who the relay says it is, and the body as it came',
    async (operation) => {
      const { body = '' } = good[operation];
      const answer = await world.call(operation);
      expect([answer.status, answer.body.toString()]).toEqual([200, `got ${body.length}`]);
      const [seen] = world.calls;
      expect(seen?.header).toEqual({ v: 1, kind: 'device', serviceId: world.service.name, clientId: 'anna' });
      expect(seen?.frame).toMatchObject({ v: 1, operation, token: expect.stringMatching(/^ey/) });
      expect((await seen?.body)?.toString()).toBe(body);
    },
  );

  it('is the fingerprint of start and the session of a request', async () => {
    await world.call('start');
    await world.call('request');
    expect(world.calls.map(({ frame }) => frame)).toMatchObject([
      { device: fingerprint },
      { sessionId: session },
    ]);
  });

  it('is the status, the type, the length and the session of the answer', async () => {
    world.react = (each) => {
      each.answer('{"a":1}', { status: 409, contentType: 'application/problem+json', sessionId: session });
    };
    const { status, headers, body } = await world.call('start');
    expect([
      status,
      headers['content-type'],
      headers['content-length'],
      headers['x-session-id'],
      body.toString(),
    ]).toEqual([409, 'application/problem+json', '7', session, '{"a":1}']);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('is a body of the greatest length, and a streamed answer of many MiB', async () => {
    const body = Buffer.alloc(deviceBodyLimit.request, 7);
    const piece = Buffer.alloc(1024 * 1024, 9);
    world.react = (each) => {
      void each.body.then((got) => {
        expect(got.equals(body)).toBe(true);
        each.begin();
        for (let index = 0; index < 24; index += 1) each.stream.write(piece);
        each.stream.end();
      });
    };
    const answer = await world.call('request', { body });
    expect([answer.body.length, answer.headers['transfer-encoding']]).toEqual([24 * 1024 * 1024, 'chunked']);
  });

  it('takes bytes without a declared type, as the seed’s client sends them', async () => {
    expect((await world.call('request', { headers: { 'content-type': undefined } })).status).toBe(200);
  });

  it('serves many requests at once, each with its own answer', async () => {
    world.react = (each) => void each.body.then((body) => each.answer(body));
    const bodies = Array.from({ length: 200 }, (_, index) => `body ${index}`);
    const answers = await Promise.all(bodies.map((body) => world.call('request', { body })));
    expect(answers.map(({ body }) => body.toString())).toEqual(bodies);
  });
});

describe('what is refused, each by its own code', () => {
  const api = (path: string): string => `/s/${world.service.name}${path}`;

  it.each([
    ['no version', '/api/requests'],
    ['an older version', '/api/requests?api-version=1.0'],
    ['an unknown version', '/api/requests?api-version=3.0'],
    ['two versions', '/api/requests?api-version=2.0&api-version=2.0'],
    ['an empty version', '/api/requests?api-version='],
  ])('%s', async (_name, path) => {
    expect(problem(await world.call('request', { path: api(path) }))).toEqual([
      400,
      'api_version_unsupported',
    ]);
  });

  it.each([
    ['start', 'device', undefined],
    ['start', 'device', 'AB'.repeat(32)],
    ['start', 'device', `${fingerprint}, ${fingerprint}`],
    ['start', 'device', [fingerprint, fingerprint]],
    ['request', 'x-session-id', undefined],
    ['request', 'x-session-id', 'short'],
    ['request', 'x-session-id', '../../../../../../etc/passwd'],
    ['request', 'x-session-id', [session, 'session-9876543210']],
  ] as const)('%s with a header %s of %j', async (operation, name, value) => {
    const headers = { [name]: value === undefined ? undefined : [value].flat() };
    expect(problem(await world.call(operation, { headers }))).toEqual([400, 'http_header_missing']);
    expect(world.calls).toHaveLength(0);
  });

  it.each([
    ['register', { 'content-type': 'application/octet-stream' }],
    ['register', { 'content-type': undefined }],
    ['register', { 'content-type': 'application/jsonx' }],
    ['start', { 'content-type': 'application/json' }],
    ['request', { 'content-type': 'text/plain' }],
    ['request', { 'content-encoding': 'gzip' }],
  ] as const)('%s with %j', async (operation, headers) => {
    expect(problem(await world.call(operation, { headers }))).toEqual([415, 'content_type_unsupported']);
    expect(world.calls).toHaveLength(0);
  });

  it.each(['register', 'start', 'request'] as const)(
    'a body of %s that is too large by its length',
    async (operation) => {
      const body = Buffer.alloc(deviceBodyLimit[operation] + 1);
      expect(problem(await world.call(operation, { body }))).toEqual([413, 'body_too_large']);
      expect(world.calls).toHaveLength(0);
    },
  );

  it('a body that turns out too large, of which the service never sees the end', async () => {
    const head = [
      `POST ${api(paths.start)} HTTP/1.1`,
      `host: ${world.test.url.host}`,
      `authorization: Bearer ${world.issuer.token()}`,
      `device: ${fingerprint}`,
      'transfer-encoding: chunked',
    ];
    const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`;
    const { socket, answer } = world.dial(`${head.join('\r\n')}\r\n\r\n${chunk}${chunk}0\r\n\r\n`);
    setTimeout(() => socket.end(), 300);
    expect(await answer).toMatch(/^HTTP\/1\.1 413 [^]*body_too_large/);
    await expect(world.calls[0]!.body).rejects.toThrow();
  });

  it('a body of agentinfo', async () => {
    expect(problem(await world.call('agentinfo', { body: 'x' }))).toEqual([413, 'body_too_large']);
  });

  it('a service that is not there', async () => {
    const path = `/s/aaaa-bbbb-cccc${paths.agentinfo}`;
    const answer = await world.call('agentinfo', { path });
    expect(problem(answer)).toEqual([503, 'service_offline']);
    expect(answer.headers['retry-after']).toBe('1');
  });

  it.each([
    '/s/',
    '/s/aaaa',
    '/s/AAAA-BBBB-CCCC/api/requests?api-version=2.0',
    '/s/%61aaa-bbbb-cccc/api/requests?api-version=2.0',
    '/s/aaaa-bbbb-cccc/../aaaa-bbbb-cccc/api/requests?api-version=2.0',
    '/s//aaaa-bbbb-cccc/api/requests?api-version=2.0',
    '/s/aaaa-bbbb-cccc/api//requests?api-version=2.0',
    '/s/aaaa-bbbb-cccc/api/requests/?api-version=2.0',
    '/s/aaaa-bbbb-cccc/API/requests?api-version=2.0',
    '/s/aaaa-bbbb-cccc/api%2frequests?api-version=2.0',
    '/s/aaaa-bbbb-cccc;x/api/requests?api-version=2.0',
    '/s/aaaa-bbbb-cccc\\api\\requests?api-version=2.0',
  ])('the path %s', async (path) => {
    expect(problem(await world.call('request', { path }))).toEqual([404, 'usage']);
  });

  it('another method, with the one that is right', async () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) {
      const answer = await world.call('request', { method, body: '' });
      expect([answer.status, answer.headers.allow]).toEqual([405, 'POST']);
    }
  });

  it('a relay without an issuer', async () => {
    await world.restart({}, { oidc: undefined });
    expect(problem(await world.call('agentinfo'))).toEqual([501, 'oidc_not_configured']);
  });
});

describe('tokens', () => {
  it.each(['agentinfo', 'register', 'start', 'request'] as const)('are needed for %s', async (operation) => {
    const answer = await world.call(operation, { headers: { authorization: undefined } });
    expect(problem(answer)).toEqual([401, 'oidc_token_required']);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
  });

  const wrong: [string, () => string][] = [
    ['has expired', () => world.issuer.token('anna', { claims: { exp: 1_700_000_000 } })],
    ['is for another audience', () => world.issuer.token('anna', { claims: { aud: 'other' } })],
    ['says alg none', () => world.issuer.unsignedToken()],
    [
      'is HS256 under the public key',
      () => {
        return world.issuer.confusedToken(
          world.issuer.keys[0]!.publicKey.export({ type: 'spki', format: 'pem' }),
        );
      },
    ],
    [
      'is of a key that was rotated out',
      () => world.issuer.token('anna', { key: new IssuerKey('old', 'ES256') }),
    ],
    ['is a relay token', () => 'ghr_abc_def'],
    ['is empty', () => ''],
    ['is two', () => 'a.b.c d.e.f'],
    ['is 9 KiB', () => `${'a'.repeat(9000)}.b.c`],
  ];

  it.each(wrong)('are refused where one %s', async (_name, make) => {
    for (const operation of ['agentinfo', 'register', 'start', 'request'] as const) {
      const answer = await world.call(operation, { headers: { authorization: `Bearer ${make()}` } });
      expect(problem(answer)).toEqual([401, 'oidc_token_rejected']);
      expect([answer.headers['www-authenticate'], world.calls.length]).toEqual([
        'Bearer error="invalid_token"',
        0,
      ]);
    }
  });

  it('are refused twice in one request', async () => {
    const token = `Bearer ${world.issuer.token()}`;
    const { socket, answer } = world.dial(
      `GET /s/${world.service.name}${paths.agentinfo} HTTP/1.1\r\nhost: ${world.test.url.host}\r\nauthorization: ${token}\r\nauthorization: Bearer x\r\n\r\n`,
    );
    setTimeout(() => socket.end(), 300);
    expect(await answer).toContain('oidc_token_rejected');
  });

  it('let nobody choose the name that the service is told', async () => {
    const smuggled = { clientid: 'root', 'x-client-id': 'root', 'x-forwarded-user': 'root' };
    await world.call('request', { headers: smuggled, body: '{"clientId":"root"}' });
    expect(JSON.stringify([world.calls[0]?.header, world.calls[0]?.frame])).not.toContain('root');
  });

  it('are good for clients of the WebSocket as well, under the name that they give', async () => {
    expect((await connectClient(world.test.url, world.issuer.token('ben'))).name).toBe('ben');
    const expired = world.issuer.token('ben', { claims: { exp: 1_700_000_000 } });
    await expect(connectClient(world.test.url, expired)).rejects.toMatchObject({
      code: 'oidc_token_rejected',
    });
    await expect(connectClient(world.test.url, world.issuer.unsignedToken())).rejects.toMatchObject({
      code: 'oidc_token_rejected',
    });
  });

  it('end the streams that a client may open when they expire', async () => {
    const soon = Math.floor(Date.now() / 1000) + 1;
    const client = await connectClient(world.test.url, world.issuer.token('ben', { claims: { exp: soon } }));
    await new Promise((resolve) => setTimeout(resolve, 1200));
    const header = { v: 1, kind: 'e2ee', serviceId: world.service.name };
    const refused = firstAnswer(client, header).catch((error: unknown) => error);
    expect(JSON.stringify(await refused)).toMatch(/oidc_token_rejected|wire_closed/);
  });
});
