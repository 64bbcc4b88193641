// The router over real HTTP/2 in TLS: on record first, then the handler, then the answer; and an outcome for each.
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { Rpc, RpcCall } from '../rpc/rpc.ts';
import { answerOf, codeOf, request, SampleEndpoint, startRequest, until } from './endpoint-samples.ts';
import type { SampleOptions } from './endpoint-samples.ts';

const opened: SampleEndpoint[] = [];
const octets = { 'content-type': 'application/octet-stream' };

afterEach(() => {
  for (const endpoint of opened.splice(0)) endpoint.close();
});

async function open(options: SampleOptions = {}) {
  const endpoint = new SampleEndpoint(options);
  opened.push(endpoint);
  return { endpoint, log: endpoint.log, ...(await endpoint.openH2()) };
}

function rpc(name: string, run: Rpc['run'], takesStream = false): Rpc {
  return { name, takesStream, run };
}

describe('the request log', () => {
  it('has the request before its handler runs and before a byte of the answer leaves', async () => {
    const run = vi.fn(() => ({ json: 1 }));
    const { log, session } = await open({ rpcs: [rpc('probe', run)] });
    const { promise, resolve } = Promise.withResolvers<undefined>();
    log.held = promise;
    const stream = startRequest(session, '/rpc/probe');
    const onResponse = vi.fn();
    stream.on('response', onResponse).end();
    const answer = answerOf(stream);
    await until(() => log.begun.length === 1);
    await new Promise((wake) => setTimeout(wake, 50));
    expect([run.mock.calls.length, onResponse.mock.calls.length]).toEqual([0, 0]);
    resolve(undefined);
    expect(await answer).toMatchObject({ status: 200, whole: true });
    expect(run).toHaveBeenCalledOnce();
  });

  it('holds an echoed stream back as well', async () => {
    const { log, session } = await open();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    log.held = promise;
    const stream = startRequest(session, '/rpc/echo', octets);
    const onResponse = vi.fn();
    stream.on('response', onResponse).end('bytes');
    const answer = answerOf(stream);
    await new Promise((wake) => setTimeout(wake, 50));
    expect(onResponse).not.toHaveBeenCalled();
    resolve(undefined);
    expect(String((await answer).body)).toBe('bytes');
  });

  it('that cannot be written stops all work', async () => {
    const run = vi.fn(() => ({ json: 1 }));
    const { log, session } = await open({ rpcs: [rpc('probe', run)] });
    log.failure = new GatehouseError('log_unavailable', 'The disk is full.');
    const answer = await request(session, '/rpc/probe', '{}');
    expect([answer.status, codeOf(answer)]).toEqual([503, 'log_unavailable']);
    expect(run).not.toHaveBeenCalled();
    expect(log.rejected).toMatchObject([{ rpcName: 'probe', rejectionCode: 'log_unavailable' }]);
    expect(log.finished).toEqual([]);
  });

  it('gets every field of a request', async () => {
    const { log, session, tls } = await open();
    await request(session, '/rpc/ping', '{}', { 'gatehouse-verified-by': 'fingerprint' });
    expect(log.begun).toEqual([
      {
        id: 1,
        rpcName: 'ping',
        clientId: 'anna',
        serviceId: 'abcd-efgh-ijkl',
        domainName: 'PROD',
        sentAt: expect.any(Number),
        h2MultiplexingUsed: true,
        e2eeUsed: true,
        sessionVerified: false,
        verifiedBy: 'fingerprint',
        tlsVersion: 'TLSv1.3',
        cipher: tls.cipher,
        certificate: tls.certificate,
        sessionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        tokenId: null,
        remoteUser: null,
      },
    ]);
  });

  it.each(['', 'none', 'FINGERPRINT', 'fingerprint2', 'session'])(
    'takes "%s" for a fingerprint that nobody compared',
    async (word) => {
      const { log, session } = await open();
      await request(session, '/rpc/ping', '', { 'gatehouse-verified-by': word });
      expect(log.begun[0]?.verifiedBy).toBe('none');
    },
  );
});

const failures: readonly [what: string, thrown: unknown, status: string, code: string, http: number][] = [
  ['a coded error', new GatehouseError('rpc_bad_request', 'No.'), 'FAILED', 'rpc_bad_request', 400],
  ['a time-out', new GatehouseError('timeout', 'Too slow.'), 'TIMED_OUT', 'timeout', 500],
  ['an unforeseen error', new Error('ENOENT /secret/path'), 'FAILED', 'rpc_failed', 500],
  ['no error at all', 'text', 'FAILED', 'rpc_failed', 500],
];

