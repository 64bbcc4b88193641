// The chart library behind a component: made anew when the looks change, fed when the numbers do. Colours are the
// page's tokens, read when it is made. Must know nothing of requests but their buckets.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { RequestChart } from '../../../shared/contracts/console/models.ts';
import { formatTime } from '../../ui/format.ts';
import { formatDayTime } from '../../ui/virtual-list-time.ts';
import { secondsOf } from './chart-data.ts';
import type { ChartLine } from './chart-data.ts';

const heightPx = 90;
/** Half of the label under the last point, pixels. */
const lastLabelPx = 26;
/** Diameter of the dot of a value that stands alone, pixels. */
const lonePointPx = 6;
/** A shorter range is a click, pixels. */
const leastBrushPx = 4;
/** Charts with this key share their cursor. */
const sync = 'gatehouse';
const dayMs = 86_400_000;

export class LineChart {
  /** Bucket at the cursor. */
  index = $state<number | null>(null);
  #plot: uPlot | null = null;
  #element: HTMLElement | null = null;
  #looks = '';
  #range: RequestChart | null = null;
  readonly #onbrush: (from: number, to: number) => void;

  constructor(onbrush: (from: number, to: number) => void) {
    this.#onbrush = onbrush;
  }

  attach(element: HTMLElement): void {
    this.#element = element;
  }

  draw(data: RequestChart, lines: readonly ChartLine[], widthPx: number, dark: boolean): void {
    if (this.#element === null || widthPx === 0) return;
    this.#range = data;
    const looks = JSON.stringify([dark, lines.map((line) => line.label)]);
    const values: uPlot.AlignedData = [secondsOf(data), ...lines.map((line) => [...line.values])];
    if (this.#plot === null || looks !== this.#looks) {
      this.#plot?.destroy();
      this.#looks = looks;
      this.#plot = new uPlot(this.#options(lines, widthPx), values, this.#element);
      return;
    }
    if (this.#plot.width !== widthPx) this.#plot.setSize({ width: widthPx, height: heightPx });
    this.#plot.setData(values);
  }

  stop(): void {
    this.#plot?.destroy();
    this.#plot = null;
  }

  #options(lines: readonly ChartLine[], widthPx: number): uPlot.Options {
    const axis = {
      stroke: resolved('--text-2'),
      font: '11px system-ui',
      grid: { stroke: resolved('--border'), width: 1 },
      ticks: { show: false },
    };
    const y = (value: number) => lines[0]?.format(value) ?? '';
    return {
      width: widthPx,
      height: heightPx,
      padding: [6, lastLabelPx, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: sync }, drag: { x: true, y: false, dist: leastBrushPx }, points: { size: 6 } },
      scales: { x: { time: true }, y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.1 : 1] } },
      axes: [
        {
          ...axis,
          size: 18,
          gap: 2,
          space: 88,
          grid: { show: false },
          values: (_plot, at) => this.#times(at),
        },
        { ...axis, size: 56, gap: 4, space: 28, values: (_plot, at) => at.map(y) },
      ],
      series: [{}, ...lines.map((line) => seriesOf(line))],
      hooks: {
        setCursor: [(plot) => (this.index = plot.cursor.idx ?? null)],
        setSelect: [(plot) => this.#brushed(plot)],
      },
    };
  }

  #times(seconds: readonly number[]): string[] {
    const range = this.#range;
    const long = range !== null && range.to - range.from > dayMs;
    return seconds.map((at) => (long ? formatDayTime(at * 1000).slice(0, -3) : formatTime(at * 1000)));
  }

  #brushed(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < leastBrushPx) return;
    const at = (px: number) => Math.round(plot.posToVal(px, 'x') * 1000);
    this.#onbrush(at(left), at(left + width));
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }
}

/** Values without a neighbour: no line leads to them, and without a dot nobody would see them. */
function lonePoints(plot: uPlot, series: number): number[] {
  const values = plot.data[series] ?? [];
  const missing = (at: number) => values[at] === null || values[at] === undefined;
  return [...values.keys()].filter((at) => !missing(at) && missing(at - 1) && missing(at + 1));
}

function seriesOf(line: ChartLine): uPlot.Series {
  const stroke = resolved(line.token);
  return {
    label: line.label,
    stroke,
    width: 1.5,
    dash: [...line.dash],
    points: { show: true, size: lonePointPx, fill: stroke, filter: lonePoints },
    spanGaps: false,
    ...(line.filled ? { fill: `color-mix(in srgb, ${stroke} 12%, transparent)` } : {}),
  };
}

/** A canvas takes no light-dark(): the token is resolved by an element that has it as its colour. */
function resolved(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
