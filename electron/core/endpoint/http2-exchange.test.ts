// An answer to somebody who has just gone: a reset may arrive between any two lines of a handler, and must never
// become an exception that nobody catches.
import { connect } from 'node:http2';
import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { openTunnelPair } from '../../../shared/testing/tunnel-pair.ts';
import { startRequest } from './endpoint-samples.ts';
import type { Exchange } from './exchange.ts';
import { serveHttp2 } from './session-server.ts';

it('an answer in the very moment of a reset goes nowhere and throws nothing, a streamed one is cancelled', async () => {
  const pair = await openTunnelPair({ alpn: ['h2'] });
  const arrived = Promise.withResolvers<Exchange>();
  serveHttp2(pair.service, { take: arrived.resolve, broken: () => undefined });
  const session = connect('https://service', { createConnection: () => pair.client.socket });
  session.on('error', () => undefined);
  const stream = startRequest(session, '/rpc/ping');
  stream.end();
  const exchange = await arrived.promise;
  exchange.body.resume();
  const outcome = new Promise((resolve) => {
    exchange.body.once('aborted', () => {
      try {
        exchange.respond(200, 'application/json', Buffer.from('1'));
        const streamed = exchange.stream('application/octet-stream', Readable.from(['1']));
        streamed.catch((error: unknown) =>
          resolve([exchange.bytesWritten, (error as { code: string }).code]),
        );
      } catch (error) {
        resolve(error);
      }
    });
  });
  stream.close(8);
  expect(await outcome).toEqual([0, 'cancelled']);
  pair.close();
});
