// What a hostile peer can send, and that each case ends its own stream or connection with a stable code
// and nothing else. Issue "The main job", section "Bad input".
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryWire } from '../testing/memory-wire.ts';
import { frame, RawPeer } from '../testing/raw-peer.ts';
import { StreamRecorder } from '../testing/stream-recorder.ts';
import { frameFlag as flag, frameType as type } from './frame.ts';
import { initialWindow } from './limits.ts';

const syn = (id: number): Buffer => frame(type.windowUpdate, flag.syn, id);
const data = (id: number, bytes: Uint8Array | number, flags = 0): Buffer =>
  frame(type.data, flags, id, bytes);
const full = new Uint8Array(initialWindow);

/** Frames for a listener on which the peer has opened stream 1 and which has opened stream 2. */
const endsTheConnection: readonly [string, string, Uint8Array[]][] = [
  ['a wrong version', 'wire_bad_version', [Buffer.from('010000000000000100000000', 'hex')]],
  ['HTTP instead of yamux', 'wire_bad_version', [Buffer.from('GET / HTTP/1.1\r\n\r\n')]],
  ['an unknown type', 'wire_bad_type', [frame(4, 0, 1)]],
  ['an unknown flag', 'wire_bad_type', [frame(type.data, 0x10, 1)]],
  ['an unknown flag in the upper byte', 'wire_bad_type', [frame(type.windowUpdate, 0x8000, 1)]],
  ['a SYN with our parity', 'wire_unknown_stream', [syn(4)]],
  ['a SYN for stream 0', 'wire_unknown_stream', [syn(0)]],
  ['a second SYN for an open stream', 'wire_unknown_stream', [syn(1)]],
  ['data on stream 0', 'wire_unknown_stream', [data(0, Buffer.from('x'))]],
  ['data on a stream of its own that never was', 'wire_unknown_stream', [data(3, Buffer.from('x'))]],
  ['data on a stream of ours that never was', 'wire_unknown_stream', [data(4, Buffer.from('x'))]],
  ['a window update for a stream that never was', 'wire_unknown_stream', [frame(type.windowUpdate, 0, 3, 1)]],
  ['FIN for a stream that never was', 'wire_unknown_stream', [frame(type.windowUpdate, flag.fin, 9)]],
  [
    'RST for a stream that never was',
    'wire_unknown_stream',
    [frame(type.windowUpdate, flag.rst, 0xffffffff)],
  ],
  ['an ACK for a stream that never was', 'wire_unknown_stream', [frame(type.windowUpdate, flag.ack, 4)]],
  ['one byte beyond the window', 'wire_window_exceeded', [data(1, full), data(1, Buffer.from('x'))]],
  ['a length of 4 GiB', 'wire_window_exceeded', [data(1, 0xffffffff)]],
  ['a SYN with more data than the window', 'wire_window_exceeded', [data(3, initialWindow + 1, flag.syn)]],
  ['a window of more than 4 GiB', 'wire_bad_length', [frame(type.windowUpdate, 0, 1, 0xffffffff)]],
  [
    'a window of more than 4 GiB in two steps',
    'wire_bad_length',
    [frame(type.windowUpdate, 0, 2, 0xffffffff - initialWindow), frame(type.windowUpdate, 0, 2, 1)],
  ],
  ['a ping on a stream', 'wire_unknown_stream', [frame(type.ping, flag.syn, 1, 7)]],
  ['a ping answer on a stream', 'wire_unknown_stream', [frame(type.ping, flag.ack, 2, 7)]],
  ['a go-away on a stream', 'wire_unknown_stream', [frame(type.goAway, 0, 1)]],
];

function listener(): { peer: RawPeer; ours: StreamRecorder } {
  const peer = new RawPeer('listener');
  peer.send(syn(1));
  const ours = new StreamRecorder(peer.session.open());
  return { peer, ours };
}

