// Calls back at a time of the wall clock, however far away: setTimeout alone overflows at 24.8 days and
// does not count the time that a machine sleeps. It must never fire early nor keep the process alive.

/** How late a callback may be after the clock has jumped or the machine has slept, in milliseconds. */
const maxStepMs = 1_000;

/** Calls `fn` once when Date.now() reaches `epochMs`; soon, but never at once, where that has passed. Returns the cancel. */
export function atTime(epochMs: number, fn: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    const left = Math.max(0, epochMs - Date.now());
    timer = setTimeout(look, Math.min(left, maxStepMs)).unref();
  };
  const look = (): void => {
    if (Date.now() >= epochMs) fn();
    else wait();
  };
  wait();
  return () => {
    clearTimeout(timer);
  };
}
