// The rows of a segment in the order of one of its numbers, so that a page by that number starts at its place instead of
// looking at every row. Must never be used after a number of its segment has changed: the segment drops it then.
import type { NumberColumn } from './columns.ts';
import type { Segment } from './segment.ts';

/** The key that is not there yet: below all others. */
export const missing = -1;

export function keyOf(value: number | null | undefined): number {
  return value === undefined || value === null || Number.isNaN(value) ? missing : value;
}

/** Positions of a segment's rows by ascending key, those of the same key by their ids; 65,536 fit into 16 bits. */
export function sortedPositions({ numbers, start, end }: Segment, column: NumberColumn): Uint16Array {
  const keys = Float64Array.from(numbers[column], keyOf);
  const positions = Uint16Array.from({ length: end - start }, (_, index) => start + index);
  return positions.sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0) || a - b);
}
