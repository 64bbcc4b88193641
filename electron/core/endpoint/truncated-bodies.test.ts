// Request bodies as strangers send them, over HTTP/2 and HTTP/1.1: what is cut short or malformed as HTTP never
// reaches a handler as if it were whole.
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Duplex } from 'node:stream';
import type { Rpc } from '../rpc/rpc.ts';
import {
  answerOf,
  rawHttp2Frame,
  rawHttp2Start,
  SampleEndpoint,
  startRequest,
  until,
} from './endpoint-samples.ts';

const opened: SampleEndpoint[] = [];
const json = { 'content-type': 'application/json' };
const octets = { 'content-type': 'application/octet-stream' };
const MiB = 1024 * 1024;

afterEach(() => {
  for (const endpoint of opened.splice(0)) endpoint.close();
});

/** An endpoint with RPCs that write down what reached them whole. */
function openEndpoint() {
  const whole = vi.fn();
  const take: Rpc = {
    name: 'take',
    takesStream: true,
    run: async ({ args, body }) => {
      const chunks: Buffer[] = [];
      if (body !== null) for await (const chunk of body) chunks.push(chunk as Buffer);
      whole(body === null ? args : Buffer.concat(chunks).length);
      return { json: args };
    },
  };
  const strict: Rpc = { name: 'strict', takesStream: false, run: ({ args }) => ({ json: args }) };
  const endpoint = new SampleEndpoint({ rpcs: [take, strict] });
  opened.push(endpoint);
  return { endpoint, log: endpoint.log, whole };
}

async function openH2() {
  const sample = openEndpoint();
  return { ...sample, ...(await sample.endpoint.openH2()) };
}

interface Http1 {
  readonly socket: Duplex;
  text(): string;
}

async function openH1(endpoint: SampleEndpoint): Promise<Http1 & { near: Duplex }> {
  const { socket, near } = await endpoint.openTls('http/1.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  return { socket, near, text: () => text };
}

describe.each([
  ['JSON', json, '{"a":"first half'],
  ['a stream', octets, 'first half'],
])('%s over HTTP/2 that is cut short', (_what, headers, half) => {
  it.each([0, 2, 5, 8])('by RST_STREAM with code %i never reaches its handler as whole', async (code) => {
    const { endpoint, log, whole } = openEndpoint();
    const { socket } = await endpoint.openTls('h2');
    socket.write(rawHttp2Start('/rpc/take', headers, half));
    await until(() => log.begun.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.write(rawHttp2Frame(3, 0, 1, Buffer.from([0, 0, 0, code])));
    await until(() => log.finished.length === 1);
    expect(log.finished[0]?.status).not.toBe('SUCCESS');
    expect(whole).not.toHaveBeenCalled();
  });

  it('by the end of the TLS connection alone, neither', async () => {
    const { endpoint, log, whole } = openEndpoint();
    const { socket } = await endpoint.openTls('h2');
    socket.write(rawHttp2Start('/rpc/take', headers, half));
    await until(() => log.begun.length === 1);
    socket.end();
    await until(() => log.finished.length === 1);
    expect(log.finished[0]?.status).not.toBe('SUCCESS');
    expect(whole).not.toHaveBeenCalled();
  });

  it('by a GOAWAY and the end of the session, or by the end of the connection, neither', async () => {
    for (const cut of ['goaway', 'tls', 'below'] as const) {
      const { log, whole, session, tls, near } = await openH2();
      startRequest(session, '/rpc/take', headers).write(half);
      await until(() => log.begun.length === 1);
      if (cut === 'goaway') session.goaway(0);
      if (cut === 'goaway') setTimeout(() => session.destroy(), 20);
      else (cut === 'tls' ? tls.socket : near).destroy();
      await until(() => log.finished.length === 1);
      expect([cut, log.finished[0]?.status]).not.toEqual([cut, 'SUCCESS']);
      expect(whole).not.toHaveBeenCalled();
    }
  });

  it('against its content-length, neither', async () => {
    const { whole, session } = await openH2();
    const stream = startRequest(session, '/rpc/take', { ...headers, 'content-length': '1000' });
    stream.end(half);
    expect((await answerOf(stream)).status).not.toBe(200);
    expect(whole).not.toHaveBeenCalled();
  });
});

const head = (type: string, ...more: string[]): string =>
  ['POST /rpc/take HTTP/1.1', 'host: x', `content-type: ${type}`, ...more].join('\r\n') + '\r\n\r\n';

describe.each([
  ['JSON', 'application/json', '"half"'],
  ['a stream', 'application/octet-stream', '"half"'],
])('%s over HTTP/1.1', (_what, type, body) => {
  it.each([
    ['content-length', head(type, `content-length: ${body.length}`) + body],
    ['chunks', head(type, 'transfer-encoding: chunked') + `6\r\n${body}\r\n0\r\n\r\n`],
  ])('that is whole by its %s reaches the handler', async (_how, text) => {
    const { endpoint, whole } = openEndpoint();
    const { socket, text: received } = await openH1(endpoint);
    socket.write(text);
    await until(() => received().includes('200 OK'));
    expect(whole).toHaveBeenCalledOnce();
  });

  it.each([
    ['a short body', head(type, 'content-length: 100') + body],
    ['no last chunk', head(type, 'transfer-encoding: chunked') + `6\r\n${body}\r\n`],
    ['half a chunk', head(type, 'transfer-encoding: chunked') + `60\r\n${body}`],
  ])('with %s never does, whether half or all of the connection ends', async (_how, text) => {
    for (const end of ['end', 'destroy'] as const) {
      const { endpoint, log, whole } = openEndpoint();
      const { socket, text: received } = await openH1(endpoint);
      socket.write(text);
      await until(() => log.begun.length === 1);
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket[end]();
      await until(() => log.finished.length === 1);
      expect(whole).not.toHaveBeenCalled();
      expect(log.finished[0]?.status).not.toBe('SUCCESS');
      expect(received()).not.toContain('200 OK');
    }
  });
});

describe('an HTTP/1.1 request', () => {
  it.each([
    ['its declared length', head('application/json', `content-length: ${MiB + 1}`)],
    [
      'what came in chunks',
      head('application/json', 'transfer-encoding: chunked') + '200000\r\n' + 'x'.repeat(MiB + 2),
    ],
  ])('is refused as too large by %s', async (_how, text) => {
    const { endpoint, whole } = openEndpoint();
    const { socket, text: received } = await openH1(endpoint);
    socket.write(text);
    await until(() => received().includes('rpc_too_large'));
    expect(received()).toContain('HTTP/1.1 413');
    expect(whole).not.toHaveBeenCalled();
  });

  it.each([
    [
      'both content-length and chunks',
      head('application/json', 'content-length: 3', 'transfer-encoding: chunked') + '0\r\n\r\n',
    ],
    ['two lengths', head('application/json', 'content-length: 3', 'content-length: 4') + '{}  '],
    ['a negative length', head('application/json', 'content-length: -1')],
    ['a bad chunk size', head('application/json', 'transfer-encoding: chunked') + 'zz\r\n{}\r\n'],
    ['no HTTP at all', '\x16\x03\x01 garbage\r\n\r\n'],
    ['endless headers', `POST /rpc/take HTTP/1.1\r\nx: ${'y'.repeat(20_000)}`],
  ])('with %s ends its connection and runs nothing', async (_what, text) => {
    const { endpoint, whole } = openEndpoint();
    const { socket } = await openH1(endpoint);
    socket.write(text);
    await until(() => endpoint.sessions.live().length === 0);
    expect(whole).not.toHaveBeenCalled();
  });
});
