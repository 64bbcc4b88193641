// A yamux stream as a Duplex: every byte in order, back-pressure both ways, and ends and errors that
// reach the other side as what they were.
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { GatehouseError } from '../contracts/errors.ts';
import { heldByBuffers, heldInAll } from '../testing/held-memory.ts';
import { MemoryWire } from '../testing/memory-wire.ts';
import { frame, RawPeer } from '../testing/raw-peer.ts';
import { StreamRecorder } from '../testing/stream-recorder.ts';
import type { YamuxStream } from '../wire/stream.ts';
import { StreamDuplex } from './stream-duplex.ts';

const KiB = 1024;
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface DuplexPair {
  readonly wire: MemoryWire;
  readonly near: StreamDuplex;
  readonly far: StreamDuplex;
  /** Moves what is on its way until `until` holds. */
  pump(until: () => boolean): Promise<void>;
}

function openPair(seed = 1, maxPiece = 64 * KiB): DuplexPair {
  let far: StreamDuplex | null = null;
  const wire = new MemoryWire({ seed, maxPiece, onStream: (stream) => (far = new StreamDuplex(stream)) });
  const near = new StreamDuplex(wire.dialler.session.open());
  wire.settle();
  const pump = async (until: () => boolean): Promise<void> => {
    for (let turn = 0; turn < 20_000 && !until(); turn += 1) {
      wire.deliver();
      await tick();
    }
    expect(until()).toBe(true);
  };
  return { wire, near, far: far!, pump };
}

function collect(duplex: StreamDuplex): { bytes(): Buffer; isOver: boolean; error: unknown } {
  const chunks: Buffer[] = [];
  const state = { bytes: () => Buffer.concat(chunks), isOver: false, error: null as unknown };
  duplex.on('data', (chunk: Buffer) => chunks.push(chunk));
  duplex.on('end', () => (state.isOver = true));
  duplex.on('error', (error) => (state.error = error));
  return state;
}

