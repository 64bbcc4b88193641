// Dialling a relay: what goes out, and that every way of not getting in has its code, in time.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server as HttpServer, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { makeTestCertificate } from '../testing/test-certificate.ts';
import { listenForSocket } from '../testing/socket-pair.ts';
import { dialWebSocket, parseRelayUrl } from './dial.ts';
import type { DialOptions } from './dial.ts';

async function listen(server: Server, scheme = 'ws'): Promise<URL> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return parseRelayUrl(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

/** A server that answers every upgrade with `answer`. */
function refusing(answer: (response: ServerResponse) => void): HttpServer {
  return createServer((_request, response) => answer(response));
}

const answering = (status: number, body = '', headers = {}): HttpServer =>
  refusing((response) => response.writeHead(status, headers).end(body));

const ours = (code: string, message: unknown): string => JSON.stringify({ error: { code, message } });

/** Of a ClientHello: its extension supported_versions (RFC 8446 section 4.2.1), in hex. */
function offeredVersions(hello: Buffer): string[] {
  const at = hello.indexOf(Buffer.from('002b', 'hex'));
  const length = hello.readUInt8(at + 4);
  const versions = hello.subarray(at + 5, at + 5 + length).toString('hex');
  return hello.readUInt16BE(at + 2) === length + 1 ? (versions.match(/.{4}/g) ?? []) : [];
}

async function failureOf(url: URL, options: DialOptions = {}): Promise<{ code: string; message: string }> {
  const error: unknown = await dialWebSocket(url, '/v1/client', options).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ name: 'GatehouseError' });
  return error as { code: string; message: string };
}

