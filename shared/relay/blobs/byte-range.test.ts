// Ranges as clients ask for them, right and wrong.
import { describe, expect, it } from 'vitest';
import { parseRange, resolveRange } from './byte-range.ts';

function read(header: string | undefined, length = 1000): unknown {
  try {
    const { from, to } = resolveRange(parseRange(header), length);
    return [from, to];
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('a range', () => {
  it.each([
    [undefined, [0, 1000]],
    ['bytes=0-0', [0, 1]],
    ['bytes=0-', [0, 1000]],
    ['bytes=5-9', [5, 10]],
    ['BYTES=5-9', [5, 10]],
    ['bytes=990-5000', [990, 1000]],
    ['bytes=999-', [999, 1000]],
    ['bytes=-1', [999, 1000]],
    ['bytes=-5000', [0, 1000]],
    ['lines=1-2', [0, 1000]],
  ])('%s is %j', (header, expected) => {
    expect(read(header)).toEqual(expected);
  });

  it.each([
    'bytes=1000-',
    'bytes=-0',
    'bytes=9-5',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'bytes=1-2,4-5',
    'bytes=0-0,0-0,0-0,0-0,0-0,0-0',
    'bytes=1.5-2',
    'bytes=-1-2',
    'bytes=+1-2',
    'bytes=0x10-0x20',
    'bytes= 1-2',
    `bytes=${'9'.repeat(16)}-`,
    `bytes=0-${'9'.repeat(400)}`,
  ])('%s is refused', (header) => {
    expect(read(header)).toBe('range_invalid');
  });

  it('of nothing is refused, and the whole of nothing is nothing', () => {
    expect(read('bytes=0-', 0)).toBe('range_invalid');
    expect(read(undefined, 0)).toEqual([0, 0]);
  });
});
