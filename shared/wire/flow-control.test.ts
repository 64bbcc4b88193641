// Windows, fairness between streams, and the limits of a session.
import { describe, expect, it } from 'vitest';
import { MemoryWire } from '../testing/memory-wire.ts';
import { frame, RawPeer } from '../testing/raw-peer.ts';
import { StreamRecorder } from '../testing/stream-recorder.ts';
import { frameFlag as flag, frameType as type } from './frame.ts';
import { checkWireLimits, defaultWireLimits, initialWindow } from './limits.ts';

const KiB = 1024;
const syn = (id: number): Buffer => frame(type.windowUpdate, flag.syn, id);

describe('windows', () => {
  it('stop a writer at 256 KiB and let it on by as much as the peer grants', () => {
    const peer = new RawPeer('dialler');
    const writer = new StreamRecorder(peer.session.open());
    writer.stream.write(new Uint8Array(400 * KiB));
    expect([writer.sentBytes, writer.stream.queuedBytes]).toEqual([256 * KiB, 144 * KiB]);
    peer.send(frame(type.windowUpdate, 0, 1, 10));
    expect([writer.sentBytes, peer.lastSent?.length]).toEqual([256 * KiB + 10, 10]);
  });

  it('are restored once half of one has been consumed, and never for what was not', () => {
    const peer = new RawPeer('listener', { maxStreamWindow: initialWindow });
    peer.send(syn(1), frame(type.data, 0, 1, new Uint8Array(200 * KiB)));
    const [reader] = peer.opened;
    peer.sent.length = 0;
    reader?.stream.consumed(127 * KiB);
    expect(peer.sent).toEqual([]);
    reader?.stream.consumed(1 * KiB);
    expect(peer.sent).toEqual([{ type: 1, flags: 0, streamId: 1, length: 128 * KiB, payload: null }]);
  });

  it('grow to their limit while the reader keeps up, and not while it does not', () => {
    const limits = { maxStreamWindow: 1024 * KiB };
    const keepsUp = new RawPeer('listener', limits, true);
    const lags = new RawPeer('listener', limits);
    for (const peer of [keepsUp, lags]) peer.send(syn(1));
    for (let sent = 0; sent < 4096; sent += 64) {
      keepsUp.send(frame(type.data, 0, 1, new Uint8Array(64 * KiB)));
      lags.send(frame(type.data, 0, 1, new Uint8Array(64 * KiB)));
      if (sent > 0) lags.opened[0]?.stream.consumed(64 * KiB);
    }
    expect(keepsUp.opened[0]?.stream.windowGrowth).toBe(768 * KiB);
    expect(lags.opened[0]?.stream.windowGrowth).toBe(0);
  });

  it('of all streams grow together by no more than the session allows, and give growth back', () => {
    const peer = new RawPeer('listener', { maxStreamWindow: 512 * KiB, maxWindowGrowth: 300 * KiB }, true);
    const grow = (id: number): void => {
      for (let round = 0; round < 8; round += 1)
        peer.send(frame(type.data, 0, id, new Uint8Array(128 * KiB)));
    };
    peer.send(syn(1), syn(3), syn(5));
    grow(1);
    grow(3);
    expect(peer.opened.map((each) => each.stream.windowGrowth)).toEqual([256 * KiB, 44 * KiB, 0]);
    peer.send(frame(type.windowUpdate, flag.rst, 1));
    grow(5);
    expect(peer.opened[2]?.stream.windowGrowth).toBe(256 * KiB);
  });

  it('grant exactly what was credited, and not a byte more', () => {
    const peer = new RawPeer('listener', { maxStreamWindow: initialWindow });
    const send = (length: number): void => peer.send(frame(type.data, 0, 1, new Uint8Array(length)));
    peer.send(syn(1));
    send(initialWindow);
    peer.opened[0]?.stream.consumed(150 * KiB);
    send(150 * KiB);
    expect(peer.closeCode).toBeUndefined();
    send(1);
    expect(peer.closeCode).toBe('wire_window_exceeded');
  });

  it('count a payload from its header on, so that a lie about the length is caught at once', () => {
    const peer = new RawPeer('listener');
    peer.send(syn(1), frame(type.data, 0, 1, initialWindow + 1));
    expect(peer.closeCode).toBe('wire_window_exceeded');
  });
});

