// How sessions end: unused ones in time, forbidden ones with the reason in a GOAWAY and their streams with them.
import { connect } from 'node:http2';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { startClientTls } from '../../../shared/e2ee/tunnel.ts';
import { encodePrefixed, readPrefixed } from '../../../shared/net/prefixed.ts';
import { StreamDuplex } from '../../../shared/net/stream-duplex.ts';
import { parseStreamAnswer } from '../../../shared/net/stream-header.ts';
import { MemoryWire } from '../../../shared/testing/memory-wire.ts';
import {
  answerOf,
  request,
  sampleServiceId,
  SampleEndpoint,
  startRequest,
  until,
} from './endpoint-samples.ts';
import type { SampleOptions } from './endpoint-samples.ts';

const opened: { close(): void }[] = [];
const right = { v: 1, kind: 'plain', serviceId: sampleServiceId, clientId: 'anna' };

afterEach(() => {
  vi.useRealTimers();
  for (const each of opened.splice(0)) each.close();
});

function makeRelay(options: SampleOptions = {}) {
  const endpoint = new SampleEndpoint(options);
  const wire = new MemoryWire({ onStream: (stream) => endpoint.acceptor.accept(stream) });
  const timer = setInterval(() => wire.settle(), 1);
  opened.push(endpoint, { close: () => clearInterval(timer) });
  return { endpoint, wire, log: endpoint.log };
}

/** Opens a stream with these first bytes; the answer's code, or how the stream ended. */
function openStream(
  wire: MemoryWire,
  first: Uint8Array,
): Promise<{ code: string; duplex: StreamDuplex | null }> {
  const stream = wire.dialler.session.open();
  stream.write(first);
  return new Promise((resolve) => {
    readPrefixed(stream, 5_000, {
      failed: ({ code }) => resolve({ code, duplex: null }),
      arrived: ({ json, rest }) => {
        const duplex = new StreamDuplex(stream, rest);
        duplex.on('error', () => undefined);
        try {
          parseStreamAnswer(json);
          resolve({ code: 'ok', duplex });
        } catch (error) {
          resolve({ code: (error as GatehouseError).code, duplex });
        }
      },
    });
  });
}

const post = (rpc: string): string => `POST /rpc/${rpc} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n`;

describe('a session', () => {
  it.each(['h2', 'http/1.1'] as const)('over %s without a request ends in time', async (alpn) => {
    const { endpoint } = makeRelay({ unusedSessionMs: 50 });
    await endpoint.openTls(alpn);
    await until(() => endpoint.sessions.live().length === 1);
    await until(() => endpoint.sessions.live().length === 0);
  });

  it('with a request stays', async () => {
    const { endpoint } = makeRelay({ unusedSessionMs: 50 });
    const { session } = await endpoint.openH2();
    await request(session, '/rpc/ping', '');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(endpoint.sessions.live()).toHaveLength(1);
  });

  it.each([
    'access_token_rejected',
    'access_token_required',
    'e2ee_required',
    'session_ended',
    'shutting_down',
  ] as const)('that ends for %s says so in its GOAWAY, and its running streams end at once', async (code) => {
    const { endpoint, wire, log } = makeRelay();
    const { duplex } = await openStream(wire, encodePrefixed({ ...right, kind: 'e2ee' }));
    const { socket } = await startClientTls(duplex!, { alpn: ['h2'] });
    const session = connect('https://service', { createConnection: () => socket });
    session.on('error', () => undefined);
    const goaway = new Promise((resolve) => session.once('goaway', (...args) => resolve(args)));
    const stream = startRequest(session, '/rpc/echo', { 'content-type': 'application/octet-stream' });
    stream.write('still running');
    const answer = answerOf(stream);
    await new Promise((resolve) => stream.once('data', resolve));
    const start = Date.now();
    endpoint.sessions.endWhere(() => new GatehouseError(code, 'It ends.'));
    const [errorCode, , opaque] = (await goaway) as [number, number, Buffer];
    expect([errorCode, String(opaque)]).toEqual([0, code]);
    expect((await answer).whole).toBe(false);
    expect(Date.now() - start).toBeLessThan(1_000);
    await until(() => log.finished.length === 1);
    expect(log.finished[0]).toMatchObject({ status: 'CANCELLED', errorCode: code });
  });

  it('counts an answer as under way until its last byte has left', async () => {
    const { endpoint } = makeRelay();
    const { session } = await endpoint.openH2();
    const stream = startRequest(session, '/rpc/echo', { 'content-type': 'application/json' });
    stream.end(JSON.stringify('x'.repeat(500_000)));
    stream.pause();
    await until(() => endpoint.log.finished.length === 1);
    expect(endpoint.sessions.live()[0]?.running).toBe(1);
    stream.resume();
    await until(() => endpoint.sessions.live()[0]?.running === 0);
  });

  it('that was verified, or tried to be, is not unused', async () => {
    const { endpoint } = makeRelay({ unusedSessionMs: 50 });
    const { session } = await endpoint.openH2();
    await request(session, '/session/verify', 'n,,n=somebody,r=nonce');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(endpoint.sessions.live()).toHaveLength(1);
  });

  it('that breaks HTTP leaves a row in the log', async () => {
    const { endpoint, log } = makeRelay();
    const http1 = await endpoint.openTls('http/1.1');
    http1.socket.write('this is no HTTP\r\n\r\n');
    const http2 = await endpoint.openTls('h2');
    http2.socket.write('this is no HTTP/2 preface either, and long enough to be seen');
    await until(() => log.rejected.length === 2);
    expect(log.rejected.map((row) => row.rejectionCode)).toEqual(['rpc_bad_request', 'rpc_bad_request']);
  });

  it('has an unknown Expect judged and logged like any other request', async () => {
    const { endpoint, log } = makeRelay();
    const { socket } = await endpoint.openTls('http/1.1');
    socket.write(post('nothing').replace('host: x', 'host: x\r\nexpect: the unexpected'));
    await until(() => log.rejected.length === 1);
    expect(log.rejected[0]?.rejectionCode).toBe('rpc_unknown');
  });

  it('over HTTP/1.1 is cut', async () => {
    const { endpoint } = makeRelay();
    const { socket } = await endpoint.openTls('http/1.1');
    socket.write(post('ping'));
    await new Promise((resolve) => socket.once('data', resolve));
    endpoint.sessions.endWhere(() => new GatehouseError('access_token_rejected', 'Revoked.'));
    expect(endpoint.sessions.live()).toEqual([]);
  });
});
