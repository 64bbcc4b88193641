// `/session/verify` over real TLS: who proves a token is verified on this connection, and nobody else ever is;
// failures wait longer and longer, each client for itself.
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { TLSSocket } from 'node:tls';
import type { ClientHttp2Session } from 'node:http2';
import { ScramClient } from '../../../shared/e2ee/scram/client.ts';
import { channelBinding } from '../../../shared/e2ee/tunnel.ts';
import { testCredential, testToken } from '../../../shared/testing/scram-exchange.ts';
import { codeOf, request, SampleEndpoint, until } from './endpoint-samples.ts';
import type { SampleAnswer, SampleOptions } from './endpoint-samples.ts';
import { FailureDelays } from './failure-delays.ts';
import type { UsableToken } from './verifier.ts';

const opened: SampleEndpoint[] = [];
const text = { 'content-type': 'text/plain; charset=utf-8' };
const wrongSecret = testToken.secret.replace('Z', 'Y');

afterEach(() => {
  vi.useRealTimers();
  for (const endpoint of opened.splice(0)) endpoint.close();
});

function makeEndpoint(options: SampleOptions = {}) {
  const tokens = new Map<string, UsableToken>([
    [testToken.id, { remoteUser: 'Anna', scram: testCredential }],
  ]);
  const settings = { 'service.e2ee.require_e2ee_session_verification': true };
  const endpoint = new SampleEndpoint({ tokens, settings, ...options });
  opened.push(endpoint);
  return { endpoint, tokens, log: endpoint.log };
}

async function open(options: SampleOptions = {}) {
  const sample = makeEndpoint(options);
  const { session, tls } = await sample.endpoint.openH2();
  return { ...sample, session, socket: tls.socket };
}

const send = (session: ClientHttp2Session, message: string): Promise<SampleAnswer> =>
  request(session, '/session/verify', message, text);

function scramOn(socket: TLSSocket, changes: Partial<typeof testToken> = {}): ScramClient {
  return new ScramClient({ ...testToken, ...changes, channelBinding: channelBinding(socket) });
}

async function verify(session: ClientHttp2Session, scram: ScramClient): Promise<SampleAnswer> {
  const first = await send(session, scram.first());
  if (first.status !== 200) return first;
  return send(session, await scram.final(String(first.body)));
}

async function mayCall(session: ClientHttp2Session): Promise<boolean> {
  return (await request(session, '/rpc/ping', '')).status === 200;
}

describe('a right proof', () => {
  it('verifies this connection, both ways, and is on record with every later request', async () => {
    const { endpoint, log, session, socket } = await open();
    expect(await mayCall(session)).toBe(false);
    const scram = scramOn(socket);
    const answer = await verify(session, scram);
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
    scram.verify(String(answer.body));
    expect(await mayCall(session)).toBe(true);
    expect(log.begun).toMatchObject([{ sessionVerified: true, tokenId: testToken.id, remoteUser: 'Anna' }]);
    const other = await endpoint.openH2();
    expect(await mayCall(other.session)).toBe(false);
  });

  it('is accepted once for a connection, which stays verified', async () => {
    const { session, socket } = await open();
    await verify(session, scramOn(socket));
    expect(codeOf(await verify(session, scramOn(socket)))).toBe('verification_failed');
    expect(await mayCall(session)).toBe(true);
  });

  it('of a token that was revoked between the two messages is refused', async () => {
    const { tokens, session, socket } = await open();
    const scram = scramOn(socket);
    const first = await send(session, scram.first());
    tokens.clear();
    const answer = await send(session, await scram.final(String(first.body)));
    expect([answer.status, codeOf(answer)]).toEqual([403, 'access_token_rejected']);
    expect(await mayCall(session)).toBe(false);
  });

  it('that is replayed on another connection is refused', async () => {
    const { endpoint, session, socket } = await open();
    const scram = scramOn(socket);
    const other = await endpoint.openH2();
    const clientFirst = scram.first();
    await send(session, clientFirst);
    const first = await send(other.session, clientFirst);
    const answer = await send(other.session, await scram.final(String(first.body)));
    expect(codeOf(answer)).toBe('verification_failed');
    expect(await mayCall(other.session)).toBe(false);
  });
});

