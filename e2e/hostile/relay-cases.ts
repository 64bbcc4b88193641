// Hostile bytes for the relay: below yamux, in yamux, and in the header of a stream. A table each.
// Must never depend on where one WebSocket message ends.
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type WebSocket from 'ws';
import { frame } from '../../shared/testing/raw-peer.ts';
import { connectClient, openStream, WatchedStream } from '../../shared/testing/relay-peers.ts';
import { dial, endOr } from './target.ts';
import type { Attack, AttackCase, Target } from './target.ts';

/** Sends on a client's WebSocket; the outcome is how that ended. */
const sent =
  (send: (ws: WebSocket) => void, path?: string): Attack =>
  async (target) => {
    const { ws, closed } = await dial(target, path);
    send(ws);
    const outcome = await endOr(closed);
    ws.terminate();
    return outcome;
  };

/** Sends bytes under the WebSocket, past the upgrade. */
const underneath = (bytes: Buffer): Attack =>
  sent((ws) => (ws as unknown as { _socket: Duplex })._socket.write(bytes));

/** Sends what provokes answers for a while, and reads none. */
const unread = (bytes: Buffer, times: number): Attack =>
  sent((ws) => {
    (ws as unknown as { _socket: Duplex })._socket.pause();
    for (let i = 0; i < times; i += 1) ws.send(bytes);
  });

const many = (count: number, make: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_none, index) => make(index)));
const syn = (id: number): Buffer => frame(1, 1, id);
const ping = (index: number): Buffer => frame(2, 1, 0, index);

/** An HTTP request by hand; the outcome is the status line. */
const http =
  (text: string): Attack =>
  (target) =>
    new Promise((resolve) => {
      const { port } = new URL(target.world.relayUrl);
      const socket = connect(Number(port), '127.0.0.1');
      let answer = '';
      socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
      socket.on('error', () => undefined);
      socket.once('close', () => resolve(answer.split('\r\n')[0] ?? ''));
      socket.write(text.replaceAll('HOST', `127.0.0.1:${port}`));
      setTimeout(() => socket.destroy(), 1000).unref();
    });
const upgrade = (more: string): string =>
  'GET /v1/client HTTP/1.1\r\nHost: HOST\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${more}\r\n`;

export const webSocketCases: readonly AttackCase[] = [
  ['an upgrade without a token', /^HTTP\/1\.1 401/, http(upgrade(''))],
  [
    'an upgrade with a token of 100 KiB',
    /^HTTP\/1\.1 431/,
    http(upgrade(`Authorization: Bearer ${'a'.repeat(100_000)}\r\n`)),
  ],
  ['an upgrade of a web page', /^HTTP\/1\.1 403/, http(upgrade('Origin: https://evil.example\r\n'))],
  ['a request that is no HTTP', /^HTTP\/1\.1 400/, http('\u0016\u0003\u0001 hello\r\n\r\n')],
  [
    'a request with two lengths',
    /^HTTP\/1\.1 400/,
    http('POST / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'),
  ],
  ['a message of 1 MiB and a byte', /^closed 1009/, sent((ws) => ws.send(Buffer.alloc(1024 * 1024 + 1)))],
  [
    'a message that claims 2^62 bytes',
    /^closed 1009/,
    underneath(Buffer.from('82ff400000000000000000000000', 'hex')),
  ],
  ['text after the opening', /^closed relay_protocol/, sent((ws) => ws.send('{"v":1}'))],
  ['a frame without a mask', /^closed 1002/, underneath(Buffer.from('820100', 'hex'))],
  ['reserved bits', /^closed 1002/, underneath(Buffer.from('f28000000000', 'hex'))],
  ['an unknown opcode', /^closed 1002/, underneath(Buffer.from('8b8000000000', 'hex'))],
  [
    'a message in 20,000 fragments',
    /^closed 1008/,
    sent((ws) => {
      for (let i = 0; i < 20_000; i += 1) ws.send(Buffer.alloc(1), { fin: false, binary: true });
    }),
  ],
  [
    'a proof that is none',
    /^closed relay_protocol/,
    sent((ws) => ws.send('{"type":"enrol"}'), '/v1/service'),
  ],
  [
    'a proof with a wrong signature',
    /^closed not_authorised/,
    sent((ws) => {
      const publicKey = Buffer.alloc(32, 1).toString('base64url');
      const signature = Buffer.alloc(64, 1).toString('base64url');
      ws.send(JSON.stringify({ type: 'enrol', v: 1, publicKey, url: 'ws://127.0.0.1:1', signature }));
    }, '/v1/service'),
  ],
  [
    'frames before a proof',
    /^closed relay_protocol/,
    sent((ws) => {
      for (let i = 0; i < 4; i += 1) ws.send(Buffer.alloc(512 * 1024));
    }, '/v1/service'),
  ],
];

