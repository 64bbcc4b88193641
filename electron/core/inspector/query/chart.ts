// The chart over the matching requests: how many, how many failed and how long they took, exact, by time. Pure but for
// the index that it scans.
import type { ChartBucket, RequestChart } from '../../../../shared/contracts/console/models.ts';
import type { RequestStatus } from '../../../../shared/contracts/requests.ts';
import type { RowIndex, Slice } from '../index/row-index.ts';
import { Numbers, valueOfRank } from './rank.ts';
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

class Matches {
  readonly times = new Numbers();
  readonly durations = new Numbers();
  readonly errors = new Numbers();
  least = Infinity;
  most = -Infinity;

  add({ segment }: Slice, at: number, isError: boolean): void {
    const time = segment.numbers.sentAt[at] ?? 0;
    this.times.add(time);
    this.durations.add(segment.numbers.duration[at] ?? NaN);
    this.errors.add(isError ? 1 : 0);
    if (time < this.least) this.least = time;
    if (time > this.most) this.most = time;
  }
}

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
  const [least, most] = [from ?? -Infinity, to ?? Infinity];
  for (const slice of index.newestFirst()) {
    const mask = scan.mask(slice);
    const { sentAt } = slice.segment.numbers;
    const statuses = slice.segment.words.status;
    const isError = slice.segment.dictionaries.status.values.map((status) => failed.has(status));
    for (let at = slice.from; at < slice.to; at += 1) {
      const time = sentAt[at] ?? 0;
      if (mask[at] === 1 && time >= least && time < most) {
        matches.add(slice, at, isError[statuses[at] ?? 0] === true);
      }
    }
  }
  return matches;
}

function bucketsOf(matches: Matches, from: number, bucketMs: number, count: number): ChartBucket[] {
  const times = matches.times.all();
  const durations = matches.durations.all();
  const errors = matches.errors.all();
  const bucketOf = (at: number) => Math.floor(((times[at] ?? 0) - from) / bucketMs);
  const requests = new Uint32Array(count);
  const failures = new Uint32Array(count);
  const measured = new Uint32Array(count + 1);
  for (let at = 0; at < times.length; at += 1) {
    const bucket = bucketOf(at);
    requests[bucket] = (requests[bucket] ?? 0) + 1;
    failures[bucket] = (failures[bucket] ?? 0) + (errors[at] ?? 0);
    if (!Number.isNaN(durations[at])) measured[bucket + 1] = (measured[bucket + 1] ?? 0) + 1;
  }
  for (let bucket = 0; bucket < count; bucket += 1) {
    measured[bucket + 1] = (measured[bucket + 1] ?? 0) + (measured[bucket] ?? 0);
  }
  const grouped = groupDurations(durations, bucketOf, measured);
  return Array.from({ length: count }, (_, bucket) => {
    const [start, end] = [measured[bucket] ?? 0, measured[bucket + 1] ?? 0];
    return {
      at: from + bucket * bucketMs,
      requests: requests[bucket] ?? 0,
      errors: failures[bucket] ?? 0,
      p50Ms: percentile(grouped, start, end, 0.5),
      p95Ms: percentile(grouped, start, end, 0.95),
    };
  });
}

/** The durations of each bucket side by side; a bucket's begin at its `starts`. */
function groupDurations(
  durations: Float64Array,
  bucketOf: (at: number) => number,
  starts: Uint32Array,
): Float64Array {
  const next = starts.slice();
  const grouped = new Float64Array(starts.at(-1) ?? 0);
  for (let at = 0; at < durations.length; at += 1) {
    const duration = durations[at] ?? NaN;
    if (Number.isNaN(duration)) continue;
    const bucket = bucketOf(at);
    const place = next[bucket] ?? 0;
    grouped[place] = duration;
    next[bucket] = place + 1;
  }
  return grouped;
}

/** The nearest rank; null where nothing was measured. */
function percentile(values: Float64Array, from: number, to: number, share: number): number | null {
  if (to === from) return null;
  return valueOfRank(values, Math.ceil((to - from) * share) - 1, from, to);
}