describe('fairness', () => {
  it('sends no empty frame to a stream whose window ran out while it waited for another turn', () => {
    const peer = new RawPeer('dialler', { maxFramePayload: 4 });
    const [first, second] = [peer.session.open(), peer.session.open()];
    second.write(new Uint8Array(initialWindow - 4));
    peer.congested = true;
    first.write(new Uint8Array(8));
    second.write(new Uint8Array(4));
    first.attach({ data() {}, end() {}, sent: () => second.write(new Uint8Array(4)), closed() {} });
    peer.congested = false;
    peer.sent.length = 0;
    peer.session.drained();
    expect(peer.sent.map((each) => [each.streamId, each.length])).toEqual([
      [1, 4],
      [3, 4],
    ]);
    expect(second.queuedBytes).toBe(4);
  });

  it('gives every waiting stream one frame in turn', () => {
    const peer = new RawPeer('dialler', { maxFramePayload: 10 });
    const streams = [peer.session.open(), peer.session.open(), peer.session.open()];
    peer.congested = true;
    peer.session.ping(() => {});
    for (const stream of streams) stream.write(new Uint8Array(25));
    peer.sent.length = 0;
    peer.congested = false;
    peer.session.drained();
    expect(peer.sent.map((each) => each.streamId)).toEqual([1, 3, 5, 1, 3, 5, 1, 3, 5]);
    expect(peer.sent.map((each) => each.length)).toEqual([10, 10, 10, 10, 10, 10, 5, 5, 5]);
  });

  it('sends no data while the output is congested', () => {
    const peer = new RawPeer('dialler', { maxFramePayload: 10 });
    const stream = peer.session.open();
    peer.congested = true;
    stream.write(new Uint8Array(100));
    expect(peer.sentOfStream(1).filter((each) => each.type === type.data)).toHaveLength(1);
    expect(stream.queuedBytes).toBe(90);
  });

  it('keeps other streams going while one reader has stopped', () => {
    const readers: StreamRecorder[] = [];
    const wire = new MemoryWire({
      onStream: (stream) => readers.push(new StreamRecorder(stream, readers.length > 0)),
    });
    const stuck = wire.dialler.session.open();
    const live = wire.dialler.session.open();
    stuck.write(new Uint8Array(4 * 1024 * KiB));
    live.write(new Uint8Array(4 * 1024 * KiB));
    wire.settle();
    expect(readers.map((each) => each.received)).toEqual([256 * KiB, 4 * 1024 * KiB]);
    expect([stuck.queuedBytes, live.queuedBytes]).toEqual([(4096 - 256) * KiB, 0]);
  });

  it('sends no empty frames and does not recurse where a consumer writes on when told of sent bytes', () => {
    const peer = new RawPeer('dialler', { maxFramePayload: 1 });
    const stream = peer.session.open();
    let left = 20_000;
    const refill = (): void => {
      if (left === 0) return;
      left -= 1;
      stream.write(new Uint8Array(2));
    };
    stream.attach({ data() {}, end() {}, sent: refill, closed() {} });
    refill();
    expect(left).toBe(0);
    const frames = peer.sentOfStream(1).filter((each) => each.type === type.data);
    expect(frames.every((each) => each.length === 1)).toBe(true);
  });
});

describe('limits', () => {
  it('are the defaults where nothing is said', () => {
    expect(checkWireLimits()).toEqual(defaultWireLimits);
  });

  it.each([
    { maxInboundStreams: -1 },
    { maxStreamWindow: initialWindow - 1 },
    { maxWindowGrowth: 1.5 },
    { maxFramePayload: 0 },
    { maxFramePayload: 0x80000000 },
    { maxPendingPongs: NaN },
    { maxCongestedOpens: 0 },
  ])('%o are refused with the name of the limit', (limits) => {
    const [name] = Object.keys(limits);
    const expected = { code: 'usage', message: expect.stringContaining(name!) as string };
    expect(() => checkWireLimits(limits)).toThrow(expect.objectContaining(expected));
  });
});
