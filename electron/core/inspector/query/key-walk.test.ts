// What a walk finds in a sorted segment is what looking at every row finds, whatever the order, the place and the filter.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flag, wordColumns } from '../index/columns.ts';
import type { IndexRow } from '../index/columns.ts';
import { newDictionaries, Segment } from '../index/segment.ts';
import { walk } from './key-walk.ts';
import type { Walk } from './key-walk.ts';
import type { Pass } from './passes.ts';
import { Scan } from './scan.ts';

const rows = 6000;

/** Few distinct keys, some missing, so that ids decide. */
function rowOf(id: number, key: number | null = id % 7 === 0 ? null : (id * 31) % 23): IndexRow {
  return [id, flag.live, id, key, key, key, ...wordColumns.map(() => null)];
}

function sortedSegment(): Segment {
  const segment = new Segment(newDictionaries(), rows, 0);
  for (let id = 1; id <= rows; id += 1) segment.append(rowOf(id));
  while (segment.sortStep());
  return segment;
}

/** Clears rows whose id does not leave 0 when divided by `every`. */
function everyPass(every: number): Pass {
  return ({ segment, from, to }, mask) => {
    for (let at = from; at < to; at += 1) if ((segment.ids[at] ?? 0) % every !== 0) mask[at] = 0;
  };
}

function scanOf(...passes: Pass[]): Scan {
  return new Scan(passes, () => {});
}

function idsOf(segment: Segment, asked: Walk, scan = scanOf()): number[] | undefined {
  return walk(segment, scan, asked)?.map((at) => segment.ids[at]!);
}

const segment = sortedSegment();
const order = { column: 'duration', sign: 1 } as const;
const fromStart: Walk = { order, after: null, limit: 10, lastKey: Infinity };

function expected({ order: { sign }, after, limit }: Walk, every: number): number[] {
  const key = (id: number) => rowOf(id)[3] ?? -1;
  const behind = (id: number) => after === null || (key(id) - after.key || id - after.id) * sign > 0;
  return Array.from({ length: rows }, (_, at) => at + 1)
    .filter((id) => id % every === 0 && behind(id))
    .sort((a, b) => (key(a) - key(b) || a - b) * sign)
    .slice(0, limit);
}

describe('walk', () => {
  it('finds the first matching rows behind any place, in order', () => {
    const place = fc.record({
      key: fc.integer({ min: -1, max: 24 }),
      id: fc.integer({ min: 0, max: rows + 1 }),
    });
    const sign = fc.constantFrom<1 | -1>(1, -1);
    fc.assert(
      fc.property(fc.option(place), sign, fc.integer({ min: 1, max: 6 }), (after, direction, every) => {
        const lastKey = direction * Infinity;
        const asked: Walk = { order: { ...order, sign: direction }, after, limit: 30, lastKey };
        expect(idsOf(segment, asked, scanOf(everyPass(every)))).toEqual(expected(asked, every));
      }),
    );
  });

  it('ends behind the last key that is needed', () => {
    const found = idsOf(segment, { ...fromStart, limit: rows, lastKey: -1 });
    expect(found).toEqual(Array.from({ length: Math.floor(rows / 7) }, (_, at) => (at + 1) * 7));
  });

  it('gives up where few rows match, and where a single row costs much', () => {
    expect(walk(segment, scanOf(everyPass(rows)), fromStart)).toBeNull();
    const costly = Object.assign(everyPass(1), { costlyStart: true } as const);
    expect(walk(segment, scanOf(costly), fromStart)).toBeNull();
  });

  it('leaves out deleted rows, and uses no order that a changed number has spoilt', () => {
    const own = sortedSegment();
    own.remove(own.find(7));
    expect(idsOf(own, fromStart)?.[0]).toBe(14);
    own.replace(own.find(14), rowOf(14));
    expect(idsOf(own, fromStart)?.[0]).toBe(14);
    own.replace(own.find(14), rowOf(14, 5));
    expect(walk(own, scanOf(), fromStart)).toBeNull();
    expect(own.sortStep()).toBe(false);
    for (let times = 0; times < 20; times += 1) own.settle();
    while (own.sortStep());
    expect(idsOf(own, fromStart)?.[0]).toBe(21);
  });
});
