// Geometry of the latency line: measurements over time, from zero up, in a box of a given size. Pure. The line breaks
// where measurements are missing: nobody measured there, so nothing may be drawn.
import type { Measurement } from '../../../shared/contracts/console/models.ts';

export interface Sparkline {
  /** Path data: a run of lines for each stretch without a gap. */
  readonly path: string;
  readonly last: { readonly x: number; readonly y: number } | null;
  readonly lowMs: number;
  readonly highMs: number;
}

/** A pause longer than so many usual intervals is a gap. */
const gapFactor = 4;
/** Room above and below the line, so that its ends are not cut, in px. */
const inset = 3;

/** Null with nothing to draw. */
export function sparkline(
  measurements: readonly Measurement[],
  width: number,
  height: number,
): Sparkline | null {
  const first = measurements[0];
  const last = measurements.at(-1);
  if (first === undefined || last === undefined) return null;
  const latencies = measurements.map(({ latencyMs }) => latencyMs);
  const highMs = Math.max(...latencies);
  const span = Math.max(last.at - first.at, 1);
  const x = (at: number): number => round(inset + ((at - first.at) / span) * (width - 2 * inset));
  const y = (ms: number): number =>
    round(height - inset - (ms / Math.max(highMs, Number.MIN_VALUE)) * (height - 2 * inset));
  const gap = gapFactor * usualInterval(measurements);
  const commands = measurements.map((one, index) => {
    const before = measurements[index - 1];
    const joined = before !== undefined && one.at - before.at <= gap;
    return `${joined ? 'L' : 'M'}${x(one.at)} ${y(one.latencyMs)}`;
  });
  const end = measurements.length === 1 ? width - inset : x(last.at);
  return {
    path: commands.join(''),
    last: { x: end, y: y(last.latencyMs) },
    lowMs: Math.min(...latencies),
    highMs,
  };
}

/** The median, so that one long pause does not hide itself. */
function usualInterval(measurements: readonly Measurement[]): number {
  const intervals = measurements
    .slice(1)
    .map((one, index) => one.at - (measurements[index]?.at ?? one.at))
    .sort((a, b) => a - b);
  return intervals[Math.floor(intervals.length / 2)] ?? 0;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
