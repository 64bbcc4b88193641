// The orders that requests are shown in. Each is total: rows of the same key follow their ids. A key that is not there
// yet (the duration of a running request) comes below all others. By time is by order of arrival, the order of ids.
import type { RequestSort, SortKey } from '../../../../shared/contracts/console/models.ts';
import type { NumberColumn } from '../index/columns.ts';
import type { RowIndex, Slice } from '../index/row-index.ts';
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

/** The key that is not there yet. */
export const missing = -1;

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

export function keyOf(value: number | null | undefined): number {
  return value === undefined || value === null || Number.isNaN(value) ? missing : value;
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
    const mask = scan.mask(slice);
    best.offerAll(slice, mask, slice.segment.numbers[column]);
  }
  return best.places();
}

/** Whether any row matches behind `after`: ends at the first one. @throws NotLoadedYet */
export function anyRow(index: RowIndex, scan: Scan, order: Order, after: Place): boolean {
  const { column, sign } = order;
  if (column === null) return firstById(index, scan, order, after, 1).length > 0;
  for (const slice of index.newestFirst()) {
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

/** Keeps the first `limit` places behind `after` of all that are offered, in order. */
class Best {
  readonly #limit: number;
  readonly #sign: number;
  readonly #keys: Float64Array;
  readonly #ids: Float64Array;
  readonly #afterKey: number;
  readonly #afterId: number;
  #size = 0;

  constructor(limit: number, sign: 1 | -1, after: Place | null) {
    this.#limit = limit;
    this.#sign = sign;
    this.#keys = new Float64Array(limit + 1);
    this.#ids = new Float64Array(limit + 1);
    this.#afterKey = after === null ? -Infinity : after.key * sign;
    this.#afterId = after === null ? -Infinity : after.id * sign;
  }

  /** The rows of a slice that its mask has; most of them are behind the last that is kept, and cost a comparison. */
  offerAll({ segment: { ids }, from, to }: Slice, mask: Uint8Array, keys: Float64Array): void {
    const sign = this.#sign;
    const least = this.#afterKey;
    let most = this.#mostKey();
    for (let at = from; at < to; at += 1) {
      if (mask[at] === 0) continue;
      const value = keys[at] ?? NaN;
      const key = (Number.isNaN(value) ? missing : value) * sign;
      if (key < least || key > most) continue;
      this.#offer(key, (ids[at] ?? 0) * sign);
      most = this.#mostKey();
    }
  }

  /** A key beyond it need not be offered. */
  #mostKey(): number {
    return this.#size === this.#limit ? (this.#keys[this.#size - 1] ?? Infinity) : Infinity;
  }

  #offer(key: number, id: number): void {
    if (key < this.#afterKey || (key === this.#afterKey && id <= this.#afterId)) return;
    const worst = this.#size - 1;
    if (this.#size === this.#limit && !this.#isBefore(key, id, worst)) return;
    const at = this.#find(key, id);
    this.#keys.copyWithin(at + 1, at, this.#size);
    this.#ids.copyWithin(at + 1, at, this.#size);
    this.#keys[at] = key;
    this.#ids[at] = id;
    if (this.#size < this.#limit) this.#size += 1;
  }

  places(): Place[] {
    return Array.from({ length: this.#size }, (_, at) => ({
      key: (this.#keys[at] ?? 0) * this.#sign,
      id: (this.#ids[at] ?? 0) * this.#sign,
    }));
  }

  #isBefore(key: number, id: number, at: number): boolean {
    const other = this.#keys[at] ?? 0;
    return key < other || (key === other && id < (this.#ids[at] ?? 0));
  }

  #find(key: number, id: number): number {
    let [low, high] = [0, this.#size];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#isBefore(key, id, middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
