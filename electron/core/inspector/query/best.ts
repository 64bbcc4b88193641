// The first so many places of an order, of all that are offered in any order. Must never hold more than its limit.
import { missing } from '../index/key-order.ts';
import type { Slice } from '../index/row-index.ts';
import type { Place } from './order.ts';

/** Keeps the first `limit` places behind `after` of all that are offered, in order. */
export class Best {
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

  offer({ key, id }: Place): void {
    this.#offer(key * this.#sign, id * this.#sign);
  }

  /** A row whose key lies behind it need not be offered. */
  get lastKey(): number {
    return this.#mostKey() * this.#sign;
  }

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
