// Runs the passes of a filter over the index, slice by slice, and hands on where they all hold. Must look at the flag of
// cancellation before every slice: nothing else can end a query.
import { flag } from '../index/columns.ts';
import type { Slice } from '../index/row-index.ts';
import { segmentRows } from '../index/segment.ts';
import type { Segment } from '../index/segment.ts';
import type { Pass } from './passes.ts';

/** @throws GatehouseError `cancelled` */
export type CheckCancelled = () => void;

export class Scan {
  readonly #passes: readonly Pass[];
  readonly #checkCancelled: CheckCancelled;
  readonly #mask = new Uint8Array(segmentRows);

  /** Whether a row at a time may be asked for. */
  readonly cheapByRow: boolean;

  constructor(passes: readonly Pass[], checkCancelled: CheckCancelled) {
    this.#passes = passes;
    this.cheapByRow = passes.every(({ costlyStart }) => costlyStart !== true);
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

  /** Whether one row matches. What asks for many looks at the flag of cancellation by `check`. */
  holds(segment: Segment, at: number): boolean {
    const mask = this.#mask;
    mask[at] = ((segment.flags[at] ?? 0) & flag.live) === 0 ? 0 : 1;
    const row = { segment, from: at, to: at + 1 };
    for (const pass of this.#passes) if (mask[at] === 1) pass(row, mask);
    return mask[at] === 1;
  }

  /** @throws GatehouseError `cancelled` */
  check(): void {
    this.#checkCancelled();
  }

  /** How many rows of the slice match. */
  count(slice: Slice): number {
    const mask = this.mask(slice);
    let count = 0;
    for (let at = slice.from; at < slice.to; at += 1) count += mask[at] ?? 0;
    return count;
  }
}