describe('a peer that breaks the protocol ends its connection', () => {
  it.each(endsTheConnection)('by %s: %s', (_name, code, frames) => {
    const { peer, ours } = listener();
    peer.send(...frames);
    expect(peer.closeCode).toBe(code);
    expect([peer.closes.length, peer.session.streamCount]).toEqual([1, 0]);
    expect([peer.opened[0]?.closeCode, ours.closeCode]).toEqual([code, code]);
    expect(peer.lastSent).toMatchObject({ type: type.goAway, streamId: 0, length: 1 });
  });

  it.each(endsTheConnection)('by %s in single bytes too: %s', (_name, code, frames) => {
    const { peer } = listener();
    for (const byte of Buffer.concat(frames)) peer.session.receive(Uint8Array.of(byte));
    expect([peer.closeCode, peer.closes.length]).toEqual([code, 1]);
  });

  it('takes nothing from it afterwards', () => {
    const { peer } = listener();
    peer.send(frame(4, 0, 1), syn(3));
    const { length } = peer.sent;
    peer.send(syn(5), frame(type.ping, flag.syn, 0, 1));
    peer.session.drained();
    expect([peer.opened.length, peer.sent.length]).toEqual([1, length]);
  });
});

/** What ends stream 1 alone, or nothing; stream 3 is open beside it and must live. */
const endsTheStream: readonly [string, string | null | undefined, Uint8Array[]][] = [
  ['data after FIN', 'stream_reset', [frame(type.windowUpdate, flag.fin, 1), data(1, Buffer.from('late'))]],
  [
    'data after FIN with data',
    'stream_reset',
    [data(1, Buffer.from('x'), flag.fin), data(1, Buffer.from('late'))],
  ],
  ['RST', 'stream_reset', [frame(type.windowUpdate, flag.rst, 1)]],
  ['RST with data', 'stream_reset', [data(1, Buffer.from('x'), flag.rst)]],
  ['RST with FIN', 'stream_reset', [frame(type.windowUpdate, flag.rst | flag.fin, 1)]],
  ['a second FIN', undefined, [frame(type.windowUpdate, flag.fin, 1), frame(type.windowUpdate, flag.fin, 1)]],
  ['empty data', undefined, [data(1, 0), data(1, 0)]],
  ['empty data after FIN', undefined, [data(1, 0, flag.fin), data(1, 0)]],
  ['a second ACK', undefined, [frame(type.windowUpdate, flag.ack, 1), frame(type.windowUpdate, flag.ack, 1)]],
  ['the largest window there is', undefined, [frame(type.windowUpdate, 0, 1, 0xffffffff - initialWindow)]],
  [
    'late frames after RST',
    'stream_reset',
    [
      frame(type.windowUpdate, flag.rst, 1),
      data(1, full),
      frame(type.windowUpdate, 0, 1, 5),
      data(1, 0, flag.fin),
    ],
  ],
];

describe('a peer that breaks one stream leaves the others alone', () => {
  it.each(endsTheStream)('with %s', (_name, code, frames) => {
    const peer = new RawPeer('listener');
    peer.send(syn(1), syn(3), ...frames, data(3, Buffer.from('alive')));
    expect([peer.opened[0]?.closeCode, peer.closeCode]).toEqual([code, undefined]);
    expect(peer.opened[1]?.bytes.toString()).toBe('alive');
    peer.opened[1]?.stream.write(Buffer.from('answer'));
    expect(peer.lastSent).toMatchObject({ streamId: 3, length: 6 });
  });

  it('ignores late frames for a stream that we have reset', () => {
    const { peer, ours } = listener();
    ours.stream.reset();
    peer.send(data(2, full), frame(type.windowUpdate, flag.fin, 2), data(1, Buffer.from('alive')));
    expect([peer.closeCode, ours.received, peer.opened[0]?.bytes.toString()]).toEqual([
      undefined,
      0,
      'alive',
    ]);
  });

  it('resets streams beyond the limit, lets the others live, and takes new ones when some have ended', () => {
    const peer = new RawPeer('listener', { maxInboundStreams: 2 });
    peer.send(syn(1), syn(3), syn(5), data(5, Buffer.from('dropped')), data(1, Buffer.from('alive')));
    expect([peer.opened.length, peer.session.streamCount, peer.closeCode]).toEqual([2, 2, undefined]);
    expect(peer.sentOfStream(5)).toMatchObject([{ flags: flag.rst }]);
    expect(peer.opened[0]?.bytes.toString()).toBe('alive');
    peer.send(frame(type.windowUpdate, flag.rst, 1), syn(7));
    expect(peer.opened.map((each) => each.stream.id)).toEqual([1, 3, 7]);
  });

  it('does not count our own streams against the limit of the peer', () => {
    const peer = new RawPeer('listener', { maxInboundStreams: 1 });
    peer.session.open();
    peer.session.open();
    peer.send(syn(1));
    expect(peer.opened).toHaveLength(1);
  });
});

