// The WebSocket channel over real sockets: what goes into one message, when it is congested and that it always
// says when that is over, and what a peer that breaks the rules gets.
import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import type { WebSocket } from 'ws';
import type { GatehouseError } from '../contracts/errors.ts';
import { GatehouseError as Failure } from '../contracts/errors.ts';
import {
  opcode,
  openChannels,
  openWithBareSocket,
  openWithClient,
  webSocketFrame,
} from '../testing/socket-pair.ts';
import { closeCode, maxMessageLength, WebSocketChannel } from './channel.ts';

const KiB = 1024;

class Recorder {
  readonly chunks: Uint8Array[] = [];
  readonly closes: GatehouseError[] = [];
  received = 0;
  drains = 0;
  onDrained: (() => void) | null = null;

  binary(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.received += chunk.length;
  }

  drained(): void {
    this.drains += 1;
    this.onDrained?.();
  }

  closed(error: GatehouseError): void {
    this.closes.push(error);
  }
}

function start(channel: WebSocketChannel): Recorder {
  const recorder = new Recorder();
  channel.start(recorder);
  return recorder;
}

function messagesAt(ws: WebSocket): Buffer[] {
  const messages: Buffer[] = [];
  ws.on('message', (data: Buffer) => messages.push(data));
  return messages;
}

describe('writing', () => {
  it('sends the small frames of one turn as one message', async () => {
    const { channel, peer } = await openWithClient();
    const messages = messagesAt(peer);
    for (const letter of 'abcde') channel.write(Buffer.from(`<${letter}>`), Buffer.from(letter.repeat(3)));
    channel.write(Buffer.from('<end>'), null);
    await vi.waitFor(() => expect(messages).toHaveLength(1));
    expect(messages[0]?.toString()).toBe('<a>aaa<b>bbb<c>ccc<d>ddd<e>eee<end>');
  });

  it('sends large payloads as messages of their own, in order', async () => {
    const { channel, peer } = await openWithClient();
    const messages = messagesAt(peer);
    channel.write(Buffer.from('one'), new Uint8Array(4 * KiB).fill(1));
    channel.write(Buffer.from('two'), new Uint8Array(64 * KiB).fill(2));
    channel.write(Buffer.from('three'), null);
    await vi.waitFor(() => expect(messages).toHaveLength(5));
    expect(messages.map((each) => each.length)).toEqual([3, 4 * KiB, 3, 64 * KiB, 5]);
    expect(Buffer.concat(messages).toString('latin1', 0, 4)).toBe('one\x01');
  });

  it('does not wait for the end of the turn once 256 KiB have been collected', async () => {
    const { channel, socket } = await openWithClient();
    const before = socket.bytesWritten;
    channel.write(new Uint8Array(200 * KiB), null);
    expect(socket.bytesWritten).toBe(before);
    channel.write(new Uint8Array(56 * KiB), null);
    expect(socket.bytesWritten).toBeGreaterThan(before + 256 * KiB);
  });

  it('is congested from 512 KiB on while the peer does not read, and says so when that is over', async () => {
    const { channel, peerSocket, ws } = await openWithClient();
    const recorder = start(channel);
    peerSocket.pause();
    let written = 0;
    while (channel.write(new Uint8Array(64 * KiB), null)) {
      written += 64 * KiB;
      await new Promise((resolve) => setImmediate(resolve));
      expect(ws.bufferedAmount).toBeLessThan(512 * KiB);
      expect(written).toBeLessThan(64 * 1024 * KiB);
    }
    expect(recorder.drains).toBe(0);
    peerSocket.resume();
    await vi.waitFor(() => expect(recorder.drains).toBe(1));
  });

  it.each([12, 100, 4 * KiB, 64 * KiB, 300 * KiB, 700 * KiB])(
    'reports the end of every congestion to a writer of %i bytes at a time',
    async (size) => {
      const { channel, peer } = await openChannels();
      const reader = start(peer);
      const writer = start(channel);
      const total = Math.min(4000 * size, 24 * 1024 * KiB);
      let written = 0;
      const pump = (): void => {
        while (written < total) {
          written += size;
          if (!channel.write(new Uint8Array(size), null)) return;
        }
      };
      writer.onDrained = pump;
      pump();
      await vi.waitFor(() => expect(reader.received).toBe(written), { timeout: 10_000 });
      expect(written).toBeGreaterThanOrEqual(total);
    },
  );

  it('reports it too where the socket has emptied without a drain event', async () => {
    const socket = Object.assign(new EventEmitter(), { cork() {}, uncork() {}, writableNeedDrain: false });
    const ws = Object.assign(new EventEmitter(), { readyState: 1, OPEN: 1, bufferedAmount: 600 * KiB, send() {} });
    const channel = new WebSocketChannel(ws as unknown as WebSocket, socket as unknown as Socket);
    const recorder = start(channel);
    expect(channel.write(new Uint8Array(12), null)).toBe(false);
    ws.bufferedAmount = 0;
    await vi.waitFor(() => expect(recorder.drains).toBe(1));
  });
});

