// Our yamux against @chainsafe/libp2p-yamux, in both roles: what the spec promises holds with a peer that
// somebody else wrote.
import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import type { YamuxRole } from '../wire/session.ts';
import type { YamuxStream } from '../wire/stream.ts';
import { joinForeignPeer } from './foreign-peer.ts';
import type { ForeignMuxer, ForeignStream } from './foreign-peer.ts';
import { seededRandom } from './memory-wire.ts';
import { StreamRecorder } from './stream-recorder.ts';

const MiB = 1024 * 1024;
const timeout = { timeout: 10_000 };

function randomBytes(length: number, seed: number): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length }, () => random() * 256);
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Sends back what comes, and FIN for FIN, at our end. */
function echoOurs(stream: YamuxStream): void {
  stream.attach({
    data: (chunk) => {
      stream.write(chunk.slice());
      stream.consumed(chunk.length);
    },
    end: () => stream.end(),
    sent() {},
    closed() {},
  });
}

/** Sends back what comes, and FIN for FIN, at theirs. */
function echoTheirs(muxer: ForeignMuxer): void {
  muxer.addEventListener('stream', ({ detail: stream }) => {
    stream.addEventListener('message', ({ data }) => {
      stream.send(data.subarray().slice());
    });
    stream.addEventListener('remoteCloseWrite', () => void stream.close());
  });
}

interface ForeignRecord {
  readonly chunks: Uint8Array[];
  received: number;
  ended: boolean;
  closed: boolean;
}

function recordTheirs(stream: ForeignStream): ForeignRecord {
  const record: ForeignRecord = { chunks: [], received: 0, ended: false, closed: false };
  stream.addEventListener('message', ({ data }) => {
    record.chunks.push(data.subarray().slice());
    record.received += data.byteLength;
  });
  stream.addEventListener('remoteCloseWrite', () => (record.ended = true));
  stream.addEventListener('close', () => (record.closed = true));
  return record;
}

async function openTheirs(muxer: ForeignMuxer): Promise<ForeignStream> {
  const stream = await muxer.createStream();
  await new Promise((resolve) => setImmediate(resolve));
  return stream;
}