describe('a peer that sends and does not read', () => {
  const whileCongested = (limits = {}): RawPeer => {
    const peer = new RawPeer('listener', limits);
    peer.congested = true;
    peer.send(syn(1));
    peer.sent.length = 0;
    return peer;
  };

  it('is cut off when more ping answers wait than allowed', () => {
    const peer = whileCongested({ maxPendingPongs: 3 });
    const ping = frame(type.ping, flag.syn, 0, 1);
    peer.send(ping, ping, ping);
    expect([peer.closeCode, peer.sent.length]).toEqual([undefined, 0]);
    peer.send(ping);
    expect(peer.closeCode).toBe('wire_flood');
  });

  it.each([
    ['opens and resets streams', { maxInboundStreams: 1024 }],
    ['opens streams that are refused', { maxInboundStreams: 1 }],
  ])('is cut off when it %s', (_name, limits) => {
    const peer = whileCongested({ ...limits, maxCongestedOpens: 10 });
    const cycle = (id: number): void => peer.send(syn(id), frame(type.windowUpdate, flag.rst, id));
    for (let id = 3; id < 23; id += 2) cycle(id);
    expect([peer.closeCode, peer.sent.length]).toEqual([undefined, 10]);
    cycle(23);
    expect(peer.closeCode).toBe('wire_flood');
    for (let id = 25; id < 2025; id += 2) cycle(id);
    expect(peer.sent.length).toBeLessThan(20);
  });

  it('may go on as soon as it reads again', () => {
    const peer = whileCongested({ maxCongestedOpens: 10 });
    for (let round = 0; round < 5; round += 1) {
      for (let id = 0; id < 10; id += 1) peer.send(syn(3 + round * 20 + id * 2));
      peer.session.drained();
    }
    expect([peer.closeCode, peer.opened.length]).toEqual([undefined, 51]);
  });
});

describe('truncation', () => {
  it.each([
    ['within a header', frame(type.data, 0, 1, 10).subarray(0, 7)],
    ['within a payload', frame(type.data, flag.fin, 1, 10)],
  ])('%s never looks like an end', (_name, bytes) => {
    const { peer } = listener();
    peer.send(bytes);
    peer.session.close();
    expect([peer.opened[0]?.ends, peer.opened[0]?.closeCode]).toEqual([0, 'wire_closed']);
  });
});

describe('any bytes whatever', () => {
  it('end in a coded error or are taken, and never throw', () => {
    const header = fc
      .tuple(
        fc.integer({ min: 0, max: 4 }),
        fc.integer({ min: 0, max: 17 }),
        fc.integer({ min: 0, max: 6 }),
        fc.nat(40),
      )
      .map(([kind, flags, id, length]) => frame(kind, flags, id, length));
    const anything = fc.array(
      fc.oneof({ weight: 6, arbitrary: header }, { weight: 1, arbitrary: fc.uint8Array() }),
    );
    fc.assert(
      fc.property(anything, fc.constantFrom('dialler' as const, 'listener' as const), (chunks, role) => {
        const peer = new RawPeer(role, { maxInboundStreams: 2 });
        peer.session.open();
        for (const chunk of chunks) peer.send(chunk);
        expect(peer.session.streamCount).toBeLessThanOrEqual(3);
        expect(peer.closes.length).toBe(peer.session.closed ? 1 : 0);
        if (peer.session.closed) expect(peer.closeCode).toMatch(/^wire_/);
        for (const each of peer.opened) expect(each.closes.length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('flipped on the way end in a coded error or in other bytes, and never throw or hang', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(20), fc.integer({ min: 0, max: 7 }), (seed, at, bit) => {
        let piecesLeft = at;
        const wire = new MemoryWire({
          seed,
          maxPiece: 500,
          tamper: (piece) => {
            if (piecesLeft-- === 0) piece[0] = (piece[0] ?? 0) ^ (1 << bit);
            return piece;
          },
          onStream: (stream) => new StreamRecorder(stream, true),
        });
        const writer = new StreamRecorder(wire.dialler.session.open());
        for (let round = 0; round < 20; round += 1) writer.stream.write(new Uint8Array(100));
        writer.stream.end();
        wire.settle();
        for (const end of [wire.dialler, wire.listener]) {
          expect(end.closes.length).toBe(end.session.closed ? 1 : 0);
          for (const error of end.closes) expect(error?.code).toMatch(/^wire_/);
        }
      }),
    );
  });
});