describe('closing', () => {
  it('tells the peer the code, and sends what was written first', async () => {
    const { channel, peer } = await openWithClient();
    const recorder = start(channel);
    const messages = messagesAt(peer);
    const closed = once(peer, 'close');
    channel.write(Buffer.from('last words'), null);
    channel.close(new Failure('not_authorised', 'No.'), closeCode.refused);
    const [code, reason] = (await closed) as [number, Buffer];
    expect([code, reason.toString(), messages.join()]).toEqual([4403, 'not_authorised', 'last words']);
    await vi.waitFor(() => expect(recorder.closes.map((each) => each.code)).toEqual(['not_authorised']));
  });

  it.each([
    ['one of our codes', 4403, 'service_id_taken', 'service_id_taken'],
    ['another reason', 4000, 'because', 'wire_closed'],
    ['no reason', 1000, '', 'wire_closed'],
  ])('by the peer with %s becomes a coded error', async (_name, code, reason, expected) => {
    const { channel, peer } = await openWithClient();
    const recorder = start(channel);
    peer.close(code, reason);
    await vi.waitFor(() => expect(recorder.closes.map((each) => each.code)).toEqual([expected]));
  });

  it('without a closing exchange becomes wire_closed', async () => {
    const { channel, peerSocket } = await openWithClient();
    const recorder = start(channel);
    peerSocket.destroy();
    await vi.waitFor(() => expect(recorder.closes.map((each) => each.code)).toEqual(['wire_closed']));
  });

  it('is told to a handler that starts afterwards, and to onClosed before', async () => {
    const { channel, peerSocket } = await openWithClient();
    const told: string[] = [];
    channel.onClosed((error) => told.push(error.code));
    peerSocket.destroy();
    await vi.waitFor(() => expect(told).toEqual(['wire_closed']));
    expect(start(channel).closes).toHaveLength(1);
    const late: string[] = [];
    channel.onClosed((error) => late.push(error.code));
    await vi.waitFor(() => expect(late).toEqual(['wire_closed']));
  });

  it('cuts off a peer that does not answer the closing exchange', { timeout: 10_000 }, async () => {
    const { channel, peer } = await openWithBareSocket();
    const recorder = start(channel);
    const ended = once(peer, 'close');
    channel.close(new Failure('shutting_down', 'Bye.'));
    await vi.waitFor(() => expect(recorder.closes.map((each) => each.code)).toEqual(['shutting_down']), 4000);
    await ended;
  });

  it('terminates at once where that is asked for', async () => {
    const { channel, peer } = await openWithClient();
    const recorder = start(channel);
    const closed = once(peer, 'close');
    channel.terminate(new Failure('keepalive_timeout', 'Gone.'));
    const [code] = (await closed) as [number];
    expect([code, recorder.closes.map((each) => each.code)]).toEqual([1006, ['keepalive_timeout']]);
  });
});

