// The orders that requests are shown in. Each is total: rows of the same key follow their ids. A key that is not there
// yet (the duration of a running request) comes below all others. By time is by order of arrival, the order of ids.
import type { RequestSort, SortKey } from '../../../../shared/contracts/console/models.ts';
import type { NumberColumn } from '../index/columns.ts';
import { keyOf } from '../index/key-order.ts';
import type { RowIndex, Slice } from '../index/row-index.ts';
import { Best } from './best.ts';
import { walk } from './key-walk.ts';
import type { Scan } from './scan.ts';

/** Where a row is in an order. */
export interface Place {
  readonly key: number;
  readonly id: number;
}

export interface Order {
  /** Null: by id. */
  readonly column: NumberColumn | null;
  /** 1 ascending, -1 descending. */
  readonly sign: 1 | -1;
}

const columns: Readonly<Record<SortKey, NumberColumn | null>> = {
  time: null,
  duration: 'duration',
  bytesRead: 'read',
  bytesWritten: 'written',
};

export function orderOf({ key, descending }: RequestSort): Order {
  return { column: columns[key], sign: descending ? -1 : 1 };
}

export function reversed({ column, sign }: Order): Order {
  return { column, sign: sign === 1 ? -1 : 1 };
}

export function placeAt(order: Order, { segment }: Slice, at: number): Place {
  const id = segment.ids[at] ?? 0;
  return { key: order.column === null ? id : keyOf(segment.numbers[order.column][at]), id };
}

/** The first `limit` matching rows behind `after` (or from the start), in order. @throws NotLoadedYet */
export function firstRows(
  index: RowIndex,
  scan: Scan,
  order: Order,
  after: Place | null,
  limit: number,
): Place[] {
  return order.column === null
    ? firstById(index, scan, order, after, limit)
    : firstByKey(index, scan, order, order.column, after, limit);
}

function firstById(index: RowIndex, scan: Scan, order: Order, after: Place | null, limit: number): Place[] {
  const found: Place[] = [];
  const slices = order.sign === 1 ? index.oldestFirst(after?.id) : index.newestFirst(after?.id);
  for (const slice of slices) {
    const mask = scan.mask(slice);
    const [first, last] = order.sign === 1 ? [slice.from, slice.to] : [slice.to - 1, slice.from - 1];
    for (let at = first; at !== last; at += order.sign) {
      if (mask[at] === 0) continue;
      found.push(placeAt(order, slice, at));
      if (found.length === limit) return found;
    }
  }
  return found;
}

function firstByKey(
  index: RowIndex,
  scan: Scan,
  order: Order,
  column: NumberColumn,
  after: Place | null,
  limit: number,
): Place[] {
  const best = new Best(limit, order.sign, after);
  for (const slice of index.newestFirst()) {
    const { segment } = slice;
    scan.check();
    const walked = walk(segment, scan, { order: { ...order, column }, after, limit, lastKey: best.lastKey });
    if (walked !== null) for (const at of walked) best.offer(placeAt(order, slice, at));
    else best.offerAll(slice, scan.mask(slice), segment.numbers[column]);
  }
  return best.places();
}

/** Whether any row matches behind `after`: ends at the first one. @throws NotLoadedYet */
export function anyRow(index: RowIndex, scan: Scan, order: Order, after: Place): boolean {
  const { column, sign } = order;
  if (column === null) return firstById(index, scan, order, after, 1).length > 0;
  const walking = { order: { column, sign }, after, limit: 1, lastKey: sign * Infinity };
  for (const slice of index.newestFirst()) {
    scan.check();
    const walked = walk(slice.segment, scan, walking);
    if (walked !== null && walked.length > 0) return true;
    if (walked !== null) continue;
    const mask = scan.mask(slice);
    const { ids } = slice.segment;
    const keys = slice.segment.numbers[column];
    for (let at = slice.from; at < slice.to; at += 1) {
      if (mask[at] === 0) continue;
      const distance = (keyOf(keys[at]) - after.key) * sign || ((ids[at] ?? 0) - after.id) * sign;
      if (distance > 0) return true;
    }
  }
  return false;
}
