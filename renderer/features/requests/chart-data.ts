// The chart's buckets as lines: seconds on the x axis as the chart library takes them, and the names and looks of each
// line. A line is told apart by its stroke as well as by its colour.
import type { RequestChart } from '../../../shared/contracts/console/models.ts';
import * as m from '../../i18n/compiled/messages.js';
import { formatDuration, formatNumber } from '../../ui/format.ts';

export interface ChartLine {
  readonly label: string;
  /** A colour token. */
  readonly token: '--accent' | '--bad' | '--text-2' | '--warn';
  readonly dash: readonly number[];
  readonly filled: boolean;
  readonly values: readonly (number | null)[];
  readonly format: (value: number) => string;
}

const solid: readonly number[] = [];
const dashed: readonly number[] = [4, 3];

export function secondsOf(chart: RequestChart): number[] {
  return chart.buckets.map((bucket) => bucket.at / 1000);
}

export function rateSeries(chart: RequestChart): ChartLine[] {
  const perSecond = (count: number) => count / (chart.bucketMs / 1000);
  const format = (value: number) => m.requests_per_second({ count: formatNumber(value, value < 10 ? 1 : 0) });
  return [
    {
      label: m.requests_chart_requests(),
      token: '--accent',
      dash: solid,
      filled: true,
      values: chart.buckets.map((bucket) => perSecond(bucket.requests)),
      format,
    },
    {
      label: m.requests_chart_errors(),
      token: '--bad',
      dash: dashed,
      filled: false,
      values: chart.buckets.map((bucket) => perSecond(bucket.errors)),
      format,
    },
  ];
}

export function durationSeries(chart: RequestChart): ChartLine[] {
  return [
    {
      label: 'p50',
      token: '--text-2',
      dash: solid,
      filled: false,
      values: chart.buckets.map((bucket) => bucket.p50Ms),
      format: formatDuration,
    },
    {
      label: 'p95',
      token: '--warn',
      dash: dashed,
      filled: false,
      values: chart.buckets.map((bucket) => bucket.p95Ms),
      format: formatDuration,
    },
  ];
}
