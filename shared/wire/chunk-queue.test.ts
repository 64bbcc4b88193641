// The byte queue: order, and what it costs to hold little.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkQueue } from './chunk-queue.ts';

function drain(queue: ChunkQueue, max = Infinity): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let chunk = queue.shift(max); chunk !== null; chunk = queue.shift(max)) chunks.push(chunk);
  return chunks;
}

/** Bytes of all buffers that the chunks keep alive. */
function pinned(chunks: readonly Uint8Array[]): number {
  return [...new Set(chunks.map((chunk) => chunk.buffer))].reduce(
    (sum, buffer) => sum + buffer.byteLength,
    0,
  );
}

describe('ChunkQueue', () => {
  it('gives bytes back in order under any mix of pushes and shifts', () => {
    const size = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1500, max: 5000 }));
    const step = fc.oneof(fc.record({ push: size }), fc.record({ shift: fc.integer({ min: 1, max: 6000 }) }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new ChunkQueue();
        let pushed = 0;
        let shifted = 0;
        const take = (max: number): boolean => {
          const chunk = queue.shift(max);
          if (chunk === null) return false;
          expect(chunk.length).toBeGreaterThan(0);
          expect(chunk.length).toBeLessThanOrEqual(max);
          for (const byte of chunk) expect(byte).toBe(shifted++ % 251);
          return true;
        };
        for (const each of steps) {
          if ('push' in each) queue.push(Uint8Array.from({ length: each.push }, () => pushed++ % 251));
          else take(each.shift);
          expect(queue.length).toBe(pushed - shifted);
        }
        while (take(1000));
        expect(shifted).toBe(pushed);
      }),
      { numRuns: 60 },
    );
  });

  it('is not changed when the owner of a small chunk writes over it', () => {
    const queue = new ChunkQueue();
    const chunk = Buffer.from('abc');
    queue.push(chunk);
    chunk.fill('x');
    expect(Buffer.concat(drain(queue)).toString()).toBe('abc');
  });

  it.each([
    ['a Buffer', Buffer.alloc(1024 * 1024)],
    ['a Uint8Array', new Uint8Array(1024 * 1024)],
  ])('does not keep %s of 1 MiB alive for a view of a small part', (_name, huge) => {
    for (const length of [1, 2047, 2048, 64 * 1024]) {
      const queue = new ChunkQueue();
      queue.push(huge.subarray(100, 100 + length));
      expect(pinned(drain(queue))).toBeLessThanOrEqual(Math.max(2 * length, 16 * 1024));
    }
  });

  it('keeps a large chunk uncopied where that pins little', () => {
    const queue = new ChunkQueue();
    const large = new Uint8Array(100_000);
    queue.push(large.subarray(10));
    expect(queue.shift(Infinity)?.buffer).toBe(large.buffer);
  });

  it('holds a flood of single bytes in about their own size', () => {
    const queue = new ChunkQueue();
    for (let index = 0; index < 256 * 1024; index += 1) queue.push(Uint8Array.of(index));
    const chunks = drain(queue);
    expect(chunks.length).toBeLessThan(40);
    expect(pinned(chunks)).toBeLessThan(2 * 256 * 1024);
  });

  it('holds single bytes between larger chunks in about their own size', () => {
    const queue = new ChunkQueue();
    for (let index = 0; index < 100; index += 1) {
      queue.push(Uint8Array.of(index));
      queue.push(new Uint8Array(2048));
    }
    expect(pinned(drain(queue))).toBeLessThan(2 * 100 * 2049);
  });

  it('forgets everything when it is cleared', () => {
    const queue = new ChunkQueue();
    queue.push(new Uint8Array(5000));
    queue.push(Uint8Array.of(1));
    queue.clear();
    expect([queue.length, queue.shift(10)]).toEqual([0, null]);
    queue.push(Uint8Array.of(2));
    expect(drain(queue)).toEqual([Uint8Array.of(2)]);
  });
});
