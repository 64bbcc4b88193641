// The WebSocket channel over real sockets: what goes into one message, when it is congested, and that it
// always says when that is over.
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { ChannelRecorder, messagesAt } from '../testing/channel-recorder.ts';
import { openChannels, openWithClient } from '../testing/socket-pair.ts';
import { maxMessageLength, WebSocketChannel } from './channel.ts';

const KiB = 1024;

describe('writing', () => {
  it('sends the small frames of one turn as one message', async () => {
    const { channel, peer } = await openWithClient();
    const messages = messagesAt(peer);
    for (const letter of 'abcde') channel.write(Buffer.from(`<${letter}>`), Buffer.from(letter.repeat(3)));
    channel.write(Buffer.from('<end>'), null);
    await vi.waitFor(() => expect(messages).toHaveLength(1));
    expect(messages[0]?.toString()).toBe('<a>aaa<b>bbb<c>ccc<d>ddd<e>eee<end>');
  });

  it('sends what a read provokes at the end of that read, in one write', async () => {
    const { channel, peer, socket } = await openWithClient();
    const messages = messagesAt(peer);
    const written = await new Promise<number[]>((resolve) => {
      const binary = (): void => {
        const before = socket.bytesWritten;
        process.nextTick(() => resolve([before, during, socket.bytesWritten]));
        channel.write(Buffer.from('<answer>'), null);
        channel.write(Buffer.from('<another>'), null);
        const during = socket.bytesWritten;
      };
      channel.start({ binary, drained() {}, closed() {} });
      peer.send(Buffer.from('question'));
    });
    const [before = 0, during, atTheTick] = written;
    expect([during, atTheTick]).toEqual([before, before + 2 + '<answer><another>'.length]);
    await vi.waitFor(() => expect(messages.join()).toBe('<answer><another>'));
  });

  it('keeps small and large pieces in order', async () => {
    const { channel, peer } = await openWithClient();
    const messages = messagesAt(peer);
    const large = Buffer.alloc(64 * KiB, 'large');
    channel.write(Buffer.from('one'), Buffer.alloc(4 * KiB, '1'));
    channel.write(Buffer.from('two'), large);
    channel.write(Buffer.from('three'), null);
    const sent = `one${'1'.repeat(4 * KiB)}two${large.toString()}three`;
    await vi.waitFor(() => expect(Buffer.concat(messages).toString() === sent).toBe(true));
    expect(messages.every((each) => each.length <= maxMessageLength)).toBe(true);
  });

  it('does not wait for the end of the turn once 256 KiB have been collected', async () => {
    const { channel, socket } = await openWithClient();
    const before = socket.bytesWritten;
    for (let frame = 0; frame < 31; frame += 1) channel.write(new Uint8Array(8 * KiB), null);
    expect(socket.bytesWritten).toBe(before);
    channel.write(new Uint8Array(8 * KiB), null);
    expect(socket.bytesWritten).toBeGreaterThan(before + 256 * KiB);
  });

  it('does not keep a batch of small frames until the end of the turn, as it keeps what more follows upon', async () => {
    const { channel, socket } = await openWithClient();
    const before = socket.bytesWritten;
    for (let frame = 0; frame < 512; frame += 1) channel.write(new Uint8Array(80), null);
    await new Promise<void>(process.nextTick);
    expect(socket.bytesWritten).toBeGreaterThan(before + 512 * 80);
    const then = socket.bytesWritten;
    for (let frame = 0; frame < 2; frame += 1) channel.write(new Uint8Array(16_376), null);
    await new Promise<void>(process.nextTick);
    expect(socket.bytesWritten).toBe(then);
    await new Promise(setImmediate);
    expect(socket.bytesWritten).toBeGreaterThan(then + 2 * 16_376);
  });

  it('sends what has been collected before a full frame that would otherwise lie in two TLS records', async () => {
    const { channel, socket } = await openWithClient();
    const before = socket.bytesWritten;
    for (let frame = 0; frame < 4; frame += 1) channel.write(new Uint8Array(16_376), null);
    channel.write(new Uint8Array(100), null);
    expect(socket.bytesWritten).toBe(before);
    channel.write(new Uint8Array(16_376), null);
    expect(socket.bytesWritten).toBeGreaterThan(before + 4 * 16_376);
    expect(socket.bytesWritten).toBeLessThan(before + 5 * 16_376);
  });

  it('is congested from 512 KiB on while the peer does not read, and says so when that is over', async () => {
    const { channel, peerSocket, ws } = await openWithClient();
    const recorder = new ChannelRecorder(channel);
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
      const reader = new ChannelRecorder(peer);
      const writer = new ChannelRecorder(channel);
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
    const { channel, recorder, ws } = openFake();
    ws.bufferedAmount = 600 * KiB;
    expect(channel.write(new Uint8Array(12), null)).toBe(false);
    ws.bufferedAmount = 0;
    await vi.waitFor(() => expect(recorder.drains).toBe(1));
  });

  it('reports it too where a control frame was written when the socket had half emptied', async () => {
    const { channel, recorder, ws, socket } = openFake();
    socket.writableNeedDrain = true;
    ws.bufferedAmount = 600 * KiB;
    expect(channel.write(new Uint8Array(12), null)).toBe(false);
    ws.bufferedAmount = 300 * KiB;
    expect(channel.write(new Uint8Array(12), null)).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
    expect(recorder.drains).toBe(0);
    ws.bufferedAmount = 0;
    socket.emit('drain');
    expect(recorder.drains).toBe(1);
    socket.emit('drain');
    expect(recorder.drains).toBe(1);
  });

  it('cuts off a peer that reads nothing while control frames for it pile up', async () => {
    const { channel, ws, peerSocket } = await openWithClient();
    const recorder = new ChannelRecorder(channel);
    peerSocket.pause();
    let most = 0;
    for (let turn = 0; turn < 2000 && recorder.closes.length === 0; turn += 1) {
      for (let count = 0; count < 1000; count += 1) channel.write(new Uint8Array(12), null);
      most = Math.max(most, ws.bufferedAmount);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(recorder.closeCodes).toEqual(['wire_flood']);
    expect(most).toBeLessThan(8 * 1024 * KiB);
  });
});

/** A channel over a socket whose state the test sets: for moments that a real one reaches by chance alone. */
function openFake(): {
  readonly channel: WebSocketChannel;
  readonly recorder: ChannelRecorder;
  readonly ws: EventEmitter & { bufferedAmount: number };
  readonly socket: EventEmitter & { writableNeedDrain: boolean };
} {
  const socket = Object.assign(new EventEmitter(), {
    cork() {},
    uncork() {},
    write: () => true,
    writableNeedDrain: false,
  });
  const ws = Object.assign(new EventEmitter(), { readyState: 1, OPEN: 1, bufferedAmount: 0, send() {} });
  const channel = new WebSocketChannel(ws as unknown as WebSocket, socket as unknown as Socket);
  return { channel, recorder: new ChannelRecorder(channel), ws, socket };
}