export const yamuxCases: readonly AttackCase[] = [
  ['another version', /^closed wire_bad_version/, sent((ws) => ws.send(Buffer.alloc(12, 1)))],
  ['an unknown type', /^closed wire_bad_type/, sent((ws) => ws.send(frame(4, 0, 0)))],
  ['unknown flags', /^closed wire_bad_type/, sent((ws) => ws.send(frame(0, 16, 1)))],
  [
    'data on an unknown stream',
    /^closed wire_unknown_stream/,
    sent((ws) => ws.send(frame(0, 0, 9, Buffer.alloc(9)))),
  ],
  ['a stream id of the relay', /^closed wire_unknown_stream/, sent((ws) => ws.send(syn(2)))],
  [
    'the same stream twice',
    /^closed wire_unknown_stream/,
    sent((ws) => ws.send(Buffer.concat([syn(1), syn(1)]))),
  ],
  ['a ping on a stream', /^closed wire_unknown_stream/, sent((ws) => ws.send(frame(2, 1, 1)))],
  [
    'more than the window',
    /^closed wire_window_exceeded/,
    sent((ws) => ws.send(Buffer.concat([syn(1), frame(0, 0, 1, 300_000)]))),
  ],
  [
    'data that claims 4 GiB',
    /^closed wire_window_exceeded/,
    sent((ws) => ws.send(frame(0, 1, 1, 0xffffffff))),
  ],
  [
    'windows above 2^32',
    /^closed wire_bad_length/,
    sent((ws) => ws.send(Buffer.concat([syn(1), frame(1, 0, 1, 0xffffffff), frame(1, 0, 1, 0xffffffff)]))),
  ],
  ['half a frame and then nothing', /^open/, sent((ws) => ws.send(Buffer.alloc(5)))],
  [
    '20,000 streams',
    /^(open|closed wire_flood)/,
    sent((ws) => ws.send(many(20_000, (index) => syn(2 * index + 1)))),
  ],
  [
    '20,000 streams, and no answer read',
    /^(open|closed)/,
    unread(
      many(20_000, (index) => syn(2 * index + 1)),
      1,
    ),
  ],
  ['pings without end, and no answer read', /^(open|closed)/, unread(many(40_000, ping), 20)],
  [
    'pings on the WebSocket without end, and no answer read',
    /^(open|closed)/,
    sent((ws) => {
      (ws as unknown as { _socket: Duplex })._socket.pause();
      for (let i = 0; i < 50_000; i += 1) ws.ping(Buffer.alloc(100));
    }),
  ],
  ['a go-away and more streams', /^open/, sent((ws) => ws.send(Buffer.concat([frame(3, 0, 0, 0), syn(1)])))],
];

const prefixed = (length: number, text: string): Buffer =>
  Buffer.concat([Buffer.from([length >> 8, length & 255]), Buffer.from(text)]);

/** Opens a stream with these bytes; the outcome is the code of the refusal, `yes`, or how the stream ended. */
const header =
  (make: (target: Target) => readonly Uint8Array[]): Attack =>
  async (target) => {
    const peer = await connectClient(new URL(target.world.relayUrl), target.relayToken);
    const watched = new WatchedStream(peer.link.openStream());
    try {
      for (const piece of make(target)) {
        watched.stream.write(piece);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      await watched.until(() => watched.first !== undefined || watched.ended);
      const answer = watched.first?.json as { ok: boolean; error?: { code: string } } | undefined;
      return answer?.ok === true ? 'yes' : (answer?.error?.code ?? 'ended');
    } catch {
      return (await watched.closed)?.code ?? 'ended';
    } finally {
      peer.link.close();
    }
  };
const whole = (text: string): Attack => header(() => [prefixed(Buffer.byteLength(text), text)]);

export const headerCases: readonly AttackCase[] = [
  ['no JSON', /^header_malformed$/, whole('hello')],
  ['no UTF-8', /^header_malformed$/, header(() => [Buffer.from([0, 2, 0xff, 0xfe])])],
  ['JSON of another form', /^header_malformed$/, whole('[]')],
  ['deep JSON', /^header_malformed$/, whole('['.repeat(4000))],
  ['an unknown kind', /^header_malformed$/, whole('{"v":1,"kind":"shell","serviceId":"abcd-efgh-2345"}')],
  [
    'a kind that is reserved',
    /^not_authorised$/,
    whole('{"v":1,"kind":"device","serviceId":"abcd-efgh-2345"}'),
  ],
  ['another version', /^header_malformed$/, whole('{"v":2,"kind":"e2ee","serviceId":"abcd-efgh-2345"}')],
  [
    'a service that is not there',
    /^service_offline$/,
    whole('{"v":1,"kind":"e2ee","serviceId":"abcd-efgh-2345"}'),
  ],
  [
    'a service id that is a path',
    /^service_offline$/,
    whole('{"v":1,"kind":"e2ee","serviceId":"../../etc/passwd"}'),
  ],
  ['__proto__ as its id', /^service_offline$/, whole('{"v":1,"kind":"e2ee","serviceId":"__proto__"}')],
  ['4097 bytes', /^header_too_large$/, header(() => [prefixed(4097, ' '.repeat(4097))])],
  ['65,535 bytes that never come', /^header_too_large$/, header(() => [Buffer.from([255, 255])])],
  [
    'one byte at a time',
    /^yes$/,
    header(({ serviceId }) => {
      const text = JSON.stringify({ v: 1, kind: 'e2ee', serviceId });
      return [...prefixed(text.length, text)].map((byte) => Buffer.from([byte]));
    }),
  ],
  [
    'a client id of its own choice',
    /^yes$/,
    header(({ serviceId }) => {
      const text = JSON.stringify({ v: 1, kind: 'e2ee', serviceId, clientId: 'superadmin' });
      return [prefixed(text.length, text)];
    }),
  ],
  [
    '2,000 streams to the service that say no more',
    /^open$/,
    async (target) => {
      const peer = await connectClient(new URL(target.world.relayUrl), target.relayToken);
      const { serviceId } = target;
      for (let i = 0; i < 2000; i += 1) openStream(peer, { v: 1, kind: 'e2ee', serviceId });
      const outcome = await endOr(
        peer.closed.then(({ code }) => code),
        500,
      );
      await target.expectHealthy();
      peer.link.close();
      return outcome;
    },
  ],
];
