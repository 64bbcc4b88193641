// Timers by the wall clock, beyond what setTimeout can count.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { atTime } from './at-time.ts';

const day = 86_400_000;
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('atTime', () => {
  it('fires 40 days from now, not at once as setTimeout would', () => {
    const fn = vi.fn();
    atTime(Date.now() + 40 * day, fn);
    vi.advanceTimersByTime(5_000);
    expect(fn).not.toHaveBeenCalled();
    vi.setSystemTime(Date.now() + 40 * day - 6_000);
    vi.advanceTimersByTime(900);
    expect(fn).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1_100);
    expect(fn).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(10_000);
    expect(fn).toHaveBeenCalledOnce();
  });

  it('never asks setTimeout for more than it can count', () => {
    const asked = vi.spyOn(globalThis, 'setTimeout');
    atTime(Number.MAX_SAFE_INTEGER, () => undefined)();
    expect(Math.max(...asked.mock.calls.map(([, ms]) => ms ?? 0))).toBeLessThan(2 ** 31);
  });

  it('fires within a second after the clock jumps ahead, as it does after sleep', () => {
    const fn = vi.fn();
    atTime(Date.now() + 3_600_000, fn);
    vi.setSystemTime(Date.now() + 3_600_000);
    vi.advanceTimersByTime(1_000);
    expect(fn).toHaveBeenCalledOnce();
  });

  it('fires exactly at its time, and soon for a time that has passed', () => {
    const [at, past] = [vi.fn(), vi.fn()];
    atTime(Date.now() + 1_500, at);
    atTime(Date.now() - 1, past);
    expect(past).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1_499);
    expect(past).toHaveBeenCalledOnce();
    expect(at).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(at).toHaveBeenCalledOnce();
  });

  it('does nothing after cancel', () => {
    const fn = vi.fn();
    const cancel = atTime(Date.now() + 5_000, fn);
    vi.advanceTimersByTime(2_500);
    cancel();
    vi.advanceTimersByTime(10_000);
    expect(fn).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});
