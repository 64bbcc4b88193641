// What is written past the WebSocket library must be what that library reads: whole binary messages, masked where
// the sender is a client, with exactly the bytes that were given, however slowly the socket takes them.
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as ws from 'ws';
import { MessageWriter } from './message-writer.ts';

/** A socket that keeps what it is given without a copy, and calls back when the test says so. */
class SlowSocket {
  readonly writes: Buffer[] = [];
  readonly #callbacks: (() => void)[] = [];

  write(bytes: Buffer, done: () => void): boolean {
    this.writes.push(bytes);
    this.#callbacks.push(done);
    return true;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.writes);
  }

  /** The socket has sent the oldest writes. */
  complete(count = Infinity): Buffer {
    const sent = Buffer.concat(this.writes.splice(0, count));
    for (const done of this.#callbacks.splice(0, count)) done();
    return sent;
  }
}

function makeWriter(masked: boolean): { socket: SlowSocket; writer: MessageWriter } {
  const socket = new SlowSocket();
  return { socket, writer: new MessageWriter(socket as unknown as Socket, masked) };
}

/** Sends one frame. */
function send(writer: MessageWriter, ...pieces: Buffer[]): void {
  writer.add(...pieces);
  writer.flush();
}

interface Wire {
  readonly messages: Buffer[];
  readonly error: unknown;
}

/** ws exports it; its types do not say so. */
const { Receiver } = ws as unknown as { Receiver: new (options: object) => NodeJS.WritableStream };

/** What ws's own receiver makes of `bytes`; `isServer`: it demands masks, or refuses them. */
async function receive(bytes: Buffer, isServer: boolean): Promise<Wire> {
  const receiver = new Receiver({ isServer, maxPayload: 1024 * 1024, allowSynchronousEvents: true });
  const messages: Buffer[] = [];
  let error: unknown = null;
  receiver.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) messages.push(Buffer.from(data));
  });
  receiver.on('error', (thrown: unknown) => (error = thrown));
  await new Promise<void>((resolve) => {
    receiver.write(bytes, () => resolve());
    if (bytes.length === 0) resolve();
  });
  await new Promise(setImmediate);
  return { messages, error };
}

function pattern(length: number, seed = 7): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (index * 31 + seed + (index >> 8)) & 0xff));
}

const sizes = [1, 2, 124, 125, 126, 127, 128, 16_367, 16_368, 16_369, 16_376, 16_377, 16_380, 16_381, 16_384];
const large = [32_735, 32_736, 32_737, 65_534, 65_535, 65_536, 65_537, 262_144, 327_680, 400_000];

describe.each([
  ['masked', true],
  ['unmasked', false],
])('a %s message', (_what, masked) => {
  it.each([...sizes, ...large])('of %i bytes is read as exactly those bytes', async (size) => {
    const { socket, writer } = makeWriter(masked);
    const input = pattern(size);
    send(writer, input);
    const { messages, error } = await receive(socket.bytes, masked);
    expect(error).toBeNull();
    expect(Buffer.concat(messages).equals(input)).toBe(true);
    expect(socket.writes).toHaveLength(1);
    expect(input.equals(pattern(size))).toBe(true);
  });

  it('carries pieces of any sizes in their order, and fits one TLS record', async () => {
    const piece = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40_000 }));
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 20 }), async (lengths) => {
        const pieces = lengths.map((length, index) => pattern(length, index));
        const input = Buffer.concat(pieces);
        if (input.length === 0) return;
        const { socket, writer } = makeWriter(masked);
        send(writer, ...pieces);
        const { messages, error } = await receive(socket.bytes, masked);
        expect(error).toBeNull();
        expect(Buffer.concat(messages).equals(input)).toBe(true);
        const header = masked ? 8 : 4;
        expect(Math.max(...messages.map((message) => message.length + header))).toBeLessThanOrEqual(
          16 * 1024,
        );
      }),
      { numRuns: 40 },
    );
  });

  it('begins and ends with a frame where frames fit, and holds as many as fit', async () => {
    const { socket, writer } = makeWriter(masked);
    const frames = [16_376, 10, 20, 16_376, 16_346, 30, 1, 40_000, 5].map((size) => pattern(size));
    for (const frame of frames) writer.add(frame.subarray(0, 4), null, frame.subarray(4));
    writer.flush();
    const { messages, error } = await receive(socket.bytes, masked);
    expect(error).toBeNull();
    expect(messages.map((message) => message.length)).toEqual([
      16_376, 30, 16_376, 16_376, 1, 16_376, 16_376, 7_253,
    ]);
    expect(Buffer.concat(messages).equals(Buffer.concat(frames))).toBe(true);
  });

  it('keeps its bytes until the socket has sent them, however late that is', async () => {
    const { socket, writer } = makeWriter(masked);
    const inputs: Buffer[] = [];
    const sent: Buffer[] = [];
    for (let round = 0; round < 300; round += 1) {
      const input = pattern(1 + ((round * 7919) % 40_000), round);
      inputs.push(input);
      send(writer, input);
      if (round % 3 === 2) sent.push(socket.complete(1 + (round % 4)));
    }
    sent.push(socket.complete());
    const { messages, error } = await receive(Buffer.concat(sent), masked);
    expect(error).toBeNull();
    expect(Buffer.concat(messages).equals(Buffer.concat(inputs))).toBe(true);
  });

  it('is refused by a receiver of the other role', async () => {
    const { socket, writer } = makeWriter(masked);
    send(writer, pattern(10));
    expect((await receive(socket.bytes, !masked)).error).not.toBeNull();
  });
});

describe('a mask', () => {
  it('is fresh for each message, also beyond a whole pool of random bytes', () => {
    const { socket, writer } = makeWriter(true);
    const keys = new Set<string>();
    for (let message = 0; message < 5000; message += 1) {
      send(writer, Buffer.alloc(8));
      const bytes = socket.complete();
      const key = bytes.subarray(2, 6);
      keys.add(key.toString('hex'));
      expect(bytes.subarray(6).equals(Buffer.concat([key, key]))).toBe(true);
    }
    expect(keys.size).toBeGreaterThan(4990);
  });

  it('differs between the messages of one write', () => {
    const { socket, writer } = makeWriter(true);
    send(writer, Buffer.alloc(40_000));
    const bytes = socket.bytes;
    const keys = [0, 16_384, 32_768].map((at) => bytes.subarray(at + 4, at + 8).toString('hex'));
    expect(keys[2]).toBeDefined();
    expect(new Set(keys.slice(0, 2)).size).toBe(2);
  });
});
