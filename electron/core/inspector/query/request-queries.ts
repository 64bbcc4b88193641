// The inspector's queries, each answered from the index and the database as they are now. Must never guess: a query that
// needs rows which are still being loaded throws NotLoadedYet, to be asked again.
import type {
  RequestChart,
  RequestCount,
  RequestDetail,
  RequestPage,
  RequestSort,
} from '../../../../shared/contracts/console/models.ts';
import { GatehouseError } from '../../../../shared/contracts/errors.ts';
import { requestFields } from '../../../../shared/contracts/filter/fields.ts';
import type { Field, Filter } from '../../../../shared/contracts/filter/filter.ts';
import { parseFilter } from '../../../../shared/contracts/filter/parse.ts';
import type { NumberColumn, WordColumn } from '../index/columns.ts';
import { wordColumns } from '../index/columns.ts';
import { keyOf } from '../index/key-order.ts';
import type { RowIndex } from '../index/row-index.ts';
import type { ChartQuery, CompleteQuery, PageAtQuery, PageNearQuery, PageQuery } from '../inspector-api.ts';
import { chartOf } from './chart.ts';
import { decodeCursor, encodeCursor, queryKey } from './cursor.ts';
import { anyRow, firstRows, orderOf, placeAt, reversed } from './order.ts';
import type { Order, Place } from './order.ts';
import { compile } from './passes.ts';
import { Sample, valueOfRank } from './rank.ts';
import { requestUnknown } from './request-rows.ts';
import type { RequestRows } from './request-rows.ts';
import { Scan } from './scan.ts';
import type { CheckCancelled } from './scan.ts';
import type { FreeTexts } from './texts.ts';

/** Keys that are looked at for a place of the scroll bar, which is about right. */
const sampleSize = 32_768;

/** Fewer keys than these say too little about where a share of the rows is. */
const enoughKeys = 4096;

/** Counting ends here. */
export const countLimit = 10_001;

interface Query {
  readonly scan: Scan;
  readonly order: Order;
  readonly key: string;
}

/** Rows in order, and whether there are more on each side. */
interface Window {
  readonly places: readonly Place[];
  readonly before: boolean;
  readonly after: boolean;
}

export class RequestQueries {
  readonly #index: RowIndex;
  readonly #rows: RequestRows;
  readonly #texts: FreeTexts;

  constructor(index: RowIndex, rows: RequestRows, texts: FreeTexts) {
    this.#index = index;
    this.#rows = rows;
    this.#texts = texts;
  }