describe('dialWebSocket', () => {
  it('opens a channel, with its path and headers, and loses nothing that comes at once', async () => {
    const http = createServer();
    const wss = new WebSocketServer({ server: http, perMessageDeflate: false });
    const url = await listen(http);
    const asked: unknown[] = [];
    wss.on('connection', (ws, request) => {
      asked.push(request.url, request.headers.authorization, request.headers['sec-websocket-extensions']);
      ws.send('hello');
      ws.send(Buffer.from('bytes'));
    });
    const channel = await dialWebSocket(url, '/v1/client', { headers: { authorization: 'Bearer x' } });
    await expect(new Promise((resolve) => channel.onText(resolve))).resolves.toBe('hello');
    const chunks: string[] = [];
    channel.start({ binary: (chunk) => chunks.push(String(chunk)), drained() {}, closed() {} });
    await vi.waitFor(() => expect(chunks).toEqual(['bytes']));
    expect(asked).toEqual(['/v1/client', 'Bearer x', undefined]);
    expect(channel.remoteAddress).toBe('127.0.0.1');
  });

  it('trusts the certificate authority that it was given, and no certificate without one', async () => {
    const { cert, key } = makeTestCertificate('localhost');
    const https = createHttpsServer({ cert, key });
    new WebSocketServer({ server: https });
    const url = await listen(https, 'wss');
    url.hostname = 'localhost';
    const failure = await failureOf(url);
    expect(failure.code).toBe('relay_unreachable');
    expect(failure.message).toContain('DEPTH_ZERO_SELF_SIGNED_CERT');
    await expect(dialWebSocket(url, '/', { ca: cert })).resolves.toBeDefined();
  });

  it('„TLS 1.2+“: offers no older version', async () => {
    let hello = Buffer.alloc(0);
    const server = createTcpServer((socket) => {
      socket.once('data', (bytes) => {
        hello = bytes;
        socket.destroy();
      });
    });
    expect((await failureOf(await listen(server, 'wss'))).code).toBe('relay_unreachable');
    expect(offeredVersions(hello)).toEqual(['0304', '0303']);
  });

  it('says relay_unreachable, with the reason, where nothing listens', async () => {
    const server = createTcpServer();
    const url = await listen(server);
    server.close();
    await once(server, 'close');
    const failure = await failureOf(url);
    expect(failure).toMatchObject({ code: 'relay_unreachable' });
    expect(failure.message).toContain('ECONNREFUSED');
    expect(failure.message).toContain(url.origin);
  });

  it.each([
    [
      'our own refusal',
      401,
      ours('not_authorised', 'The relay token is unknown.'),
      'not_authorised',
      'token is unknown',
    ],
    ['our own refusal of limits', 503, ours('limit_exceeded', 'Too many.'), 'limit_exceeded', 'Too many.'],
    ['401 of somebody else', 401, '<html>', 'not_authorised', 'HTTP 401'],
    ['403 without a body', 403, '', 'not_authorised', 'HTTP 403'],
    ['404', 404, 'not here', 'relay_unreachable', 'Is this the URL of a Gatehouse relay?'],
    ['503', 503, '', 'relay_unreachable', 'not ready'],
    ['200', 200, 'welcome to nginx', 'relay_unreachable', 'HTTP 200'],
    ['a code that is none', 404, ours('hasOwnProperty', 'x'), 'relay_unreachable', 'HTTP 404'],
    ['a message that is none', 404, ours('timeout', { a: 1 }), 'relay_unreachable', 'HTTP 404'],
    ['JSON null', 404, 'null', 'relay_unreachable', 'HTTP 404'],
    ['a body without end', 404, 'x'.repeat(1_000_000), 'relay_unreachable', 'HTTP 404'],
  ])('turns %s into a coded error', async (_name, status, body, code, text) => {
    const url = await listen(answering(status, body));
    const failure = await failureOf(url);
    expect(failure.code).toBe(code);
    expect(failure.message).toContain(text);
  });

  it('cuts a long message of a refusal', async () => {
    const url = await listen(answering(401, ours('not_authorised', 'x'.repeat(3000))));
    expect((await failureOf(url)).message).toHaveLength(500);
  });

  it('follows no redirect, so that credentials go nowhere else', async () => {
    let asked = 0;
    const elsewhere = await listen(
      refusing((response) => {
        asked += 1;
        response.end();
      }),
    );
    const location = elsewhere.href.replace('ws:', 'http:');
    const url = await listen(answering(302, '', { location }));
    const failure = await failureOf(url, { headers: { authorization: 'Bearer x' } });
    expect([failure.code, asked]).toEqual(['relay_unreachable', 0]);
  });

  it.each<[string, (socket: Socket) => void]>([
    ['says nothing', () => {}],
    ['says no HTTP', (socket) => void socket.end('SSH-2.0-OpenSSH_9.9\r\n')],
    ['hangs up', (socket) => void socket.destroy()],
    [
      'accepts with a wrong key',
      (socket) =>
        void socket.write(
          'HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
        ),
    ],
    ['trickles its answer', (socket) => trickle(socket, 'HTTP/1.1 101 ')],
    [
      'trickles the body of a refusal',
      (socket) => trickle(socket, 'HTTP/1.1 404 x\r\nContent-Length: 4000\r\n\r\n'),
    ],
  ])('gives up in time on a server that %s', async (_name, behave) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => behave(socket));
    });
    const url = await listen(server);
    const start = performance.now();
    const failure = await failureOf(url, { timeoutMs: 300 });
    expect(failure.code).toBe('relay_unreachable');
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it('stops where it is cancelled: before, while waiting, and while a refusal is read', async () => {
    const aborted = AbortSignal.abort();
    const silent = await listen(createTcpServer(() => {}));
    expect((await failureOf(silent, { signal: aborted })).code).toBe('cancelled');
    const waiting = new AbortController();
    setTimeout(() => waiting.abort(), 30);
    expect((await failureOf(silent, { signal: waiting.signal })).code).toBe('cancelled');
    const slow = await listen(refusing((response) => void response.writeHead(404).write('x')));
    const reading = new AbortController();
    setTimeout(() => reading.abort(), 100);
    expect((await failureOf(slow, { signal: reading.signal })).code).toBe('cancelled');
  });

  it('leaves a channel alone that was open before the signal', async () => {
    const server = await listenForSocket();
    const controller = new AbortController();
    const channel = await dialWebSocket(new URL(`ws://127.0.0.1:${server.port}`), '/', {
      signal: controller.signal,
    });
    const ends: string[] = [];
    channel.start({ binary() {}, drained() {}, closed: (error) => ends.push(error.code) });
    controller.abort();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(ends).toEqual([]);
  });

  it('refuses plain ws:// to another machine even where the URL was not parsed by us', async () => {
    const failure = await failureOf(new URL('ws://192.0.2.1:1'), { timeoutMs: 300 });
    expect(failure.code).toBe('usage');
  });

  it('says usage, without the value, where a header cannot be sent', async () => {
    const url = await listen(createTcpServer(() => {}));
    const failure = await failureOf(url, { headers: { authorization: 'Bearer hunter2\nx' } });
    expect(failure.code).toBe('usage');
    expect(JSON.stringify([failure.message, String((failure as unknown as Error).cause)])).not.toContain(
      'hunter2',
    );
  });
});

/** Sends `start`, then a byte every 20 ms for as long as the socket lives. */
function trickle(socket: Socket, start: string): void {
  socket.write(start);
  const timer = setInterval(() => socket.write('x'), 20);
  socket.on('close', () => clearInterval(timer));
}
