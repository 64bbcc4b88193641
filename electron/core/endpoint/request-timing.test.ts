// Where the time of a request goes, as it is written with its outcome.
import { afterEach, describe, expect, it } from 'vitest';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { RequestTiming } from '../../../shared/contracts/requests.ts';
import { ScramClient } from '../../../shared/e2ee/scram/client.ts';
import { channelBinding } from '../../../shared/e2ee/tunnel.ts';
import { testCredential, testToken } from '../../../shared/testing/scram-exchange.ts';
import type { Rpc } from '../rpc/rpc.ts';
import { answerOf, request, SampleEndpoint, startRequest, until } from './endpoint-samples.ts';

const opened: SampleEndpoint[] = [];
/** Timers may fire up to a millisecond early by another clock. */
const slack = 2;

afterEach(() => {
  for (const endpoint of opened.splice(0)) endpoint.close();
});

const slow: Rpc = {
  name: 'slow',
  takesStream: false,
  run: async () => {
    await delay(60);
    return { json: 'late' };
  },
};
const failing: Rpc = {
  ...slow,
  name: 'failing',
  run: () => delay(30).then(() => Promise.reject(new Error('x'))),
};
const trickle: Rpc = {
  ...slow,
  name: 'trickle',
  run: () => ({ stream: Readable.from(pieces(), { objectMode: false }) }),
};

async function* pieces(): AsyncGenerator<Buffer> {
  await delay(40);
  for (let i = 0; i < 4; i += 1) {
    yield Buffer.from('piece');
    await delay(20);
  }
}

function openEndpoint(): SampleEndpoint {
  const tokens = new Map([[testToken.id, { remoteUser: 'Anna', scram: testCredential }]]);
  const endpoint = new SampleEndpoint({ rpcs: [slow, failing, trickle], tokens });
  opened.push(endpoint);
  return endpoint;
}

async function timingsOf(endpoint: SampleEndpoint, ...paths: readonly string[]): Promise<RequestTiming[]> {
  const { session } = await endpoint.openH2();
  for (const path of paths) await request(session, path, '');
  await until(() => endpoint.log.finished.length === paths.length);
  return endpoint.log.finished.map(({ timing }) => timing!);
}

describe('the timing of a request', () => {
  it('has the handshake with the first request of a session alone', async () => {
    const [first, second] = await timingsOf(openEndpoint(), '/rpc/ping', '/rpc/ping');
    expect(first?.handshakeMs).toBeGreaterThan(0);
    expect(first?.handshakeMs).toBeLessThan(5_000);
    expect(second?.handshakeMs).toBeNull();
  });

  it('has no verification where there was none', async () => {
    expect(await timingsOf(openEndpoint(), '/rpc/ping')).toMatchObject([{ verificationMs: null }]);
  });

  it('has the verification with the first request after it alone', async () => {
    const endpoint = openEndpoint();
    const { session, tls } = await endpoint.openH2();
    const scram = new ScramClient({ ...testToken, channelBinding: channelBinding(tls.socket) });
    const text = { 'content-type': 'text/plain; charset=utf-8' };
    const first = await request(session, '/session/verify', scram.first(), text);
    await delay(50);
    await request(session, '/session/verify', await scram.final(String(first.body)), text);
    for (let i = 0; i < 2; i += 1) await request(session, '/rpc/ping', '');
    await until(() => endpoint.log.finished.length === 2);
    const [one, two] = endpoint.log.finished.map(({ timing }) => timing);
    expect(one?.verificationMs).toBeGreaterThan(50 - slack);
    expect(two).toMatchObject({ handshakeMs: null, verificationMs: null });
  });

  it('counts the wait for the log as queue, and not as the handler', async () => {
    const endpoint = openEndpoint();
    const { promise, resolve } = Promise.withResolvers();
    endpoint.log.held = promise;
    const timings = timingsOf(endpoint, '/rpc/ping');
    await until(() => endpoint.log.begun.length === 1);
    await delay(80);
    resolve(null);
    const [timing] = await timings;
    expect(timing?.queueMs).toBeGreaterThan(80 - slack);
    expect(timing?.handlerMs).toBeLessThan(80);
  });

  it('counts the handler, also of a request that fails', async () => {
    const [late, failed] = await timingsOf(openEndpoint(), '/rpc/slow', '/rpc/failing');
    expect(late?.handlerMs).toBeGreaterThan(60 - slack);
    expect(late?.transferMs).toBeLessThan(60);
    expect(failed?.handlerMs).toBeGreaterThan(30 - slack);
    expect(failed?.transferMs).toBeNull();
  });

  it('counts the transfer from the first byte of the answer to its last', async () => {
    const [timing] = await timingsOf(openEndpoint(), '/rpc/trickle');
    expect(timing?.transferMs).toBeGreaterThan(80 - 4 * slack);
    expect(timing?.handlerMs).toBeLessThan(40);
  });

  it('has no handler where a request ended before it', async () => {
    const endpoint = openEndpoint();
    const { session } = await endpoint.openH2();
    await request(session, '/rpc/ping', 'no JSON');
    await until(() => endpoint.log.finished.length === 1);
    expect(endpoint.log.finished[0]?.timing).toMatchObject({ handlerMs: null, transferMs: null });
  });

  it('never has parts that are longer than the whole', async () => {
    const endpoint = openEndpoint();
    const { session } = await endpoint.openH2();
    const octets = { 'content-type': 'application/octet-stream' };
    const stream = startRequest(session, '/rpc/echo', octets);
    stream.end(Buffer.alloc(300_000));
    await answerOf(stream);
    await request(session, '/rpc/slow', '');
    await until(() => endpoint.log.finished.length === 2);
    for (const { durationMs, timing } of endpoint.log.finished) {
      const parts = [timing?.queueMs, timing?.handlerMs, timing?.transferMs].map((part) => part ?? 0);
      expect(parts.reduce((sum, part) => sum + part)).toBeLessThanOrEqual(durationMs);
    }
  });
});
