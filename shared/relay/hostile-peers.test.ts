// What hostile clients and services send, as tables: each ends its own stream or connection with a coded error, and
// the relay goes on with everybody else.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { dialWebSocket } from '../net/dial.ts';
import { nextOpening, relayPaths } from '../net/opening.ts';
import {
  connectClient,
  connectService,
  firstAnswer,
  startTestRelay,
  WatchedStream,
} from '../testing/relay-peers.ts';
import type { TestPeer, TestRelay } from '../testing/relay-peers.ts';
import { frame } from '../testing/raw-peer.ts';

let test: TestRelay;
let service: TestPeer;
let bystander: TestPeer;

beforeAll(async () => {
  test = await startTestRelay({
    open: true,
    limits: {
      headerTimeoutMs: 300,
      maxStreamsPerClient: 64,
      streamOpensPerSecond: 100,
      streamOpenBurst: 200,
    },
  });
  service = await connectService(test.url);
  bystander = await connectClient(test.url);
});

afterAll(async () => {
  await expectService();
  expect(service.link.closed).toBe(false);
  await test.stop();
});

async function expectService(): Promise<void> {
  const header = { v: 1, kind: 'e2ee', serviceId: service.name };
  expect(await firstAnswer(bystander, header)).toMatchObject({ clientId: 'anonymous' });
}

/** A WebSocket that sends what a test wants, and tells how the relay closed it. */
async function dialRaw(path: string): Promise<{ ws: WebSocket; closed: Promise<string> }> {
  const ws = new WebSocket(new URL(path, test.url), { perMessageDeflate: false });
  const closed = new Promise<string>((resolve) => {
    ws.on('close', (code, reason) => {
      resolve(reason.length === 0 ? String(code) : reason.toString());
    });
  });
  ws.on('error', () => undefined);
  await new Promise((resolve) => ws.once('open', resolve));
  return { ws, closed };
}

const prefixed = (length: number, text: string): Buffer => {
  const bytes = Buffer.alloc(2 + Buffer.byteLength(text));
  bytes.writeUInt16BE(length, 0);
  bytes.write(text, 2);
  return bytes;
};

describe('a client connection ends, with a code,', () => {
  it.each<[string, string, (ws: WebSocket) => void]>([
    ['after text', 'relay_protocol', (ws) => ws.send('hello')],
    ['after a message of more than 1 MiB', '1009', (ws) => ws.send(Buffer.alloc(1024 * 1024 + 1))],
    ['after a yamux frame of version 1', 'wire_bad_version', (ws) => ws.send(Buffer.alloc(12, 1))],
    ['after a frame of unknown type', 'wire_bad_type', (ws) => ws.send(frame(9, 0, 0))],
    ['after unknown flags', 'wire_bad_type', (ws) => ws.send(frame(0, 0x80, 1))],
    [
      'after data on a stream that never was',
      'wire_unknown_stream',
      (ws) => ws.send(frame(0, 0, 7, Buffer.alloc(4))),
    ],
    ['after opening an id of the relay', 'wire_unknown_stream', (ws) => ws.send(frame(1, 1, 2))],
    [
      'after opening an id twice',
      'wire_unknown_stream',
      (ws) => ws.send(Buffer.concat([frame(1, 1, 1), frame(1, 1, 1)])),
    ],
    [
      'after declaring more than the window',
      'wire_window_exceeded',
      (ws) => ws.send(frame(0, 1, 1, 0x7fffffff)),
    ],
    [
      'after granting more than 4 GiB',
      'wire_bad_length',
      (ws) => ws.send(Buffer.concat([frame(1, 1, 1, 0xffffffff)])),
    ],
    [
      'after a thousand fragments of a message',
      '1008',
      (ws) => {
        for (let index = 0; index < 1100; index += 1) ws.send('x', { fin: false, binary: true });
      },
    ],
    [
      'after random bytes',
      'wire_bad_version',
      (ws) => ws.send(Buffer.concat([Buffer.from([7]), randomBytes(500)])),
    ],
  ])('%s: %s', async (_name, reason, send) => {
    const { ws, closed } = await dialRaw(relayPaths.client);
    send(ws);
    expect(await closed).toBe(reason);
    await expectService();
  });
});

describe('a service connection ends, with a code,', () => {
  it.each<[string, string, (ws: WebSocket) => void]>([
    ['after no JSON', 'relay_protocol', (ws) => ws.send('hello')],
    ['after the wrong message', 'relay_protocol', (ws) => ws.send('{"type":"welcome","v":1,"domain":"x"}')],
    ['after null', 'relay_protocol', (ws) => ws.send('null')],
    ['after a huge text', 'relay_protocol', (ws) => ws.send('x'.repeat(20_000))],
    [
      'after frames before its proof',
      'relay_protocol',
      (ws) => {
        for (let index = 0; index < 20; index += 1) ws.send(Buffer.alloc(64 * 1024));
      },
    ],
  ])('%s: %s', async (_name, reason, send) => {
    const { ws, closed } = await dialRaw(relayPaths.service);
    send(ws);
    expect(await closed).toBe(reason);
    await expectService();
  });

  it('after it has been refused, though it does not close', async () => {
    const channel = await dialWebSocket(test.url, relayPaths.service);
    await nextOpening(channel, 'challenge', 5000);
    channel.sendText('{}');
    await expect(nextOpening(channel, 'welcome', 5000)).rejects.toMatchObject({ code: 'relay_protocol' });
  });
});

