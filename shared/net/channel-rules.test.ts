// The WebSocket channel over real sockets: how it ends, what it keeps before it is started, and what a peer
// that breaks the rules gets.
import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { GatehouseError } from '../contracts/errors.ts';
import { ChannelRecorder, messagesAt } from '../testing/channel-recorder.ts';
import { opcode, openWithBareSocket, openWithClient, webSocketFrame } from '../testing/socket-pair.ts';
import { closeCode, maxMessageLength } from './channel.ts';

const KiB = 1024;

describe('closing', () => {
  it('tells the peer the code, and sends what was written first', async () => {
    const { channel, peer } = await openWithClient();
    const recorder = new ChannelRecorder(channel);
    const messages = messagesAt(peer);
    const closed = once(peer, 'close');
    channel.write(Buffer.from('last words'), null);
    channel.close(new GatehouseError('not_authorised', 'No.'), closeCode.refused);
    const [code, reason] = (await closed) as [number, Buffer];
    expect([code, reason.toString(), messages.join()]).toEqual([4403, 'not_authorised', 'last words']);
    await vi.waitFor(() => expect(recorder.closeCodes).toEqual(['not_authorised']));
  });

  it.each([
    ['one of our codes', 4403, 'service_id_taken', 'service_id_taken'],
    ['another reason', 4000, 'because', 'wire_closed'],
    ['no reason', 1000, '', 'wire_closed'],
  ])('by the peer with %s becomes a coded error', async (_name, code, reason, expected) => {
    const { channel, peer } = await openWithClient();
    const recorder = new ChannelRecorder(channel);
    peer.close(code, reason);
    await vi.waitFor(() => expect(recorder.closeCodes).toEqual([expected]));
  });

  it('without a closing exchange becomes wire_closed', async () => {
    const { channel, peerSocket } = await openWithClient();
    const recorder = new ChannelRecorder(channel);
    peerSocket.destroy();
    await vi.waitFor(() => expect(recorder.closeCodes).toEqual(['wire_closed']));
  });

  it('is told to a handler that starts afterwards, and to onClosed before', async () => {
    const { channel, peerSocket } = await openWithClient();
    const told: string[] = [];
    channel.onClosed((error) => told.push(error.code));
    peerSocket.destroy();
    await vi.waitFor(() => expect(told).toEqual(['wire_closed']));
    expect(new ChannelRecorder(channel).closes).toHaveLength(1);
    const late: string[] = [];
    channel.onClosed((error) => late.push(error.code));
    await vi.waitFor(() => expect(late).toEqual(['wire_closed']));
  });

  it('cuts off a peer that does not answer the closing exchange', { timeout: 10_000 }, async () => {
    const { channel, peer } = await openWithBareSocket();
    const recorder = new ChannelRecorder(channel);
    const ended = once(peer, 'close');
    channel.close(new GatehouseError('shutting_down', 'Bye.'));
    await vi.waitFor(() => expect(recorder.closeCodes).toEqual(['shutting_down']), 4000);
    await ended;
  });

  it('hands on nothing that arrives once it has begun', async () => {
    const { channel, peer, ws } = await openWithBareSocket();
    const recorder = new ChannelRecorder(channel);
    const messages = messagesAt(ws);
    channel.close(new GatehouseError('shutting_down', 'Bye.'));
    peer.write(webSocketFrame(opcode.binary, Buffer.from('late')));
    peer.write(webSocketFrame(opcode.text, Buffer.from('late')));
    await vi.waitFor(() => expect(messages).toHaveLength(1));
    expect(recorder.received).toBe(0);
  });

  it('terminates at once where that is asked for', async () => {
    const { channel, peer } = await openWithClient();
    const recorder = new ChannelRecorder(channel);
    const closed = once(peer, 'close');
    channel.terminate(new GatehouseError('keepalive_timeout', 'Gone.'));
    const [code] = (await closed) as [number];
    expect([code, recorder.closeCodes]).toEqual([1006, ['keepalive_timeout']]);
  });
});

describe('before start', () => {
  it('keeps binary messages and hands them over in order', async () => {
    const { channel, peer, ws } = await openWithClient();
    peer.send(Buffer.from('first '));
    peer.send(Buffer.from('second '));
    peer.ping();
    await once(ws, 'ping');
    const recorder = new ChannelRecorder(channel);
    peer.send(Buffer.from('third'));
    await vi.waitFor(() => expect(Buffer.concat(recorder.chunks).toString()).toBe('first second third'));
  });

  it('refuses a peer that sends more than 1 MiB, and keeps nothing of what follows', async () => {
    const { channel, peer, ws } = await openWithBareSocket();
    for (let sent = 0; sent < 40; sent += 1)
      peer.write(webSocketFrame(opcode.binary, Buffer.alloc(100 * KiB)));
    const messages = messagesAt(ws);
    peer.write(webSocketFrame(opcode.text, Buffer.from('last')));
    await vi.waitFor(() => expect(messages).toHaveLength(1));
    expect(ws.readyState).toBe(ws.CLOSING);
    expect(new ChannelRecorder(channel).received).toBe(0);
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
    const recorder = new ChannelRecorder(channel);
    peer.send(new Uint8Array(maxMessageLength + 1));
    expect(await closedBy(peer)).toBe(1009);
    await vi.waitFor(() => expect(recorder.closeCodes).toEqual(['relay_protocol']));
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
    const recorder = new ChannelRecorder(channel);
    for (const bytes of frames) peer.write(bytes);
    peer.end();
    await vi.waitFor(() => expect(recorder.closeCodes).toEqual(['relay_protocol']));
    expect(recorder.received).toBe(0);
  });

  it('but merely fragments its messages is understood', async () => {
    const { channel, peer } = await openWithBareSocket();
    const recorder = new ChannelRecorder(channel);
    peer.write(webSocketFrame(opcode.binary, Buffer.from('a'), false));
    peer.write(webSocketFrame(opcode.continuation, Buffer.from('b'), false));
    peer.write(webSocketFrame(opcode.continuation, Buffer.from('c')));
    await vi.waitFor(() => expect(recorder.chunks.map(String)).toEqual(['abc']));
  });
});
