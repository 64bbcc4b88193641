// The address of the Requests page: what is written is read back, and no text does harm.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPlace, newestFirst, parsePlace } from './requests-place.ts';
import type { PlaceQuery } from './requests-place.ts';

const reader = (query: Partial<PlaceQuery>) => (name: keyof PlaceQuery) => query[name] ?? '';

describe('the place in the address', () => {
  it('is read back as it was written', () => {
    const place = fc.record({
      filter: fc.string({ maxLength: 200 }),
      sort: fc.record({
        key: fc.constantFrom('time', 'duration', 'bytesRead', 'bytesWritten'),
        descending: fc.boolean(),
      }),
      columns: fc.uniqueArray(fc.constantFrom('time', 'rpc', 'status', 'e2ee'), { maxLength: 4 }),
      id: fc.option(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
    });
    fc.assert(
      fc.property(place, (original) => {
        expect(parsePlace(reader(formatPlace(original)))).toEqual(original);
      }),
    );
  });

  it('says nothing on a plain visit', () => {
    const plain = { filter: '', sort: newestFirst, columns: [], id: null };
    expect(Object.values(formatPlace(plain))).toEqual([null, null, null, null]);
  });

  const broken: readonly (readonly [string, Partial<PlaceQuery>])[] = [
    ['an unknown order', { sort: '-size' }],
    ['a doubled sign', { sort: '--time' }],
    ['an id of zero', { id: '0' }],
    ['a negative id', { id: '-4' }],
    ['an id beyond the safe integers', { id: '9007199254740993' }],
    ['an id with words', { id: '12; drop' }],
    ['columns with other characters', { columns: '../x,<b>' }],
  ];
  it.each(broken)('takes %s as not said', (_why, query) => {
    expect(parsePlace(reader(query))).toEqual({ filter: '', sort: newestFirst, columns: [], id: null });
  });

  it('never throws, and never names a column twice', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (sort, columns, id) => {
        const place = parsePlace(reader({ sort, columns, id }));
        expect(new Set(place.columns).size).toBe(place.columns.length);
      }),
    );
  });
});