describe('before start', () => {
  it('keeps binary messages and hands them over in order', async () => {
    const { channel, peer, ws } = await openWithClient();
    const messages = messagesAt(ws);
    peer.send(Buffer.from('first '));
    peer.send(Buffer.from('second '));
    await vi.waitFor(() => expect(messages).toHaveLength(2));
    const recorder = start(channel);
    peer.send(Buffer.from('third'));
    await vi.waitFor(() => expect(Buffer.concat(recorder.chunks).toString()).toBe('first second third'));
  });

  it('refuses a peer that sends more than 1 MiB, and keeps nothing of what follows', async () => {
    const { channel, peer, ws } = await openWithBareSocket();
    const messages = messagesAt(ws);
    for (let sent = 0; sent < 40; sent += 1) peer.write(webSocketFrame(opcode.binary, Buffer.alloc(100 * KiB)));
    await vi.waitFor(() => expect(messages).toHaveLength(40));
    expect(ws.readyState).toBe(ws.CLOSING);
    expect(start(channel).received).toBeLessThanOrEqual(1024 * KiB);
  });

  it('hands text over one message at a time, so that a second one waits for its taker', async () => {
    const { channel, peer, ws } = await openWithClient();
    const messages = messagesAt(ws);
    peer.send('one');
    peer.send('two');
    await vi.waitFor(() => expect(messages).toHaveLength(2));
    const taken: string[] = [];
    const takeOne = (): void =>
      channel.onText((text) => {
        channel.onText(null);
        taken.push(text);
      });
    takeOne();
    expect(taken).toEqual(['one']);
    takeOne();
    expect(taken).toEqual(['one', 'two']);
  });
});

describe('a peer that breaks the rules', () => {
  const closedBy = async (peer: WebSocket): Promise<number> => ((await once(peer, 'close')) as [number])[0];

  it.each([
    ['text after the opening exchange', ['x'], true],
    ['text of more than 16 KiB', ['x'.repeat(16 * KiB + 1)], false],
    ['five text messages that nobody waits for', ['1', '2', '3', '4', '5'], false],
  ])('by %s is refused', async (_name, texts, started) => {
    const { channel, peer } = await openWithClient();
    const told: string[] = [];
    if (started) channel.start({ binary() {}, drained() {}, closed: (error) => told.push(error.code) });
    else channel.onClosed((error) => told.push(error.code));
    for (const text of texts) peer.send(text);
    expect(await closedBy(peer)).toBe(closeCode.protocolError);
    await vi.waitFor(() => expect(told).toEqual(['relay_protocol']));
  });

  it('by a message of more than 1 MiB is closed with 1009', async () => {
    const { channel, peer } = await openWithClient();
    const recorder = start(channel);
    peer.send(new Uint8Array(maxMessageLength + 1));
    expect(await closedBy(peer)).toBe(1009);
    await vi.waitFor(() => expect(recorder.closes.map((each) => each.code)).toEqual(['relay_protocol']));
    expect(recorder.received).toBe(0);
  });

  it.each([
    ['a declared length of 4 GiB', [webSocketFrame(opcode.binary, Buffer.alloc(9), true, 2 ** 32)]],
    [
      'fragments of more than 1 MiB together',
      [
        webSocketFrame(opcode.binary, Buffer.alloc(700 * KiB), false),
        webSocketFrame(opcode.continuation, Buffer.alloc(700 * KiB)),
      ],
    ],
    ['a continuation of nothing', [webSocketFrame(opcode.continuation, Buffer.alloc(1))]],
    ['an unknown opcode', [webSocketFrame(5, Buffer.alloc(1))]],
    ['text that is not UTF-8', [webSocketFrame(opcode.text, Buffer.from([0xff]))]],
  ])('by %s ends its connection and nothing of it arrives', async (_name, frames) => {
    const { channel, peer } = await openWithBareSocket();
    const recorder = start(channel);
    for (const bytes of frames) peer.write(bytes);
    peer.end();
    await vi.waitFor(() => expect(recorder.closes.map((each) => each.code)).toEqual(['relay_protocol']));
    expect(recorder.received).toBe(0);
  });

  it('but merely fragments its messages is understood', async () => {
    const { channel, peer } = await openWithBareSocket();
    const recorder = start(channel);
    peer.write(webSocketFrame(opcode.binary, Buffer.from('a'), false));
    peer.write(webSocketFrame(opcode.continuation, Buffer.from('b'), false));
    peer.write(webSocketFrame(opcode.continuation, Buffer.from('c')));
    await vi.waitFor(() => expect(recorder.chunks.map(String)).toEqual(['abc']));
  });
});
