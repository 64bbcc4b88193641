// HTTP/2 inside E2EE that floods, lies about lengths, or breaks the order of things (RFC 9113). A table.
// Must never read more of an answer than a test can hold.
import { setTimeout as delay } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import {
  H2Reader,
  h2Field,
  h2Flag,
  h2Frame,
  h2Post,
  h2Preface,
  h2Type,
} from '../../shared/testing/http2-frames.ts';
import { until } from '../support/waiting.ts';
import type { Attack, AttackCase } from './target.ts';

async function flushed(socket: TLSSocket, bytes: Buffer): Promise<void> {
  if (!socket.destroyed && !socket.write(bytes)) {
    await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), delay(1000)]);
  }
}

/** Sends these frames after the preface, and waits; the outcome is what the service made of them, and whether it goes on. */
const sent =
  (frames: Buffer, times: number, wait: (socket: TLSSocket, reader: H2Reader) => Promise<unknown>): Attack =>
  (target) =>
    target.raw(async (client) => {
      const socket = await client.openTls(target.serviceId, { ALPNProtocols: ['h2'] });
      const reader = new H2Reader(socket);
      await flushed(socket, h2Preface);
      for (let i = 0; i < times && !socket.destroyed; i += 1) await flushed(socket, frames);
      await wait(socket, reader);
      return `${reader.outcome}, ${socket.destroyed ? 'closed' : 'open'}`;
    });

const http2 = (frames: Buffer, times = 1): Attack =>
  sent(frames, times, (socket) => {
    const closed = new Promise((resolve) => socket.once('close', resolve));
    return Promise.race([closed, delay(400)]);
  });

/** The service is to say something, and a busy one is given time for that. */
const answeredHttp2 = (frames: Buffer): Attack =>
  sent(frames, 1, (socket, reader) =>
    until('the service answers', () => socket.destroyed || reader.outcome !== 'nothing'),
  );

const post = (
  stream: number,
  path: string,
  flags: number = h2Flag.endStream | h2Flag.endHeaders,
  more: Buffer[] = [],
): Buffer => h2Frame(h2Type.headers, flags, stream, h2Post(path, more));
const many = (count: number, make: (index: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_none, index) => make(index)));
const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const over = /^(go-away \d+|nothing|reset \d+|answer), closed$/;

