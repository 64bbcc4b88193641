// A yamux session over a real WebSocket: keep-alive, how each side learns of the end, and the order of events.
import { once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { GatehouseError } from '../contracts/errors.ts';
import { frame } from '../testing/raw-peer.ts';
import { openChannels, openLinks, openWithClient } from '../testing/socket-pair.ts';
import { StreamRecorder } from '../testing/stream-recorder.ts';
import type { YamuxStream } from '../wire/stream.ts';
import { Link } from './link.ts';

const quick = { keepAliveMs: 20, keepAliveTimeoutMs: 80 };

function options(): {
  onStream: (stream: YamuxStream) => void;
  onClosed: (error: GatehouseError) => void;
  onGoingAway: () => void;
  readonly streams: StreamRecorder[];
  readonly closes: string[];
  goings: number;
} {
  const all = {
    streams: [] as StreamRecorder[],
    closes: [] as string[],
    goings: 0,
    onStream: (stream: YamuxStream) => {
      all.streams.push(new StreamRecorder(stream, true));
    },
    onClosed: (error: GatehouseError) => {
      all.closes.push(error.code);
    },
    onGoingAway: () => {
      all.goings += 1;
    },
  };
  return all;
}

describe('Link', () => {
  it('carries streams both ways', async () => {
    const [nearSide, farSide] = [options(), options()];
    const { near, far } = await openLinks(nearSide, farSide);
    near.openStream().write(Buffer.from('there'));
    far.openStream().write(Buffer.from('and back'));
    await vi.waitFor(() => {
      expect(farSide.streams[0]?.bytes.toString()).toBe('there');
      expect(nearSide.streams[0]?.bytes.toString()).toBe('and back');
    });
    expect([near.streamCount, far.streamCount]).toEqual([2, 2]);
  });

  it('carries many MiB through congestion without losing a byte', async () => {
    const far = options();
    const { near } = await openLinks(options(), far);
    const writers = [1, 2, 3].map((each) => {
      const stream = near.openStream();
      for (let part = 0; part < 64; part += 1) stream.write(new Uint8Array(128 * 1024).fill(each));
      stream.end();
      return new StreamRecorder(stream);
    });
    await vi.waitFor(
      () =>
        expect(far.streams.map((each) => [each.received, each.ends])).toEqual(
          [1, 2, 3].map(() => [8 * 1024 * 1024, 1]),
        ),
      { timeout: 10_000 },
    );
    for (const [index, each] of far.streams.entries())
      expect(each.bytes.every((byte) => byte === index + 1)).toBe(true);
    expect(writers.map((each) => each.stream.queuedBytes)).toEqual([0, 0, 0]);
  });

  it('measures the round trip', async () => {
    const { near } = await openLinks(options(), options());
    expect(near.roundTripMs).toBeNull();
    const measured = await new Promise<number>((resolve) => near.ping(resolve));
    expect(measured).toBeGreaterThan(0);
    expect(measured).toBeLessThan(5000);
    expect(near.roundTripMs).toBe(measured);
  });

  it('stays up while the other end answers its keep-alive pings', async () => {
    const side = options();
    const { near } = await openLinks({ ...side, ...quick }, options());
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect([near.closed, side.closes]).toEqual([false, []]);
    expect(near.roundTripMs).not.toBeNull();
  });

  it('cuts off a peer that stops reading and answering, with all streams', async () => {
    const side = options();
    const { near, farSocket } = await openLinks({ ...side, ...quick }, options());
    const reader = new StreamRecorder(near.openStream());
    farSocket.pause();
    await vi.waitFor(() => expect(side.closes).toEqual(['keepalive_timeout']));
    expect([near.closed, reader.closeCode]).toEqual([true, 'keepalive_timeout']);
  });

  it('does not cut off a peer that is heard, however late its answers: the way may be slow and full', async () => {
    const side = options();
    const { channel, peer } = await openWithClient();
    const link = new Link(channel, { ...side, ...quick, role: 'listener' });
    const ticks = setInterval(() => peer.send(frame(2, 2, 0, 0xdead)), 20);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect([link.closed, side.closes]).toEqual([false, []]);
    clearInterval(ticks);
    await vi.waitFor(() => expect(side.closes).toEqual(['keepalive_timeout']));
  });

  it.each([0, -1, 25_001, NaN])('refuses a keep-alive interval of %s ms', async (keepAliveMs) => {
    const { channel } = await openWithClient();
    expect(() => new Link(channel, { ...options(), role: 'dialler', keepAliveMs })).toThrow(
      expect.objectContaining({ code: 'usage' }),
    );
  });

  it('tells both ends why it was closed, once', async () => {
    const [nearSide, farSide] = [options(), options()];
    const { near } = await openLinks(nearSide, farSide);
    const stream = new StreamRecorder(near.openStream());
    await vi.waitFor(() => expect(farSide.streams).toHaveLength(1));
    near.close(new GatehouseError('service_replaced', 'Another one came.'));
    near.close();
    expect([nearSide.closes, stream.closeCode]).toEqual([['service_replaced'], 'service_replaced']);
    await vi.waitFor(() => expect(farSide.closes).toEqual(['service_replaced']));
    expect(farSide.streams[0]?.closeCode).toBe('service_replaced');
  });

  it('ends with the code of the rule that the peer broke, at both ends', async () => {
    const side = options();
    const { channel, peer } = await openWithClient();
    const closed = new Promise<unknown[]>((resolve) =>
      peer.on('close', (code, reason) => resolve([code, String(reason)])),
    );
    new Link(channel, { ...side, role: 'listener' });
    peer.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await vi.waitFor(() => expect(side.closes).toEqual(['wire_bad_version']));
    expect(await closed).toEqual([4400, 'wire_bad_version']);
  });

  it('announces that it goes away and lets its streams go on', async () => {
    const [nearSide, farSide] = [options(), options()];
    const { near, far } = await openLinks(nearSide, farSide);
    const stream = near.openStream();
    await vi.waitFor(() => expect(far.streamCount).toBe(1));
    far.goAway();
    await vi.waitFor(() => expect(nearSide.goings).toBe(1));
    expect(() => near.openStream()).toThrow(expect.objectContaining({ code: 'wire_closed' }));
    stream.write(Buffer.from('on'));
    await vi.waitFor(() => expect(farSide.streams[0]?.bytes.toString()).toBe('on'));
  });

  it('calls nobody before its constructor has returned, though frames and the end came early', async () => {
    const { channel, ws, peer } = await openWithClient();
    peer.send(frame(1, 1, 1));
    peer.ping();
    await once(ws, 'ping');
    const side = options();
    const link = new Link(channel, { ...side, role: 'listener' });
    expect([side.streams.length, link.streamCount]).toEqual([0, 0]);
    await vi.waitFor(() => expect([side.streams.length, link.streamCount]).toEqual([1, 1]));

    const second = await openChannels();
    second.peerSocket.destroy();
    await new Promise<void>((resolve) => void second.channel.onClosed(() => resolve()));
    const late = options();
    const dead = new Link(second.channel, { ...late, role: 'listener' });
    expect(late.closes).toEqual([]);
    await vi.waitFor(() => expect(late.closes).toEqual(['wire_closed']));
    expect(dead.closed).toBe(true);
  });
});
