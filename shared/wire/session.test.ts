// What a yamux session does with a peer that keeps to the spec: opening, half-close, reset, pings and
// going away.
import { describe, expect, it } from 'vitest';
import { frame, RawPeer } from '../testing/raw-peer.ts';
import { StreamRecorder } from '../testing/stream-recorder.ts';
import { frameFlag as flag, frameType as type } from './frame.ts';
import { initialWindow } from './limits.ts';

const KiB = 1024;
const syn = (id: number): Buffer => frame(type.windowUpdate, flag.syn, id);

describe('opening', () => {
  it('gives the dialler odd ids and the listener even ones', () => {
    for (const [role, ids] of [
      ['dialler', [1, 3, 5]],
      ['listener', [2, 4, 6]],
    ] as const) {
      const { session } = new RawPeer(role);
      expect([session.open().id, session.open().id, session.open().id]).toEqual(ids);
    }
  });

  it('is a window update with SYN, answered by one with ACK', () => {
    const dialler = new RawPeer('dialler');
    dialler.session.open();
    expect(dialler.sent).toEqual([{ type: 1, flags: 1, streamId: 1, length: 0, payload: null }]);
    const listener = new RawPeer('listener');
    listener.send(syn(1));
    expect(listener.sent).toEqual([{ type: 1, flags: 2, streamId: 1, length: 0, payload: null }]);
  });

  it('may carry data or a larger window with the SYN', () => {
    const peer = new RawPeer('listener');
    peer.send(
      frame(type.data, flag.syn, 1, Buffer.from('first')),
      frame(type.windowUpdate, flag.syn, 3, 64 * KiB),
    );
    expect(peer.opened[0]?.bytes.toString()).toBe('first');
    peer.opened[1]?.stream.write(new Uint8Array(initialWindow + 100 * KiB));
    expect(peer.opened[1]?.sentBytes).toBe(initialWindow + 64 * KiB);
  });

  it('needs no ACK before data is sent', () => {
    const peer = new RawPeer('dialler');
    peer.session.open().write(Buffer.from('x'));
    expect(peer.lastSent).toMatchObject({ type: type.data, length: 1 });
  });

  it('is refused by RST after we have gone away, and other streams go on', () => {
    const peer = new RawPeer('listener', {}, true);
    peer.send(syn(1));
    peer.session.goAway();
    peer.send(syn(3), frame(type.data, 0, 3, Buffer.from('late')), frame(type.data, 0, 1, Buffer.from('on')));
    expect(peer.lastSent).toMatchObject({ flags: flag.rst, streamId: 3 });
    expect([peer.opened.length, peer.opened[0]?.bytes.toString()]).toEqual([1, 'on']);
  });

  it.each([
    ['we have gone away', (peer: RawPeer) => peer.session.goAway()],
    ['the peer has gone away', (peer: RawPeer) => peer.send(frame(type.goAway, 0, 0, 0))],
    ['the session is over', (peer: RawPeer) => peer.session.close()],
  ])('is refused to us once %s', (_name, act) => {
    const peer = new RawPeer('dialler');
    act(peer);
    expect(() => peer.session.open()).toThrow(expect.objectContaining({ code: 'wire_closed' }));
  });
});

