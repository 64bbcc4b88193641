// How long a call waits: for the relay, a part at a time, and never for whoever reads.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { BodyReader } from './body-reader.ts';
import { CallWatch } from './call-watch.ts';

const limitMs = 1_000;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Parts that come so many milliseconds after they were asked for; behind them nothing comes any more. */
function slowReader(delays: readonly number[]): BodyReader {
  const left = [...delays];
  return {
    read: () =>
      new Promise((resolve) => {
        const delay = left.shift();
        if (delay !== undefined) setTimeout(resolve, delay, new Uint8Array(1));
      }),
    cancel: () => undefined,
  };
}

it('gives each part its whole time, however long the body takes', async () => {
  const parts = new CallWatch(limitMs, undefined).body(slowReader([900, 900, 900, 900]));
  for (let at = 0; at < 4; at += 1) {
    const part = parts.next();
    await vi.advanceTimersByTimeAsync(900);
    expect(await part).not.toBeNull();
  }
  parts.end();
  expect(vi.getTimerCount()).toBe(0);
});

it('lets the reader take longer than that', async () => {
  const parts = new CallWatch(limitMs, undefined).body(slowReader([1, 1]));
  for (let at = 0; at < 2; at += 1) {
    const part = parts.next();
    await vi.advanceTimersByTimeAsync(1);
    expect(await part).not.toBeNull();
    await vi.advanceTimersByTimeAsync(5 * limitMs);
  }
  parts.end();
});

it('ends with `timeout` as soon as one part has not come in time, and not before', async () => {
  const parts = new CallWatch(limitMs, undefined).body(slowReader([700]));
  const first = parts.next();
  await vi.advanceTimersByTimeAsync(700);
  await first;
  await vi.advanceTimersByTimeAsync(600);
  const ended = vi.fn();
  parts.next().catch(ended);
  await vi.advanceTimersByTimeAsync(limitMs - 1);
  expect(ended).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(ended).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'timeout' }));
  expect(vi.getTimerCount()).toBe(0);
});

it('waits for the head of an answer no longer than for a part', async () => {
  const watch = new CallWatch(limitMs, undefined);
  await vi.advanceTimersByTimeAsync(limitMs - 1);
  expect(watch.signal.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(watch.signal.aborted).toBe(true);
  expect(watch.explain(new Error('aborted'))).toMatchObject({ code: 'timeout' });
});
