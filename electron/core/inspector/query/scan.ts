// Runs the passes of a filter over the index, slice by slice, and hands on where they all hold. Must look at the flag of
// cancellation before every slice: nothing else can end a query.
import { flag } from '../index/columns.ts';
import type { Slice } from '../index/row-index.ts';
import { segmentRows } from '../index/segment.ts';
import type { Pass } from './passes.ts';

/** @throws GatehouseError `cancelled` */
export type CheckCancelled = () => void;

export class Scan {
  readonly #passes: readonly Pass[];
  readonly #checkCancelled: CheckCancelled;
  readonly #mask = new Uint8Array(segmentRows);

  constructor(passes: readonly Pass[], checkCancelled: CheckCancelled) {
    this.#passes = passes;
    this.#checkCancelled = checkCancelled;
  }

  /** 1 at each position of the slice whose row matches; valid until the next call. */
  mask(slice: Slice): Uint8Array {
    this.#checkCancelled();
    const { segment, from, to } = slice;
    const mask = this.#mask;
    for (let at = from; at < to; at += 1) mask[at] = ((segment.flags[at] ?? 0) & flag.live) === 0 ? 0 : 1;
    for (const pass of this.#passes) pass(slice, mask);
    return mask;
  }

  /** How many rows of the slice match. */
  count(slice: Slice): number {
    const mask = this.mask(slice);
    let count = 0;
    for (let at = slice.from; at < slice.to; at += 1) count += mask[at] ?? 0;
    return count;
  }
}
