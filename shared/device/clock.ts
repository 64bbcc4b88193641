// Time for sessions, in milliseconds since an unspecified moment. It never runs backwards, and neither a clock that was
// set back nor a machine that slept makes a session last longer.

export interface Clock {
  now(): number;
  /** Calls `run` once after about `delayMs`; returns what calls that off. */
  after(delayMs: number, run: () => void): () => void;
}

/** What `steadyClock` reads: each may stop, jump or run backwards, but not all at once. */
export type Reading = () => number;

const readings: readonly Reading[] = [() => performance.now(), () => Date.now()];

/**
 * The most that any of `sources` has moved forward. The monotonic clock stands still in a machine that sleeps, the wall
 * clock does not; the wall clock can be set back, the monotonic one cannot. A wall clock that jumps ahead ends sessions
 * early, which costs a restart and no secret.
 */
export function steadyClock(sources: readonly Reading[] = readings): Clock {
  const last = sources.map((read) => read());
  const moved = sources.map(() => 0);
  return {
    now: () => {
      sources.forEach((read, index) => {
        const reading = read();
        moved[index] = (moved[index] ?? 0) + Math.max(0, reading - (last[index] ?? reading));
        last[index] = reading;
      });
      return Math.max(...moved);
    },
    after: (delayMs, run) => {
      const timer = setTimeout(run, delayMs);
      unreference(timer);
      return () => clearTimeout(timer);
    },
  };
}

/** In Node a waiting session must not keep the process alive; in a browser a timer is a number. */
function unreference(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as { unref(): void }).unref();
}
