// Hostile bytes in the place of TLS, and TLS that is not allowed, in a stream to the service. A table.
// Must never take a handshake for refused that the service has accepted.
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { h2Preface } from '../../shared/testing/http2-frames.ts';
import type { Attack, AttackCase } from './target.ts';

/** Sends bytes in the place of TLS; the outcome is `closed` or `open`, and how many bytes came back. */
const insteadOfTls =
  (bytes: Buffer): Attack =>
  (target) =>
    target.raw(async (client) => {
      const duplex = await client.open('e2ee', target.serviceId);
      let received = 0;
      duplex.on('data', (chunk: Buffer) => (received += chunk.length));
      const closed = new Promise<string>((resolve) => duplex.once('close', () => resolve('closed')));
      duplex.write(bytes);
      const outcome = await Promise.race([closed, delay(1000, 'open')]);
      return `${outcome} ${received < 100 ? 'after an alert at most' : `after ${received} bytes`}`;
    });

/** A handshake with these options; the outcome is `refused`, or what was agreed on. */
const handshake =
  (options: ConnectionOptions): Attack =>
  (target) =>
    target.raw(async (client) => {
      try {
        const socket = await client.openTls(target.serviceId, options);
        // TLS 1.3 lets a client believe in a handshake that the server has refused.
        await Promise.race([new Promise((resolve) => socket.once('close', resolve)), delay(300)]);
        return socket.destroyed ? 'refused' : `${socket.getProtocol() ?? ''} ${String(socket.alpnProtocol)}`;
      } catch {
        return 'refused';
      }
    });

/** A ClientHello whose lengths are lies. */
const helloOf = (length: number): Buffer =>
  Buffer.from([22, 3, 1, length >> 8, length & 255, 1, 0xff, 0xff, 0xff]);

export const tlsCases: readonly AttackCase[] = [
  ['garbage', /^closed after an alert/, insteadOfTls(Buffer.alloc(4096, 0x41))],
  [
    'plain HTTP',
    /^closed after an alert/,
    insteadOfTls(Buffer.from('POST /rpc/ping HTTP/1.1\r\nhost: x\r\n\r\n')),
  ],
  ['plain HTTP/2', /^closed after an alert/, insteadOfTls(h2Preface)],
  ['a hello of 16 MiB', /^(closed|open) after an alert/, insteadOfTls(helloOf(9))],
  [
    'an empty record, 10,000 times',
    /^(closed|open) after an alert/,
    insteadOfTls(Buffer.alloc(50_000, Buffer.from([22, 3, 1, 0, 0]))),
  ],
  [
    'a record of more than 16 KiB',
    /^closed after an alert/,
    insteadOfTls(Buffer.concat([helloOf(0xffff), Buffer.alloc(70_000)])),
  ],
  ['an alert', /^closed after an alert/, insteadOfTls(Buffer.from([21, 3, 3, 0, 2, 2, 40]))],
  ['an honest handshake', /^TLSv1.3 h2$/, handshake({ ALPNProtocols: ['h2'] })],
  ['TLS 1.2', /^refused$/, handshake({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })],
  ['a protocol that nobody speaks', /^refused$/, handshake({ ALPNProtocols: ['spdy/3'] })],
  ['no protocol at all', /^TLSv1.3 false$/, handshake({})],
  ['no key exchange in common', /^refused$/, handshake({ ecdhCurve: 'P-521' })],
  [
    'a connection that is closed right behind its Finished, 50 times',
    /^left$/,
    (target) =>
      target.raw(async (client) => {
        for (let i = 0; i < 50; i += 1) {
          const duplex = await client.open('e2ee', target.serviceId);
          const alpn = i % 2 === 0 ? 'h2' : 'http/1.1';
          const socket = connect({ socket: duplex, rejectUnauthorized: false, ALPNProtocols: [alpn] });
          await new Promise((resolve) => socket.once('secureConnect', resolve));
          socket.destroy();
        }
        return 'left';
      }),
  ],
  [
    '200 hellos that go no further',
    /^begun$/,
    (target) =>
      target.raw(async (client) => {
        const begin = async (): Promise<void> => {
          (await client.open('e2ee', target.serviceId)).write(helloOf(512));
        };
        await Promise.all(Array.from({ length: 200 }, begin));
        await target.expectHealthy();
        return 'begun';
      }),
  ],
];