describe('a failed exchange', () => {
  const attempts: readonly [
    what: string,
    code: string,
    run: (session: ClientHttp2Session, socket: TLSSocket) => Promise<SampleAnswer>,
  ][] = [
    [
      'with a wrong secret',
      'access_token_rejected',
      (s, t) => verify(s, scramOn(t, { secret: wrongSecret })),
    ],
    ['with an unknown id', 'access_token_rejected', (s, t) => verify(s, scramOn(t, { id: 'zzzzzzzzzzzz' }))],
    ['that begins with its end', 'verification_failed', (s) => send(s, 'c=cD10,r=x,p=AAAA')],
    ['of garbage', 'verification_failed', (s) => send(s, '\0\xff')],
    ['of nothing', 'verification_failed', (s) => send(s, '')],
    ['longer than 1 KiB', 'rpc_too_large', (s, t) => send(s, scramOn(t).first() + 'x'.repeat(1024))],
    [
      'that begins twice',
      'verification_failed',
      async (s, t) => {
        await send(s, scramOn(t).first());
        return send(s, scramOn(t).first());
      },
    ],
    [
      'bound to another connection',
      'verification_failed',
      (s) => verify(s, new ScramClient({ ...testToken, channelBinding: Buffer.alloc(32) })),
    ],
  ];

  it.each(attempts)('%s is %s, verifies nothing, and a right one may follow', async (_what, code, run) => {
    const { log, session, socket } = await open();
    expect(codeOf(await run(session, socket))).toBe(code);
    expect(await mayCall(session)).toBe(false);
    expect(log.rejected[0]).toMatchObject({ rpcName: '', rejectionCode: code, sessionVerified: false });
    expect((await verify(session, scramOn(socket))).status).toBe(200);
    expect(await mayCall(session)).toBe(true);
  });

  it('is logged with the id that was claimed and never with a proof or a nonce', async () => {
    const { log, session, socket } = await open();
    const scram = scramOn(socket, { secret: wrongSecret });
    const first = await send(session, scram.first());
    const final = await scram.final(String(first.body));
    await send(session, final);
    expect(log.rejected).toMatchObject([{ tokenId: testToken.id, remoteUser: null }]);
    const row = JSON.stringify(log.rejected);
    for (const part of final.split(',').map((each) => each.slice(2))) expect(row).not.toContain(part);
  });

  it('tells an unknown id from a known one in nothing, not even in its salt', async () => {
    const { endpoint } = await open();
    const salts: string[] = [];
    for (const id of ['zzzzzzzzzzzz', 'zzzzzzzzzzzz', 'yyyyyyyyyyyy']) {
      const { session, tls } = await endpoint.openH2();
      const first = String((await send(session, scramOn(tls.socket, { id }).first())).body);
      salts.push(/,s=([^,]+),i=4096$/.exec(first)?.[1] ?? '');
    }
    expect(salts[0]).toBe(salts[1]);
    expect(salts[0]).not.toBe(salts[2]);
    expect(
      salts.every((salt) => salt.length === Buffer.from(testCredential.salt).toString('base64').length),
    ).toBe(true);
  });

  it('of one client never delays the right proof of another, nor its own', async () => {
    const { endpoint } = makeEndpoint({ delays: { firstMs: 60_000, maxMs: 60_000, maxWaiting: 1 } });
    const { session, tls } = await endpoint.openH2('mallory');
    const waiting = vi.fn();
    void verify(session, scramOn(tls.socket, { secret: wrongSecret })).then(waiting);
    await until(() => endpoint.log.rejected.length === 1);
    for (const client of ['anna', 'mallory']) {
      const good = await endpoint.openH2(client);
      expect((await verify(good.session, scramOn(good.tls.socket))).status).toBe(200);
    }
    expect(codeOf(await send(session, 'garbage'))).toBe('too_many_attempts');
    const other = await endpoint.openH2('anna');
    const delayed = vi.fn();
    void send(other.session, 'garbage').then(delayed);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([waiting.mock.calls.length, delayed.mock.calls.length]).toEqual([0, 0]);
  });
});

describe('FailureDelays', () => {
  const limits = { firstMs: 100, maxMs: 1000, forgetMs: 60_000, maxClients: 3, maxWaiting: 2 };

  async function wait(delays: FailureDelays, client: string): Promise<number> {
    const start = Date.now();
    const waited = delays.failed(client);
    await vi.runAllTimersAsync();
    expect(await waited).toBe(true);
    return Date.now() - start;
  }

  it('doubles to its bound, starts anew after a time, and keeps clients apart', async () => {
    vi.useFakeTimers();
    const delays = new FailureDelays(limits);
    const waits: number[] = [];
    for (let failure = 0; failure < 6; failure += 1) waits.push(await wait(delays, 'mallory'));
    expect(waits).toEqual([100, 200, 400, 800, 1000, 1000]);
    expect(await wait(delays, 'anna')).toBe(100);
    vi.advanceTimersByTime(60_001);
    expect(await wait(delays, 'mallory')).toBe(100);
  });

  it('refuses what is too much at once, for that client alone, until the others have waited', async () => {
    vi.useFakeTimers();
    const delays = new FailureDelays(limits);
    const waiting = [delays.failed('mallory'), delays.failed('mallory')];
    expect(await delays.failed('mallory')).toBe(false);
    await wait(delays, 'anna');
    await Promise.all(waiting);
    expect(await wait(delays, 'mallory')).toBe(400);
  });

  it('frees every place, also where the clock has jumped while they were taken', async () => {
    vi.useFakeTimers();
    let now = 0;
    const delays = new FailureDelays(limits, () => now);
    const waiting = delays.failed('mallory');
    now = 10 * 60_000;
    const late = delays.failed('mallory');
    await vi.runAllTimersAsync();
    await Promise.all([waiting, late]);
    const both = [delays.failed('mallory'), delays.failed('mallory')];
    await vi.runAllTimersAsync();
    expect(await Promise.all(both)).toEqual([true, true]);
  });

  it('remembers no more clients than its limit: the one longest silent goes first', async () => {
    vi.useFakeTimers();
    const delays = new FailureDelays(limits);
    for (const client of ['a', 'b', 'a', 'c', 'd']) await wait(delays, client);
    expect(await wait(delays, 'a')).toBe(400);
    expect(await wait(delays, 'b')).toBe(100);
  });
});