describe('a stream ends, and nothing else,', () => {
  it.each<[string, (stream: WatchedStream['stream']) => void]>([
    ['with a header that is no JSON', (stream) => stream.write(prefixed(5, 'hello'))],
    ['with a header that is no UTF-8', (stream) => stream.write(Buffer.from([0, 2, 0xff, 0xfe]))],
    ['with a header that says it is huge', (stream) => stream.write(prefixed(0xffff, 'x'))],
    ['with an empty header', (stream) => stream.write(prefixed(0, ''))],
    [
      'with half a header',
      (stream) => {
        stream.write(prefixed(100, '{"v"'));
        stream.end();
      },
    ],
    ['without a header', (stream) => stream.end()],
    ['silent', () => undefined],
    [
      'with a header that trickles in',
      (stream) => {
        stream.write(prefixed(200, '{'));
        const drip = setInterval(() => {
          if (stream.state === 'closed') clearInterval(drip);
          else stream.write(Buffer.from(' '));
        }, 20);
      },
    ],
  ])('%s', async (_name, send) => {
    const client = await connectClient(test.url);
    const watched = new WatchedStream(client.link.openStream());
    send(watched.stream);
    await watched.until(() => watched.first !== undefined);
    expect(JSON.stringify(watched.first?.json)).toMatch(/"code":"header_(malformed|too_large|timeout)"/);
    watched.stream.reset();
    const header = { v: 1, kind: 'e2ee', serviceId: service.name };
    expect(await firstAnswer(client, header)).toMatchObject({ v: 1 });
    client.link.close();
  });

  it('where more are opened at once than a client may', async () => {
    const client = await connectClient(test.url);
    const streams = Array.from({ length: 70 }, () => new WatchedStream(client.link.openStream()));
    const reset = await Promise.all(streams.slice(64).map((each) => each.closed));
    expect(reset.map((error) => error?.code)).toEqual(Array(6).fill('stream_reset'));
    expect(client.link.closed).toBe(false);
    client.link.close();
  });

  it('where they are opened too fast, with an answer that says so', async () => {
    const client = await connectClient(test.url);
    let refused: unknown;
    for (let index = 0; index < 400 && refused === undefined; index += 1) {
      const watched = new WatchedStream(client.link.openStream());
      watched.stream.write(prefixed(2, '[]'));
      await watched.until(() => watched.first !== undefined);
      watched.stream.end();
      const { json } = watched.first!;
      if (JSON.stringify(json).includes('limit_exceeded')) refused = json;
    }
    expect(refused).toMatchObject({ ok: false, error: { code: 'limit_exceeded' } });
    client.link.close();
  });

  it('and a refused one that the client keeps open is reset after a while', async () => {
    const client = await connectClient(test.url);
    const watched = new WatchedStream(client.link.openStream());
    watched.stream.write(prefixed(2, '[]'));
    await watched.until(() => watched.ended);
    expect((await watched.closed)?.code).toBe('stream_reset');
    client.link.close();
  });
});

describe('a flood of frames whose answers are not read', () => {
  const perRound = 20_000;
  const each = (round: number, make: (id: number) => Buffer): Buffer =>
    Buffer.concat(Array.from({ length: perRound }, (_, index) => make(1 + 2 * (round * perRound + index))));

  it.each<[string, (round: number) => Buffer]>([
    ['pings', (round) => each(round, (id) => frame(2, 1, 0, id))],
    ['streams', (round) => each(round, (id) => frame(1, 1, id))],
    [
      'streams reset at once',
      (round) => each(round, (id) => Buffer.concat([frame(1, 1, id), frame(1, 8, id)])),
    ],
  ])(
    'ends the connection before %s fill the memory',
    async (_name, make) => {
      const { ws, closed } = await dialRaw(relayPaths.client);
      ws.pause();
      const giveUpAt = performance.now() + 15_000;
      for (let round = 0; ws.readyState === WebSocket.OPEN && performance.now() < giveUpAt; round += 1) {
        await new Promise((resolve) => ws.send(make(round), resolve));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      expect(ws.readyState).not.toBe(WebSocket.OPEN);
      ws.resume();
      expect(['1006', 'wire_flood']).toContain(await closed);
      await expectService();
    },
    30_000,
  );
});
