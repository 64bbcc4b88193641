// Waiting in tests: by polling with an upper bound that says what was waited for, never by a fixed sleep.
import { setTimeout as delay } from 'node:timers/promises';

/**
 * What "within a second" is measured with, in milliseconds: loose enough for a busy machine at half speed, and far
 * below what a broken promise would take (never, or the next keep-alive after 25 s).
 */
export const withinASecondMs = 8_000;

const pollMs = 25;

/** Resolves with the first value of `probe` that is neither undefined nor false. @throws Error after `withinMs` */
export async function until<T>(
  what: string | (() => string),
  probe: () => T | Promise<T>,
  withinMs = 10_000,
): Promise<Exclude<T, undefined | false>> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
    if (performance.now() > giveUpAt) {
      throw new Error(`In vain waited ${withinMs} ms until ${typeof what === 'string' ? what : what()}`);
    }
    await delay(pollMs);
  }
}

/** `promise`, bounded. @throws Error after `withinMs` */
export async function within<T>(withinMs: number, what: string, promise: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = delay(withinMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`In vain waited ${withinMs} ms for ${what}`);
  });
  late.catch(() => undefined); // ends by abort where the promise was first
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}
