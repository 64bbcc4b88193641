// HTTP/1.1 inside E2EE that means two things at once, or nothing (RFC 9112 sections 6 and 11). A table: where a
// request could be smuggled behind another, its answer would show as a second status.
import { setTimeout as delay } from 'node:timers/promises';
import { h2Preface } from '../../shared/testing/http2-frames.ts';
import type { Attack, AttackCase } from './target.ts';

/** Nothing more comes where nothing came for so long, in milliseconds; a busy machine may be late with the first. */
const quietMs = 300;
const firstAnswerMs = 1_500;

/** Sends text over HTTP/1.1 in TLS; the outcome is the status of each answer, and whether the connection goes on. */
const http1 =
  (text: string): Attack =>
  (target) =>
    target.raw(async (client) => {
      const socket = await client.openTls(target.serviceId, { ALPNProtocols: ['http/1.1'] });
      let answers = '';
      let quietFrom = performance.now() + firstAnswerMs;
      socket.on('data', (chunk: Buffer) => {
        answers += chunk.toString('latin1');
        quietFrom = performance.now();
      });
      socket.write(Buffer.from(text, 'latin1'));
      while (!socket.destroyed && performance.now() < quietFrom + quietMs) await delay(20);
      const statuses = [...answers.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
      return `${statuses.join(' ')} ${socket.destroyed ? 'closed' : 'open'}`.trim();
    });

const request = (...lines: string[]): string =>
  `POST /rpc/ping HTTP/1.1\r\nhost: x\r\n${lines.join('\r\n')}\r\n\r\n`;
const smuggled = request('content-length: 0');
const refused = /^(4\d\d )?closed$/;

export const http1Cases: readonly AttackCase[] = [
  ['an honest request', /^200 open$/, http1(smuggled)],
  [
    'a length and chunks',
    refused,
    http1(`${request('content-length: 5', 'transfer-encoding: chunked')}0\r\n\r\n${smuggled}`),
  ],
  [
    'chunks and a length',
    refused,
    http1(`${request('transfer-encoding: chunked', 'content-length: 5')}0\r\n\r\n${smuggled}`),
  ],
  ['two lengths', refused, http1(`${request('content-length: 0', 'content-length: 5')}${smuggled}`)],
  ['a list of lengths', refused, http1(`${request('content-length: 0, 5')}${smuggled}`)],
  ['a length with a sign', refused, http1(`${request('content-length: +5')}${smuggled}`)],
  ['a length that is negative', refused, http1(request('content-length: -1'))],
  ['a length of 10^30', refused, http1(request(`content-length: 1${'0'.repeat(30)}`))],
  [
    'a coding that nobody knows',
    refused,
    http1(`${request('transfer-encoding: xchunked')}0\r\n\r\n${smuggled}`),
  ],
  [
    'chunked, and then another coding',
    refused,
    http1(`${request('transfer-encoding: chunked, identity')}0\r\n\r\n${smuggled}`),
  ],
  ['a chunk whose size is none', refused, http1(`${request('transfer-encoding: chunked')}zz\r\n${smuggled}`)],
  ['a chunk of 2^80 bytes', refused, http1(`${request('transfer-encoding: chunked')}${'f'.repeat(20)}\r\n`)],
  [
    'a chunk extension of 100 KiB',
    refused,
    http1(`${request('transfer-encoding: chunked')}1;${'a'.repeat(100_000)}`),
  ],
  ['a header of 100 KiB', refused, http1(request(`a: ${'x'.repeat(100_000)}`))],
  [
    '10,000 header fields',
    refused,
    http1(request(...Array.from({ length: 10_000 }, (_none, i) => `h${i}: 1`))),
  ],
  ['a space before the colon', refused, http1(`${request('content-length : 5')}${smuggled}`)],
  ['a folded line', refused, http1(request('a: b', ' transfer-encoding: chunked'))],
  ['line ends that are none', refused, http1(smuggled.replaceAll('\r\n', '\r'))],
  ['a NUL in a header', refused, http1(request('a: b\0c'))],
  ['HTTP/0.9', refused, http1('GET /rpc/ping\r\n\r\n')],
  ['HTTP/2 in the place of HTTP/1.1', refused, http1(h2Preface.toString('latin1'))],
  ['CONNECT', refused, http1('CONNECT evil:443 HTTP/1.1\r\nhost: evil:443\r\n\r\n')],
  [
    'an upgrade',
    /^(4\d\d|200) (open|closed)$/,
    http1(request('connection: upgrade', 'upgrade: websocket', 'content-length: 0')),
  ],
  [
    'an absolute path',
    /^404 open$/,
    http1('POST http://evil/rpc/ping HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n'),
  ],
  ['500 requests at once', /^(200 ){500}open$/, http1(smuggled.repeat(500))],
];