describe('StreamDuplex', () => {
  it('delivers writes of any sizes, in order, and then the end', async () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 150_000 })), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.integer(),
        fc.integer({ min: 10_000, max: 100_000 }),
        async (writes, seed, piece) => {
          const { near, far, pump } = openPair(seed, piece);
          const got = collect(far);
          const sent = writes.map((size, index) => Buffer.alloc(size, index + 1));
          near.cork();
          for (const bytes of sent) near.write(bytes);
          near.uncork();
          near.end();
          await pump(() => got.isOver);
          expect(got.bytes().equals(Buffer.concat(sent))).toBe(true);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('begins with the bytes that came with the stream header', async () => {
    const peer = new RawPeer('listener');
    peer.send(frame(1, 1, 1));
    const duplex = new StreamDuplex(peer.opened[0]!.stream, Buffer.from('rest '));
    const got = collect(duplex);
    peer.send(frame(0, 4, 1, Buffer.from('and more')));
    await vi.waitFor(() => expect([got.bytes().toString(), got.isOver]).toEqual(['rest and more', true]));
  });

  it('completes writes at once while little is queued', () => {
    const { near } = openPair();
    let done = 0;
    for (let count = 0; count < 10; count += 1) near.write(Buffer.alloc(KiB), () => (done += 1));
    expect(near.writableLength).toBe(0);
  });

  it('stops its writer where the reader stands still, and lets it on as it reads', async () => {
    const { wire, near, far, pump } = openPair();
    let written = 0;
    while (near.write(Buffer.alloc(16 * KiB)) && written < 64 * 1024 * KiB) written += 16 * KiB;
    wire.settle();
    // The window, the queue of the stream and the buffer of the writable; no more.
    expect(written).toBeLessThan((256 + 256 + 128 + 32) * KiB);
    expect(near.writableNeedDrain).toBe(true);
    const drained = vi.fn();
    near.once('drain', drained);
    const got = collect(far);
    await pump(() => drained.mock.calls.length === 1);
    expect(got.bytes().length).toBeGreaterThan(0);
  });

  it('credits the peer only for what has been handed on, and other streams go on', async () => {
    const accepted: YamuxStream[] = [];
    const wire = new MemoryWire({ onStream: (stream) => accepted.push(stream) });
    const stuckWriter = wire.dialler.session.open();
    const liveWriter = wire.dialler.session.open();
    wire.settle();
    const stuck = new StreamDuplex(accepted[0]!);
    const live = new StreamRecorder(accepted[1]!, true);
    stuckWriter.write(new Uint8Array(4096 * KiB));
    liveWriter.write(new Uint8Array(4096 * KiB));
    for (let turn = 0; turn < 300; turn += 1) {
      wire.deliver();
      await tick();
    }
    wire.settle();
    expect(live.received).toBe(4096 * KiB);
    const arrived = 4096 * KiB - stuckWriter.queuedBytes;
    expect(arrived).toBeLessThanOrEqual((256 + 128) * KiB);
    stuck.destroy();
  });

  it('holds a flood of tiny frames from a peer in little memory while its reader stands still', async () => {
    const peer = new RawPeer('listener');
    peer.send(frame(1, 1, 1));
    const duplex = new StreamDuplex(peer.opened[0]!.stream);
    const got = collect(duplex);
    await tick();
    duplex.pause();
    const before = heldInAll();
    const one = frame(0, 0, 1, Buffer.from('x'));
    for (let count = 0; count < 100_000; count += 1) {
      peer.send(one);
      if (count % 10 === 0) await tick();
    }
    expect(heldInAll() - before).toBeLessThan(4 * 1024 * KiB);
    duplex.resume();
    await vi.waitFor(() => expect(got.bytes().length).toBe(100_000));
  });

  it('does not keep large messages alive for a few bytes of each while its reader stands still', async () => {
    const peer = new RawPeer('listener');
    peer.send(frame(1, 1, 1));
    const duplex = new StreamDuplex(peer.opened[0]!.stream);
    collect(duplex);
    await tick();
    duplex.pause();
    const before = heldByBuffers();
    for (let count = 0; count < 64; count += 1) {
      const message = Buffer.alloc(1024 * KiB);
      frame(0, 0, 1, 1).copy(message);
      peer.session.receive(message.subarray(0, 13));
      await tick();
    }
    expect(heldByBuffers() - before).toBeLessThan(16 * 1024 * KiB);
    duplex.destroy();
  });

  it('hands on directly what flows, waits while paused, and keeps the order between the two', async () => {
    const { wire, near, far, pump } = openPair();
    const received = collect(far);
    let directly = 0;
    far.readDirectly((chunk) => {
      directly += chunk.length;
      far.emit('data', Buffer.from(chunk));
    });
    near.write('one ');
    await pump(() => received.bytes().length === 4);
    expect(directly).toBe(4);
    far.pause();
    near.write('two ');
    wire.deliver();
    await tick();
    expect(received.bytes().toString()).toBe('one ');
    far.resume();
    near.write('three');
    near.end();
    await pump(() => received.isOver);
    expect(received.bytes().toString()).toBe('one two three');
  });

  it('goes on in one direction when the other has ended', async () => {
    const { near, far, pump } = openPair();
    const [atNear, atFar] = [collect(near), collect(far)];
    near.end('question');
    await pump(() => atFar.isOver);
    far.write('answer');
    await pump(() => atNear.bytes().toString() === 'answer');
    far.end();
    await pump(() => near.destroyed && far.destroyed);
    expect([atFar.bytes().toString(), atNear.error, atFar.error]).toEqual(['question', null, null]);
  });

  it('sends all that was queued and then FIN, though the peer had already ended', async () => {
    const { wire, near, far, pump } = openPair();
    const [atNear, atFar] = [collect(near), collect(far)];
    near.end();
    await pump(() => atFar.isOver);
    far.end(Buffer.alloc(450 * KiB, 7));
    await tick();
    await pump(() => atNear.isOver);
    expect(atNear.bytes().length).toBe(450 * KiB);
    expect([atNear.error, atFar.error]).toEqual([null, null]);
    await pump(() => far.destroyed && near.destroyed);
    expect([wire.dialler.session.streamCount, wire.listener.session.streamCount]).toEqual([0, 0]);
  });

  it('resets the stream when it is destroyed, and the other side learns so', async () => {
    const { near, far, pump } = openPair();
    const atFar = collect(far);
    near.write('x');
    near.destroy();
    await pump(() => far.destroyed);
    expect(atFar.error).toMatchObject({ code: 'stream_reset' });
    expect(atFar.isOver).toBe(false);
  });

  it('fails with the error that ended the connection, in readers, writers and pending writes', async () => {
    const { wire, near } = openPair();
    const whole = finished(near);
    const failures: unknown[] = [];
    near.write(Buffer.alloc(900 * KiB), (error) => failures.push(error));
    near.write(Buffer.alloc(1), (error) => failures.push(error));
    const error = new GatehouseError('keepalive_timeout', 'Gone.');
    wire.dialler.session.close(error);
    await expect(whole).rejects.toBe(error);
    await vi.waitFor(() => expect(failures).toEqual([error, error]));
  });

  it('fails a write with the error of the stream once that is over', async () => {
    const { wire, near } = openPair();
    wire.dialler.session.close();
    const [error] = (await once(near, 'error')) as [GatehouseError];
    expect(error.code).toBe('wire_closed');
  });

  it('can be destroyed at any time without a second word', async () => {
    const { near, far, pump } = openPair();
    const atFar = collect(far);
    near.end('x');
    near.destroy();
    near.destroy(new Error('again'));
    await pump(() => far.destroyed);
    expect(atFar.isOver || atFar.error !== null).toBe(true);
  });
});
