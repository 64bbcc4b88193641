// Walks the rows of one segment in the order of a key, from a place on, until enough of them match. Must never look at more
// rows than its bound: a filter that few rows match is faster tried on all rows at once.
import type { NumberColumn } from '../index/columns.ts';
import { keyOf } from '../index/key-order.ts';
import type { Segment } from '../index/segment.ts';
import type { Order, Place } from './order.ts';
import type { Scan } from './scan.ts';

/** Rows looked at one by one in a segment: about as long as looking at all of them at once. */
const maxLooked = 4096;

export interface Walk {
  readonly order: Order & { readonly column: NumberColumn };
  readonly after: Place | null;
  readonly limit: number;
  /** Rows whose key lies behind this one are not needed. */
  readonly lastKey: number;
}

/** Positions of matching rows in order; null where the segment is not sorted or too many rows had to be looked at. */
export function walk(segment: Segment, scan: Scan, { order, after, limit, lastKey }: Walk): number[] | null {
  const { column, sign } = order;
  const sorted = segment.orders[column];
  if (sorted === undefined || !scan.cheapByRow) return null;
  const keys = segment.numbers[column];
  const found: number[] = [];
  let looked = 0;
  for (let at = firstAt(segment, sorted, order, after); at >= 0 && at < sorted.length; at += sign) {
    const position = sorted[at] ?? 0;
    if (found.length === limit || (keyOf(keys[position]) - lastKey) * sign > 0) return found;
    if (looked === maxLooked) return null;
    looked += 1;
    if (scan.holds(segment, position)) found.push(position);
  }
  return found;
}

/** Where in `sorted` the first row behind `after` is; outside where there is none. */
function firstAt(
  segment: Segment,
  sorted: Uint16Array,
  { column, sign }: Walk['order'],
  after: Place | null,
): number {
  if (after === null) return sign === 1 ? 0 : sorted.length - 1;
  const keys = segment.numbers[column];
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const position = sorted[middle] ?? 0;
    const distance = keyOf(keys[position]) - after.key || (segment.ids[position] ?? 0) - after.id;
    if (distance < 0 || (distance === 0 && sign === 1)) low = middle + 1;
    else high = middle;
  }
  return sign === 1 ? low : low - 1;
}