  /** @param now milliseconds since the epoch, from which ages in the filter count */
  page(query: PageQuery, now: number, check: CheckCancelled): RequestPage {
    const { key, order, scan } = this.#prepare(query.filter, query.sort, now, check);
    const from = query.cursor === null ? null : decodeCursor(key, query.cursor);
    const direction = query.backwards ? reversed(order) : order;
    const places = firstRows(this.#index, scan, direction, from, query.limit + 1);
    const more = places.length > query.limit;
    if (more) places.pop();
    const [behind, ahead] = [from !== null && places.length > 0, more];
    return query.backwards
      ? this.#pageOf(key, { places: places.reverse(), before: ahead, after: behind })
      : this.#pageOf(key, { places, before: behind, after: ahead });
  }

  pageAt(query: PageAtQuery, now: number, check: CheckCancelled): RequestPage {
    const prepared = this.#prepare(query.filter, query.sort, now, check);
    const [row] = this.#rows.views([query.id]);
    if (row === undefined) throw requestUnknown(query.id);
    const keys = {
      time: row.id,
      duration: row.durationMs,
      bytesRead: row.bytesRead,
      bytesWritten: row.bytesWritten,
    };
    return this.#pageAbout(prepared, { key: keyOf(keys[query.sort.key]), id: row.id }, query.limit);
  }

  pageNear(query: PageNearQuery, now: number, check: CheckCancelled): RequestPage {
    const prepared = this.#prepare(query.filter, query.sort, now, check);
    const place =
      prepared.order.column === null
        ? this.#nearById(prepared, query.share)
        : this.#nearByKey(prepared, query.share);
    if (place === null) return this.#pageOf(prepared.key, { places: [], before: false, after: false });
    return this.#pageFrom(prepared, place, query.limit);
  }

  count(filter: string, now: number, check: CheckCancelled): RequestCount {
    const scan = this.#scan(parse(filter, requestFields, now), check);
    let count = 0;
    for (const slice of this.#index.newestFirst()) {
      count += scan.count(slice);
      if (count >= countLimit) return { count: countLimit, capped: true };
    }
    return { count, capped: false };
  }

  detail(id: number): RequestDetail {
    return this.#rows.detail(id);
  }

  chart(query: ChartQuery, now: number, check: CheckCancelled): RequestChart {
    return chartOf(this.#index, this.#scan(parse(query.filter, requestFields, now), check), query);
  }

  /** The values of a column that contain `prefix`; those that begin with it first, the frequent ones before the rare. */
  complete({ field, prefix, limit }: CompleteQuery): string[] {
    const column = wordColumns.find((name) => name === field);
    if (column === undefined) return [];
    return frequentValues(this.#index, column, prefix.toLowerCase()).slice(0, limit);
  }

  /** When each access token was last used. @throws NotLoadedYet */
  tokenUse(check: CheckCancelled): [string, number][] {
    const scan = new Scan([], check);
    const latest = new Map<string, number>();
    for (const slice of this.#index.newestFirst()) {
      const mask = scan.mask(slice);
      const { numbers, words, dictionaries } = slice.segment;
      for (let at = slice.to - 1; at >= slice.from; at -= 1) {
        const code = words.token[at] ?? 0;
        const token = code === 0 || mask[at] === 0 ? null : dictionaries.token.values[code];
        if (typeof token !== 'string') continue;
        latest.set(token, Math.max(latest.get(token) ?? 0, numbers.sentAt[at] ?? 0));
      }
    }
    return [...latest];
  }

  #prepare(filter: string, sort: RequestSort, now: number, check: CheckCancelled): Query {
    const scan = this.#scan(parse(filter, requestFields, now), check);
    return { scan, order: orderOf(sort), key: queryKey(filter, sort) };
  }

  #scan(filter: Filter, check: CheckCancelled): Scan {
    return new Scan(
      compile(filter, (text) => this.#texts.find(text)),
      check,
    );
  }

  /** The page with `place` about in the middle. */
  #pageAbout({ scan, order, key }: Query, place: Place, limit: number): RequestPage {
    const half = Math.floor(limit / 2);
    const before = firstRows(this.#index, scan, reversed(order), place, half + 1);
    const more = before.length > half;
    if (more) before.pop();
    const room = limit - before.length;
    const from = firstRows(this.#index, scan, order, justBefore(place, order), room + 1);
    const after = from.length > room;
    if (after) from.pop();
    return this.#pageOf(key, { places: [...before.reverse(), ...from], before: more, after });
  }

  #pageFrom({ scan, order, key }: Query, place: Place, limit: number): RequestPage {
    const places = firstRows(this.#index, scan, order, justBefore(place, order), limit + 1);
    const after = places.length > limit;
    if (after) places.pop();
    const before = anyRow(this.#index, scan, reversed(order), place);
    return this.#pageOf(key, { places, before, after });
  }

  #nearById({ scan, order }: Query, share: number): Place | null {
    const slices = () => (order.sign === 1 ? this.#index.oldestFirst() : this.#index.newestFirst());
    const counts: number[] = [];
    for (const slice of slices()) counts.push(scan.count(slice));
    const total = counts.reduce((sum, count) => sum + count, 0);
    let rank = Math.min(Math.floor(share * total), total - 1);
    let number = 0;
    for (const slice of slices()) {
      const count = counts[number++] ?? 0;
      if (rank < count) return placeOfRank(scan, order, slice, rank);
      rank -= count;
    }
    return null;
  }

  #nearByKey({ scan, order }: Query, share: number): Place | null {
    const { column } = order;
    if (column === null) return null;
    const sample = this.#sampleKeys(scan, column);
    if (sample.length === 0) return null;
    const rank = Math.min(Math.floor(share * sample.length), sample.length - 1);
    const key = valueOfRank(sample, order.sign === 1 ? rank : sample.length - 1 - rank);
    return { key, id: order.sign === 1 ? 0 : Number.MAX_SAFE_INTEGER };
  }

  /** Keys of matching rows: of one in so many where the rows are many and enough of them match, else of about all. */
  #sampleKeys(scan: Scan, column: NumberColumn): Float64Array {
    const step = Math.floor(this.#index.rows / sampleSize);
    if (step > 1 && scan.cheapByRow) {
      const few = keysOfEach(this.#index, scan, column, step);
      if (few.length >= enoughKeys) return few;
    }
    const found = new Sample(sampleSize);
    for (const slice of this.#index.newestFirst()) {
      const mask = scan.mask(slice);
      const values = slice.segment.numbers[column];
      for (let at = slice.from; at < slice.to; at += 1) if (mask[at] === 1) found.add(keyOf(values[at]));
    }
    return found.all();
  }

  #pageOf(key: string, { places, before, after }: Window): RequestPage {
    const [first, last] = [places[0], places.at(-1)];
    return {
      rows: this.#rows.views(places.map(({ id }) => id)),
      next: after && last !== undefined ? encodeCursor(key, last) : null,
      previous: before && first !== undefined ? encodeCursor(key, first) : null,
      newestId: this.#index.newestId,
    };
  }
}

/** @throws GatehouseError `filter_invalid` with the column, end and reason */
export function parse(text: string, fields: readonly Field[], now: number): Filter {
  const parsed = parseFilter(text, fields, { now });
  if ('filter' in parsed) return parsed.filter;
  const { message, column, end, reason } = parsed.problem;
  throw new GatehouseError('filter_invalid', message, { details: { column, end, reason } });
}

/** Ids are whole numbers: the place right before, so that `place` itself is the next. */
function justBefore({ key, id }: Place, { column, sign }: Order): Place {
  return { key: column === null ? id - sign : key, id: id - sign };
}

function placeOfRank(
  scan: Scan,
  order: Order,
  slice: Parameters<Scan['mask']>[0],
  rank: number,
): Place | null {
  const mask = scan.mask(slice);
  const [first, last] = order.sign === 1 ? [slice.from, slice.to] : [slice.to - 1, slice.from - 1];
  let left = rank;
  for (let at = first; at !== last; at += order.sign) {
    if (mask[at] === 0) continue;
    if (left === 0) return placeAt(order, slice, at);
    left -= 1;
  }
  return null;
}

/** Of one row in `step`: its key, where it matches. */
function keysOfEach(index: RowIndex, scan: Scan, column: NumberColumn, step: number): Float64Array {
  const found: number[] = [];
  let left = 0;
  for (const { segment, from, to } of index.newestFirst()) {
    scan.check();
    const values = segment.numbers[column];
    let at = from + left;
    for (; at < to; at += step) if (scan.holds(segment, at)) found.push(keyOf(values[at]));
    left = at - to;
  }
  return Float64Array.from(found);
}

function frequentValues(index: RowIndex, column: WordColumn, wanted: string): string[] {
  const dictionary = index.dictionaries[column];
  const found: { value: string; begins: boolean; count: number }[] = [];
  dictionary.values.forEach((value, code) => {
    const at = value === null || dictionary.count(code) === 0 ? -1 : value.toLowerCase().indexOf(wanted);
    if (value !== null && at >= 0) found.push({ value, begins: at === 0, count: dictionary.count(code) });
  });
  found.sort(
    (a, b) => Number(b.begins) - Number(a.begins) || b.count - a.count || (a.value < b.value ? -1 : 1),
  );
  return found.map(({ value }) => value);
}