describe.each<YamuxRole>(['dialler', 'listener'])('with a foreign peer, ours being the %s', (role) => {
  it('gets back what it sends on many streams of its own', async () => {
    const { ours, theirs } = joinForeignPeer(role, echoOurs);
    echoTheirs(theirs);
    const sent = Array.from({ length: 8 }, (_, index) => randomBytes(MiB + index * 1000, index));
    const readers = sent.map((bytes) => {
      const reader = new StreamRecorder(ours.open(), true);
      for (let at = 0; at < bytes.length; at += 50_000) reader.stream.write(bytes.slice(at, at + 50_000));
      reader.stream.end();
      return reader;
    });
    await vi.waitFor(() => expect(readers.every((each) => each.closeCode === null)).toBe(true), timeout);
    expect(readers.map((each) => digest(each.bytes))).toEqual(sent.map(digest));
    expect([ours.streamCount, theirs.streams.length]).toEqual([0, 0]);
  });

  it('sends back what comes on many streams of theirs', async () => {
    const { ours, theirs } = joinForeignPeer(role, echoOurs);
    const sent = Array.from({ length: 4 }, (_, index) => randomBytes(MiB + index * 999, index));
    const records = await Promise.all(
      sent.map(async (bytes) => {
        const stream = await openTheirs(theirs);
        const record = recordTheirs(stream);
        for (let at = 0; at < bytes.length; at += 30_000) {
          if (!stream.send(bytes.slice(at, at + 30_000))) await stream.onDrain();
        }
        await stream.close();
        return record;
      }),
    );
    await vi.waitFor(() => expect(records.every((each) => each.ended)).toBe(true), timeout);
    expect(records.map((each) => digest(Buffer.concat(each.chunks)))).toEqual(sent.map(digest));
    await vi.waitFor(() => expect([ours.streamCount, theirs.streams.length]).toEqual([0, 0]), timeout);
  });

  it('stops their writer at the window while our reader stands still, and lets it on as it reads', async () => {
    const readers: StreamRecorder[] = [];
    const { theirs } = joinForeignPeer(role, (stream) => readers.push(new StreamRecorder(stream)));
    const stream = await openTheirs(theirs);
    stream.send(new Uint8Array(MiB));
    await vi.waitFor(() => expect(readers[0]?.received).toBe(256 * 1024), timeout);
    readers[0]?.stream.consumed(200 * 1024);
    await vi.waitFor(() => expect(readers[0]?.received).toBeGreaterThanOrEqual(456 * 1024), timeout);
    stream.abort(new Error('enough'));
    await vi.waitFor(() => expect(readers[0]?.closeCode).toBe('stream_reset'), timeout);
  });

  it('stops at their window while their reader stands still', async () => {
    const { ours, theirs } = joinForeignPeer(role, echoOurs);
    const opened: ForeignStream[] = [];
    theirs.addEventListener('stream', ({ detail }) => {
      detail.pause();
      opened.push(detail);
    });
    const writer = new StreamRecorder(ours.open());
    writer.stream.write(new Uint8Array(MiB));
    await vi.waitFor(() => expect(opened[0]?.readBufferLength).toBe(256 * 1024), timeout);
    expect(writer.stream.queuedBytes).toBe(768 * 1024);
    const record = recordTheirs(opened[0]!);
    opened[0]?.resume();
    await vi.waitFor(() => expect(record.received).toBe(MiB), timeout);
  });

  it('half-closes one direction and goes on in the other, either way round', async () => {
    const accepted: StreamRecorder[] = [];
    const { ours, theirs } = joinForeignPeer(role, (stream) =>
      accepted.push(new StreamRecorder(stream, true)),
    );
    const theirStream = await openTheirs(theirs);
    const record = recordTheirs(theirStream);
    await theirStream.close();
    await vi.waitFor(() => expect(accepted[0]?.ends).toBe(1), timeout);
    accepted[0]?.stream.write(Buffer.from('still here'));
    await vi.waitFor(() => expect(Buffer.concat(record.chunks).toString()).toBe('still here'), timeout);
    accepted[0]?.stream.end();
    await vi.waitFor(() => expect([accepted[0]?.closeCode, record.closed]).toEqual([null, true]), timeout);
    expect(ours.streamCount).toBe(0);
  });

  it('passes a reset on, both ways', async () => {
    const accepted: StreamRecorder[] = [];
    const { ours, theirs } = joinForeignPeer(role, (stream) => accepted.push(new StreamRecorder(stream)));
    const statuses: string[] = [];
    theirs.addEventListener('stream', ({ detail }) => {
      detail.addEventListener('close', () => statuses.push(detail.status));
    });
    const mine = ours.open();
    mine.write(Buffer.from('x'));
    await vi.waitFor(() => expect(theirs.streams).toHaveLength(1), timeout);
    mine.reset();
    await vi.waitFor(() => expect(statuses).toEqual(['reset']), timeout);
    const stream = await openTheirs(theirs);
    await vi.waitFor(() => expect(accepted).toHaveLength(1), timeout);
    stream.abort(new Error('no more'));
    await vi.waitFor(() => expect(accepted[0]?.closeCode).toBe('stream_reset'), timeout);
  });

  it('has streams beyond its limit reset at their end', async () => {
    const { theirs } = joinForeignPeer(role, (stream) => new StreamRecorder(stream), {
      maxInboundStreams: 1,
    });
    await openTheirs(theirs);
    const refused = await openTheirs(theirs);
    await vi.waitFor(() => expect(refused.status).toBe('reset'), timeout);
    expect(theirs.streams).toHaveLength(1);
  });

  it('has its pings answered and answers theirs', async () => {
    const { ours, theirs } = joinForeignPeer(role, echoOurs);
    let answers = 0;
    ours.ping(() => (answers += 1));
    ours.ping(() => (answers += 1));
    await vi.waitFor(() => expect(answers).toBe(2), timeout);
    await expect((theirs as unknown as { ping(): Promise<number> }).ping()).resolves.toBeGreaterThanOrEqual(
      0,
    );
  });

  it('understands their go-away, and they ours', async () => {
    const first = joinForeignPeer(role, echoOurs);
    await first.theirs.close();
    await vi.waitFor(() => expect(first.goingAway).toEqual([0]), timeout);
    expect(() => first.ours.open()).toThrow(expect.objectContaining({ code: 'wire_closed' }));
    const second = joinForeignPeer(role, echoOurs);
    second.ours.goAway();
    await vi.waitFor(() => expect(second.theirs.status).toBe('closed'), timeout);
  });
});