describe('an outcome', () => {
  it('of a success has bytes and duration', async () => {
    const { log, session } = await open();
    const answer = await request(session, '/rpc/echo', '{"a":1}');
    expect(String(answer.body)).toBe('{"a":1}');
    expect(log.finished).toMatchObject([
      { status: 'SUCCESS', bytesRead: 7, bytesWritten: 7, errorCode: null },
    ]);
    expect(log.finished[0]?.durationMs).toBeGreaterThan(0);
  });

  it('of a stream counts both ways', async () => {
    const { log, session } = await open();
    await request(session, '/rpc/echo', Buffer.alloc(200_000), octets);
    await until(() => log.finished.length === 1);
    expect(log.finished).toMatchObject([{ status: 'SUCCESS', bytesRead: 200_000, bytesWritten: 200_000 }]);
  });

  it.each(failures)(
    'of %s is told and kept, and nothing that was not meant for the caller',
    async (...row) => {
      const [, thrown, status, code, http] = row;
      const run = vi.fn().mockRejectedValue(thrown);
      const { log, session } = await open({ rpcs: [rpc('bad', run)] });
      const answer = await request(session, '/rpc/bad', '{}');
      expect([answer.status, codeOf(answer)]).toEqual([http, code]);
      expect(String(answer.body)).not.toMatch(/secret|stack|cause/);
      expect(log.finished).toMatchObject([{ status, errorCode: code }]);
    },
  );

  it('of JSON that cannot be written is a failure of the RPC', async () => {
    const { session } = await open({ rpcs: [rpc('none', () => ({ json: undefined }))] });
    expect(codeOf(await request(session, '/rpc/none', '{}'))).toBe('rpc_failed');
  });

  it('of a caller who goes away is CANCELLED, and the handler is told', async () => {
    const calls: RpcCall[] = [];
    const run: Rpc['run'] = (call) => {
      calls.push(call);
      return new Promise((resolve) => {
        call.signal.addEventListener('abort', () => resolve({ json: 'late' }));
      });
    };
    const { log, session } = await open({ rpcs: [rpc('slow', run)] });
    const stream = startRequest(session, '/rpc/slow');
    stream.end();
    await until(() => calls.length === 1);
    stream.close(8);
    await until(() => log.finished.length === 1);
    expect(log.finished).toMatchObject([{ status: 'CANCELLED', errorCode: 'cancelled', bytesWritten: 0 }]);
  });

  it('of a caller who goes away before the request is on record is CANCELLED, and nothing runs', async () => {
    const run = vi.fn(() => ({ json: 1 }));
    const { log, session } = await open({ rpcs: [rpc('probe', run)] });
    const { promise, resolve } = Promise.withResolvers<undefined>();
    log.held = promise;
    const stream = startRequest(session, '/rpc/probe');
    stream.end();
    await until(() => log.begun.length === 1);
    stream.close(8);
    await new Promise((wake) => setTimeout(wake, 50));
    resolve(undefined);
    await until(() => log.finished.length === 1);
    expect(log.finished[0]?.status).toBe('CANCELLED');
    expect(run).not.toHaveBeenCalled();
  });

  it('of a session that was ended before the request is on record is CANCELLED, and nothing runs', async () => {
    const run = vi.fn(() => ({ json: 1 }));
    const { endpoint, log, session } = await open({ rpcs: [rpc('probe', run)] });
    const { promise, resolve } = Promise.withResolvers<undefined>();
    log.held = promise;
    const answer = request(session, '/rpc/probe', '');
    await until(() => log.begun.length === 1);
    endpoint.sessions.endWhere(() => new GatehouseError('access_token_rejected', 'Revoked.'));
    resolve(undefined);
    await until(() => log.finished.length === 1);
    expect(log.finished[0]?.status).toBe('CANCELLED');
    expect(run).not.toHaveBeenCalled();
    expect((await answer).whole).toBe(false);
  });

  it.each([0, 1, 2, 3, 4, 5])(
    'comes of an answer given %i turns after a reset, without harm',
    async (turns) => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const run: Rpc['run'] = async () => {
        await promise;
        return { json: 1 };
      };
      const { endpoint, log, session } = await open({ rpcs: [rpc('slow', run)] });
      const stream = startRequest(session, '/rpc/slow');
      stream.end();
      await until(() => log.begun.length === 1);
      stream.close(8);
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
      resolve(undefined);
      await until(() => log.finished.length === 1);
      expect(endpoint.sessions.live()[0]?.running).toBe(0);
      expect((await request(session, '/rpc/ping', '')).status).toBe(200);
    },
  );
});

describe('a streamed answer', () => {
  const breaking = (length: number) =>
    Readable.from(
      (function* () {
        yield Buffer.alloc(length, 1);
        throw new Error('The disk broke.');
      })(),
    );

  it.each([1, 1000, 300_000])('that breaks off after %i bytes is never whole', async (length) => {
    const { log, session } = await open({ rpcs: [rpc('broken', () => ({ stream: breaking(length) }))] });
    const answer = await request(session, '/rpc/broken', '');
    expect(answer.whole).toBe(false);
    expect(answer.rstCode).not.toBe(0);
    expect(log.finished).toMatchObject([{ status: 'FAILED', errorCode: 'rpc_failed' }]);
  });

  it('is freed when the caller goes away', async () => {
    const endless = new Readable({ read: () => undefined });
    const { log, session } = await open({ rpcs: [rpc('endless', () => ({ stream: endless }))] });
    const stream = startRequest(session, '/rpc/endless');
    stream.end();
    await new Promise((resolve) => stream.once('response', resolve));
    stream.close(8);
    await until(() => log.finished.length === 1);
    expect(endless.destroyed).toBe(true);
    expect(log.finished[0]?.status).toBe('CANCELLED');
  });

  it('stops its producer while the caller does not read, and goes on with it', async () => {
    const { log, session } = await open();
    let read = 0;
    const stream = startRequest(session, '/rpc/chargen', { 'content-type': 'application/json' });
    stream.end('{"bytes":20000000}');
    stream.pause();
    stream.on('data', (chunk: Buffer) => (read += chunk.length)).pause();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(log.finished).toEqual([]);
    expect((await request(session, '/rpc/ping', '')).status).toBe(200);
    stream.resume();
    await new Promise((resolve) => stream.once('close', resolve));
    expect(read).toBe(20_000_000);
  });
});
