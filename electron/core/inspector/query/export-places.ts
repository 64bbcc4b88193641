// Which rows an export has, and in what order: those that its filter matched when it began. A request that was running
// then and ends meanwhile keeps the place and the answer to the filter that it had, else it would be missed or come
// twice. Must never need more of an export than its parts so far have told.
import type { RequestSort } from '../../../../shared/contracts/console/models.ts';
import { requestFields } from '../../../../shared/contracts/filter/fields.ts';
import { missing } from '../index/key-order.ts';
import type { RowIndex } from '../index/row-index.ts';
import { firstRows, orderOf } from './order.ts';
import type { Order, Place } from './order.ts';
import { compile } from './passes.ts';
import type { FindTexts, Pass } from './passes.ts';
import { parse } from './request-queries.ts';
import { Scan } from './scan.ts';
import type { CheckCancelled } from './scan.ts';

/** What was running when an export began, by ids in their order: what the filter matched, and the rest. */
export interface ExportStart {
  /** The newest id that belongs to it. */
  readonly upTo: number;
  readonly matched: Float64Array;
  readonly unmatched: Float64Array;
}

/** One step of an export. */
export interface ExportStep {
  readonly filter: string;
  readonly sort: RequestSort;
  readonly after: Place | null;
  readonly limit: number;
}

export class ExportPlaces {
  readonly #index: RowIndex;
  readonly #findTexts: FindTexts;

  constructor(index: RowIndex, findTexts: FindTexts) {
    this.#index = index;
    this.#findTexts = findTexts;
  }

  /** @param now milliseconds since the epoch, from which ages in the filter count: the same for all steps */
  start(filter: string, upTo: number, now: number, check: CheckCancelled): ExportStart {
    const passes = [upToPass(upTo), ...compile(parse('status:running', requestFields, now), this.#findTexts)];
    const running = this.#ids(passes, check);
    const matched = this.#ids([...passes, ...this.#compile(filter, now)], check);
    const known = new Set(matched);
    return { upTo, matched, unmatched: running.filter((id) => !known.has(id)) };
  }

  /** The next places in the order. @throws NotLoadedYet */
  next(step: ExportStep, start: ExportStart, now: number, check: CheckCancelled): readonly Place[] {
    const order = orderOf(step.sort);
    const { after, limit } = step;
    const others = [
      upToPass(start.upTo),
      withoutPass(start.matched),
      withoutPass(start.unmatched),
      ...this.#compile(step.filter, now),
    ];
    const places = firstRows(this.#index, new Scan(others, check), order, after, limit);
    const running = Array.from(start.matched, (id) => ({ key: order.column === null ? id : missing, id }));
    const ahead = running.filter((place) => after === null || compare(order, place, after) > 0);
    if (ahead.length === 0) return places;
    return [...places, ...ahead].sort((a, b) => compare(order, a, b)).slice(0, limit);
  }

  #compile(filter: string, now: number): Pass[] {
    return compile(parse(filter, requestFields, now), this.#findTexts);
  }

  #ids(passes: readonly Pass[], check: CheckCancelled): Float64Array {
    const scan = new Scan(passes, check);
    const order = orderOf({ key: 'time', descending: false });
    return Float64Array.from(firstRows(this.#index, scan, order, null, Infinity), ({ id }) => id);
  }
}

function compare({ sign }: Order, a: Place, b: Place): number {
  return sign * (a.key - b.key || a.id - b.id);
}

function upToPass(newestId: number): Pass {
  return ({ segment: { ids }, from, to }, mask) => {
    for (let at = to - 1; at >= from && (ids[at] ?? 0) > newestId; at -= 1) mask[at] = 0;
  };
}

/** @param left ids in their order */
function withoutPass(left: Float64Array): Pass {
  return ({ segment, from, to }, mask) => {
    for (const id of left) {
      if (id < (segment.ids[from] ?? Infinity)) continue;
      const at = segment.find(id);
      if (at >= to) return;
      if (segment.ids[at] === id) mask[at] = 0;
    }
  };
}