export const http2Cases: readonly AttackCase[] = [
  ['an honest request', /^answer, open$/, answeredHttp2(post(1, '/rpc/ping'))],
  [
    '20,000 requests that are reset at once',
    over,
    http2(
      many(20_000, (i) =>
        Buffer.concat([post(2 * i + 1, '/rpc/ping'), h2Frame(h2Type.reset, 0, 2 * i + 1, word(8))]),
      ),
    ),
  ],
  [
    'requests that are reset while they wait',
    /, open$/,
    (target) =>
      target.raw(async (client) => {
        const socket = await client.openTls(target.serviceId, { ALPNProtocols: ['h2'] });
        const reader = new H2Reader(socket);
        const paths = ['/session/verify', '/rpc/echo', '/rpc/ping', '/rpc/discard'];
        const begin = (path: string, id: number): Buffer =>
          Buffer.concat([post(id, path, h2Flag.endHeaders), h2Frame(h2Type.data, 0, id, Buffer.alloc(9000))]);
        socket.write(Buffer.concat([h2Preface, ...paths.map((path, index) => begin(path, 2 * index + 1))]));
        await delay(50);
        socket.write(
          Buffer.concat(paths.map((_path, index) => h2Frame(h2Type.reset, 0, 2 * index + 1, word(8)))),
        );
        await delay(500);
        return `${reader.outcome}, ${socket.destroyed ? 'closed' : 'open'}`;
      }),
  ],
  [
    '5,000 requests at once',
    /^(reset 7|answer|go-away \d+), (open|closed)$/,
    answeredHttp2(many(5000, (i) => post(2 * i + 1, '/rpc/echo', h2Flag.endHeaders))),
  ],
  [
    'settings without end',
    over,
    http2(
      many(1000, () => h2Frame(h2Type.settings, 0, 0)),
      20,
    ),
  ],
  ['settings with 1,000 entries', over, http2(h2Frame(h2Type.settings, 0, 0, Buffer.alloc(6000)))],
  ['settings of half an entry', over, http2(h2Frame(h2Type.settings, 0, 0, Buffer.alloc(5)))],
  [
    'pings without end',
    over,
    http2(
      many(1000, () => h2Frame(h2Type.ping, 0, 0, Buffer.alloc(8))),
      50,
    ),
  ],
  [
    'empty data without end',
    over,
    http2(
      Buffer.concat([
        post(1, '/rpc/discard', h2Flag.endHeaders),
        many(20_000, () => h2Frame(h2Type.data, 0, 1)),
      ]),
    ),
  ],
  [
    'priorities without end',
    over,
    http2(many(20_000, (i) => h2Frame(h2Type.priority, 0, 2 * i + 1, Buffer.alloc(5)))),
  ],
  [
    'frames of an unknown type without end',
    over,
    http2(many(20_000, () => h2Frame(99, 0, 0, Buffer.alloc(8)))),
  ],
  [
    'a header that goes on without end',
    over,
    http2(
      Buffer.concat([
        h2Frame(h2Type.headers, 0, 1, h2Post('/rpc/ping')),
        many(20_000, () => h2Frame(h2Type.continuation, 0, 1, h2Field('a', 'b'))),
      ]),
    ),
  ],
  [
    'a header of 60 KiB',
    /^(go-away \d+|reset \d+|answer), (open|closed)$/,
    http2(
      Buffer.concat([
        h2Frame(h2Type.headers, 1, 1, h2Post('/rpc/ping', [h2Field('a', 'x'.repeat(15_000))])),
        ...['b', 'c', 'd'].map((name, i) =>
          h2Frame(h2Type.continuation, i === 2 ? 4 : 0, 1, h2Field(name, 'x'.repeat(15_000))),
        ),
      ]),
    ),
  ],
  // One field of 4,000 bytes into the table, then 8,000 references to it of a byte each.
  [
    'a header of 4 KiB that unpacks to 32 MB',
    /^(go-away \d+|reset \d+|answer), (open|closed)$/,
    http2(
      h2Frame(
        h2Type.headers,
        5,
        1,
        Buffer.concat([
          h2Post('/rpc/ping'),
          Buffer.from([0x40]),
          h2Field('a', 'x'.repeat(4000)).subarray(1),
          Buffer.alloc(8000, 0xbe),
        ]),
      ),
    ),
  ],
  [
    '1,000 header fields',
    /^(go-away \d+|reset \d+|answer), (open|closed)$/,
    http2(
      post(
        1,
        '/rpc/ping',
        5,
        Array.from({ length: 1000 }, (_none, i) => h2Field(`h${i}`, '')),
      ),
    ),
  ],
  ['a header that is no HPACK', over, http2(h2Frame(h2Type.headers, 5, 1, Buffer.alloc(100, 0xff)))],
  ['a window update of nothing', over, http2(h2Frame(h2Type.window, 0, 0, word(0)))],
  [
    'a window of more than 2^31',
    over,
    http2(
      Buffer.concat([
        h2Frame(h2Type.window, 0, 0, word(0x7fffffff)),
        h2Frame(h2Type.window, 0, 0, word(0x7fffffff)),
      ]),
    ),
  ],
  ['a frame that is too large', over, http2(h2Frame(h2Type.data, 0, 1, Buffer.alloc(64 * 1024 + 1)))],
  ['data on a stream that never was', over, http2(h2Frame(h2Type.data, 0, 7, Buffer.alloc(9)))],
  ['data on stream 0', over, http2(h2Frame(h2Type.data, 0, 0, Buffer.alloc(9)))],
  [
    'padding longer than its frame',
    over,
    http2(
      Buffer.concat([
        post(1, '/rpc/discard', 4),
        h2Frame(h2Type.data, h2Flag.padded, 1, Buffer.from([200, 0])),
      ]),
    ),
  ],
  ['a stream of an even id', over, http2(post(2, '/rpc/ping'))],
  ['a push', over, http2(h2Frame(h2Type.push, 4, 1, Buffer.concat([word(2), h2Post('/')])))],
  [
    'HTTP/1.1 in the place of HTTP/2',
    over,
    (target) =>
      target.raw(async (client) => {
        const socket = await client.openTls(target.serviceId, { ALPNProtocols: ['h2'] });
        const reader = new H2Reader(socket);
        socket.write('POST /rpc/ping HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n');
        await Promise.race([new Promise((resolve) => socket.once('close', resolve)), delay(400)]);
        return `${reader.outcome}, ${socket.destroyed ? 'closed' : 'open'}`;
      }),
  ],
  [
    'a request for 4 GiB of which nothing is read',
    /^unread$/,
    (target) =>
      target.raw(async (client) => {
        const socket = await client.openTls(target.serviceId, { ALPNProtocols: ['h2'] });
        socket.pause();
        const windows = [
          h2Frame(h2Type.settings, 0, 0, Buffer.concat([Buffer.from([0, 4]), word(0x7fffffff)])),
          h2Frame(h2Type.window, 0, 0, word(0x7fff0000)),
        ];
        const args = Buffer.from('{"bytes":4294967296}');
        const chargen = post(1, '/rpc/chargen', 4, [h2Field('content-type', 'application/json')]);
        socket.write(Buffer.concat([h2Preface, ...windows, chargen, h2Frame(h2Type.data, 1, 1, args)]));
        await delay(500);
        await target.expectHealthy();
        return 'unread';
      }),
  ],
];
