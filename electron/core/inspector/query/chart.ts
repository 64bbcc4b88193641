// The chart over the matching requests: how many, how many failed and how long they took, exact, by time. Pure but for
// the index that it scans.
import type { ChartBucket, RequestChart } from '../../../../shared/contracts/console/models.ts';
import type { RequestStatus } from '../../../../shared/contracts/requests.ts';
import type { RowIndex, Slice } from '../index/row-index.ts';
import { valueOfRank } from './rank.ts';
import type { Scan } from './scan.ts';

/** What counts as an error: not what its caller gave up. */
const failed: ReadonlySet<string | null> = new Set<RequestStatus>([
  'FAILED',
  'REJECTED',
  'TIMED_OUT',
  'INTERRUPTED',
]);

export interface ChartRange {
  readonly from: number | null;
  readonly to: number | null;
  readonly buckets: number;
}

/** Columns of the matching rows, side by side. */
class Matches {
  times = new Float64Array(firstCapacity);
  durations = new Float64Array(firstCapacity);
  errors = new Uint8Array(firstCapacity);
  size = 0;
  least = Infinity;
  most = -Infinity;

  /** The rows of a slice that its mask has, from `from` up to, not including, `to`. */
  addAll(slice: Slice, mask: Uint8Array, from: number, to: number): void {
    this.#makeRoom(slice.to - slice.from);
    const { times, durations, errors } = this;
    const { sentAt, duration } = slice.segment.numbers;
    const statuses = slice.segment.words.status;
    const isError = Uint8Array.from(slice.segment.dictionaries.status.values, (status) =>
      Number(failed.has(status)),
    );
    let { size, least, most } = this;
    for (let at = slice.from; at < slice.to; at += 1) {
      const time = sentAt[at] ?? 0;
      if (mask[at] === 0 || time < from || time >= to) continue;
      times[size] = time;
      durations[size] = duration[at] ?? NaN;
      errors[size] = isError[statuses[at] ?? 0] ?? 0;
      size += 1;
      if (time < least) least = time;
      if (time > most) most = time;
    }
    [this.size, this.least, this.most] = [size, least, most];
  }

  #makeRoom(more: number): void {
    const needed = this.size + more;
    if (needed <= this.times.length) return;
    const capacity = Math.max(needed, 2 * this.times.length);
    const grown = { times: new Float64Array(capacity), durations: new Float64Array(capacity) };
    grown.times.set(this.times);
    grown.durations.set(this.durations);
    const errors = new Uint8Array(capacity);
    errors.set(this.errors);
    [this.times, this.durations, this.errors] = [grown.times, grown.durations, errors];
  }
}

/** Rows that matches have room for at first. */
const firstCapacity = 65_536;

/** Where the matches say how far a chart goes, it shows this many milliseconds at least: less is noise. */
const leastSpanMs = 60_000;

/**
 * From `from` up to, not including, `to`; where they are null, from the first match to the last, and a minute at
 * least. @throws NotLoadedYet
 */
export function chartOf(index: RowIndex, scan: Scan, range: ChartRange): RequestChart {
  const matches = collect(index, scan, range);
  const isEmpty = matches.most < matches.least;
  const to = range.to ?? (isEmpty ? (range.from ?? 0) : matches.most + 1);
  const from = Math.min(to, range.from ?? (isEmpty ? to : Math.min(matches.least, to - leastSpanMs)));
  const bucketMs = Math.max(1, Math.ceil((to - from) / range.buckets));
  const count = Math.ceil((to - from) / bucketMs);
  return { from, to, bucketMs, buckets: bucketsOf(matches, from, bucketMs, count) };
}

function collect(index: RowIndex, scan: Scan, { from, to }: ChartRange): Matches {
  const matches = new Matches();
  for (const slice of index.newestFirst()) {
    matches.addAll(slice, scan.mask(slice), from ?? -Infinity, to ?? Infinity);
  }
  return matches;
}

function bucketsOf(matches: Matches, from: number, bucketMs: number, count: number): ChartBucket[] {
  const { times, durations, errors, size } = matches;
  const bucketOf = new Uint32Array(size);
  const requests = new Uint32Array(count);
  const failures = new Uint32Array(count);
  /** Where the durations of a bucket begin; those of the last one end at the last. */
  const starts = new Uint32Array(count + 1);
  for (let at = 0; at < size; at += 1) {
    const bucket = Math.floor(((times[at] ?? 0) - from) / bucketMs);
    bucketOf[at] = bucket;
    requests[bucket] = (requests[bucket] ?? 0) + 1;
    failures[bucket] = (failures[bucket] ?? 0) + (errors[at] ?? 0);
    if (!Number.isNaN(durations[at])) starts[bucket + 1] = (starts[bucket + 1] ?? 0) + 1;
  }
  for (let bucket = 0; bucket < count; bucket += 1) {
    starts[bucket + 1] = (starts[bucket + 1] ?? 0) + (starts[bucket] ?? 0);
  }
  const grouped = groupDurations(durations.subarray(0, size), bucketOf, starts);
  return Array.from({ length: count }, (_, bucket) => {
    const [start, end] = [starts[bucket] ?? 0, starts[bucket + 1] ?? 0];
    return {
      at: from + bucket * bucketMs,
      requests: requests[bucket] ?? 0,
      errors: failures[bucket] ?? 0,
      ...percentiles(grouped, start, end),
    };
  });
}

/** The durations of each bucket side by side; a bucket's begin at its `starts`. */
function groupDurations(durations: Float64Array, bucketOf: Uint32Array, starts: Uint32Array): Float64Array {
  const next = starts.slice();
  const grouped = new Float64Array(starts.at(-1) ?? 0);
  for (let at = 0; at < durations.length; at += 1) {
    const duration = durations[at] ?? NaN;
    if (Number.isNaN(duration)) continue;
    const bucket = bucketOf[at] ?? 0;
    const place = next[bucket] ?? 0;
    grouped[place] = duration;
    next[bucket] = place + 1;
  }
  return grouped;
}

/** By nearest rank; null where nothing was measured. The larger one is looked for where the smaller left the larger. */
function percentiles(values: Float64Array, from: number, to: number): Pick<ChartBucket, 'p50Ms' | 'p95Ms'> {
  if (to === from) return { p50Ms: null, p95Ms: null };
  const rankOf = (share: number) => Math.ceil((to - from) * share) - 1;
  const middle = rankOf(0.5);
  const p50Ms = valueOfRank(values, middle, from, to);
  return { p50Ms, p95Ms: valueOfRank(values, rankOf(0.95) - middle, from + middle, to) };
}
