// The timing of a request as a waterfall: what came when and for how long, and what share of the whole it was. The
// session is made before its first request arrives, so handshake and verification stand first. Pure.
import type { RequestTiming } from '../../shared/contracts/console/models.ts';

export type TimingPart = 'handshake' | 'verification' | 'queue' | 'handler' | 'transfer';

export interface WaterfallBar {
  readonly part: TimingPart;
  /** Null where it did not happen, or is not over. */
  readonly ms: number | null;
  readonly startMs: number;
  /** Of the whole, 0 to 1. */
  readonly start: number;
  readonly width: number;
}

export interface Waterfall {
  readonly totalMs: number;
  readonly bars: readonly WaterfallBar[];
}

const order: readonly TimingPart[] = ['handshake', 'verification', 'queue', 'handler', 'transfer'];

export function waterfallOf(timing: RequestTiming): Waterfall {
  const lengths = order.map((part) => ({ part, ms: measured(timing[`${part}Ms`]) }));
  const totalMs = lengths.reduce((sum, { ms }) => sum + (ms ?? 0), 0);
  const share = (ms: number) => (totalMs === 0 ? 0 : ms / totalMs);
  let startMs = 0;
  const bars = lengths.map(({ part, ms }) => {
    const bar = { part, ms, startMs, start: share(startMs), width: share(ms ?? 0) };
    startMs += ms ?? 0;
    return bar;
  });
  return { totalMs, bars };
}

function measured(ms: number | null): number | null {
  return ms === null || !Number.isFinite(ms) || ms < 0 ? null : ms;
}