describe('half-close and reset', () => {
  it('sends FIN after the last queued byte and closes without error once both sides have', () => {
    const peer = new RawPeer('dialler');
    const writer = new StreamRecorder(peer.session.open());
    writer.stream.write(new Uint8Array(initialWindow + 1));
    writer.stream.end();
    expect(peer.lastSent).toMatchObject({ type: type.data });
    peer.send(frame(type.windowUpdate, 0, 1, 1));
    expect(peer.lastSent).toMatchObject({ type: type.windowUpdate, flags: flag.fin, streamId: 1 });
    expect(writer.stream.state).toBe('halfClosedLocal');
    peer.send(frame(type.data, flag.fin, 1, Buffer.from('bye')));
    expect([writer.bytes.toString(), writer.ends, writer.closeCode]).toEqual(['bye', 1, null]);
    expect(peer.session.streamCount).toBe(0);
  });

  it('lets us write on after the peer has half-closed', () => {
    const peer = new RawPeer('listener');
    peer.send(syn(1), frame(type.windowUpdate, flag.fin, 1));
    const reader = peer.opened[0]!;
    expect([reader.ends, reader.closeCode]).toEqual([1, undefined]);
    reader.stream.write(Buffer.from('answer'));
    reader.stream.end();
    expect([peer.sent.at(-2)?.length, peer.lastSent?.flags, reader.closeCode]).toEqual([6, flag.fin, null]);
  });

  it.each(['end', 'reset'] as const)('refuses writes after %s', (act) => {
    const stream = new RawPeer('dialler').session.open();
    stream[act]();
    expect(() => stream.write(Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'stream_closed' }));
  });

  it('drops unsent bytes and tells the peer at once on reset', () => {
    const peer = new RawPeer('dialler');
    const writer = new StreamRecorder(peer.session.open());
    writer.stream.write(new Uint8Array(initialWindow + 5));
    writer.stream.reset();
    writer.stream.reset();
    expect(peer.lastSent).toMatchObject({ flags: flag.rst, streamId: 1 });
    expect([writer.stream.queuedBytes, writer.closeCode, writer.closes.length]).toEqual([
      0,
      'stream_reset',
      1,
    ]);
    peer.send(frame(type.windowUpdate, 0, 1, 100));
    expect(peer.sentOfStream(1).filter((each) => each.flags === flag.rst)).toHaveLength(1);
  });

  it('tells the consumer when the peer resets', () => {
    const peer = new RawPeer('listener');
    peer.send(syn(1), frame(type.windowUpdate, flag.rst, 1));
    expect([peer.opened[0]?.closeCode, peer.session.streamCount, peer.closeCode]).toEqual([
      'stream_reset',
      0,
      undefined,
    ]);
  });
});

describe('pings and going away', () => {
  it('answers a ping with its own value', () => {
    const peer = new RawPeer('listener');
    peer.send(frame(type.ping, flag.syn, 0, 0xfffffffe));
    expect(peer.sent).toEqual([{ type: 2, flags: 2, streamId: 0, length: 0xfffffffe, payload: null }]);
  });

  it('reports each answer to its own ping and ignores answers to none', () => {
    const peer = new RawPeer('dialler');
    const answered: string[] = [];
    peer.session.ping(() => answered.push('first'));
    peer.session.ping(() => answered.push('second'));
    const [first, second] = peer.sent.map((each) => each.length);
    const answers = [second!, second!, 77, first!].map((value) => frame(type.ping, flag.ack, 0, value));
    peer.send(...answers);
    expect([answered, peer.closeCode]).toEqual([['second', 'first'], undefined]);
  });

  it('keeps ping answers while congested and sends them when there is room', () => {
    const peer = new RawPeer('listener');
    peer.congested = true;
    peer.send(syn(1), frame(type.ping, flag.syn, 0, 5));
    expect(peer.sent).toHaveLength(1);
    peer.congested = false;
    peer.session.drained();
    expect(peer.lastSent).toMatchObject({ type: type.ping, length: 5 });
  });

  it('reports the code of a go-away and lets open streams go on', () => {
    const peer = new RawPeer('dialler');
    const reader = new StreamRecorder(peer.session.open());
    peer.send(frame(type.goAway, 0, 0, 2), frame(type.data, 0, 1, Buffer.from('on')));
    expect([peer.goingAway, reader.bytes.toString()]).toEqual([[2], 'on']);
  });

  it('ends every stream, then the session, each exactly once', () => {
    const peer = new RawPeer('listener');
    peer.send(syn(1), syn(3));
    peer.session.close();
    peer.session.close();
    expect(peer.opened.map((each) => [each.closes.length, each.closeCode])).toEqual([
      [1, 'wire_closed'],
      [1, 'wire_closed'],
    ]);
    expect([peer.closes, peer.session.closed]).toEqual([[null], true]);
  });

  it('hears nothing more once it has been closed, not even the rest of the same chunk', () => {
    const peer = new RawPeer('listener');
    peer.send(syn(1));
    peer.opened[0]?.stream.attach({
      data: () => peer.session.close(),
      end() {},
      sent() {},
      closed() {},
    });
    peer.send(frame(type.data, 0, 1, Buffer.from('x')), syn(3), frame(type.goAway, 0, 0, 0));
    expect([peer.opened.length, peer.goingAway, peer.session.streamCount, peer.closes.length]).toEqual([
      1,
      [],
      0,
      1,
    ]);
  });
});
