// Memory that is lent: never to two at once, used again only after it was given back, and bounded whatever is kept.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxSlabs, slabLength, SlabPool } from './slabs.ts';
import type { SlabBytes } from './slabs.ts';

interface Loan {
  readonly slab: SlabBytes;
  readonly mark: number;
}

const isMarked = ({ slab, mark }: Loan): boolean => slab.bytes.every((byte) => byte === mark);

/** Bytes of the buffers that are behind `loans`. */
function backing(loans: readonly SlabBytes[]): number {
  const buffers = new Set(loans.map(({ bytes }) => bytes.buffer));
  return [...buffers].reduce((sum, buffer) => sum + buffer.byteLength, 0);
}

describe('SlabPool', () => {
  it('never lends a byte twice at a time, whatever is taken and given back', () => {
    const length = fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.constantFrom(16 * 1024, 16 * 1024 + 1, slabLength, slabLength + 1),
      fc.integer({ min: 1, max: slabLength }),
    );
    const step = fc.record({ length, release: fc.option(fc.nat(), { freq: 2 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pool = new SlabPool();
        const loans: Loan[] = [];
        for (const [index, { length, release }] of steps.entries()) {
          const slab = pool.take(length);
          expect(slab.bytes.length).toBe(length);
          const loan = { slab, mark: 1 + (index % 255) };
          slab.bytes.fill(loan.mark);
          loans.push(loan);
          if (release === null) continue;
          const [done] = loans.splice(release % loans.length, 1);
          expect(done === undefined || isMarked(done)).toBe(true);
          done?.slab.release();
        }
        expect(loans.every(isMarked)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('uses memory again once it was given back, and not before', () => {
    const pool = new SlabPool();
    const first = pool.take(100_000);
    const second = pool.take(100_000);
    expect(second.bytes.buffer).not.toBe(first.bytes.buffer);
    first.release();
    expect(pool.take(100_000).bytes.buffer).toBe(first.bytes.buffer);
  });

  it('starts a shared slab anew when all of it was given back', () => {
    const pool = new SlabPool();
    const offsets = Array.from({ length: 1000 }, () => {
      const { bytes, release } = pool.take(10_000);
      release();
      return bytes.byteOffset;
    });
    expect(new Set(offsets)).toEqual(new Set([0]));
  });

  it.each([
    ['17 KiB each', () => 17 * 1024, 0],
    ['half a slab each', () => slabLength / 2 + 1, 0],
    // Others take and give back in between: without a bound each of the few bytes kept would hold a slab of its own.
    ['few bytes each, among many that are given back', () => 20, 30],
  ])(
    'holds no more than its slabs beyond what is asked for, where %s are never given back',
    (_what, size, others) => {
      const pool = new SlabPool();
      const kept: SlabBytes[] = [];
      let asked = 0;
      for (let round = 0; round < 400; round += 1) {
        kept.push(pool.take(size()));
        asked += size();
        const passing = Array.from({ length: others }, () => pool.take(15_000));
        for (const { release } of passing) release();
      }
      expect(backing(kept)).toBeLessThanOrEqual(maxSlabs * slabLength + asked + 400 * 8);
    },
  );

  it('lends slabs again after a time when all were taken', () => {
    const pool = new SlabPool();
    const all = Array.from({ length: maxSlabs + 20 }, () => pool.take(slabLength));
    for (const { release } of all) release();
    const again = Array.from({ length: maxSlabs }, () => pool.take(20_000));
    expect(again.every(({ bytes }) => bytes.buffer.byteLength === slabLength)).toBe(true);
  });
});
