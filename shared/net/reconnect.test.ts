// Back-off with full jitter, and a wait that can be cut short.
import { describe, expect, it, vi } from 'vitest';
import { BackOff, Pause } from './reconnect.ts';

describe('BackOff', () => {
  it('draws from 0 to a bound that doubles up to its cap', () => {
    const lowest = new BackOff({ baseMs: 100, capMs: 1000, random: () => 0 });
    const highest = new BackOff({ baseMs: 100, capMs: 1000, random: () => 0.999999 });
    expect(Array.from({ length: 6 }, () => lowest.next())).toEqual([0, 0, 0, 0, 0, 0]);
    expect(Array.from({ length: 6 }, () => highest.next())).toEqual([99, 199, 399, 799, 999, 999]);
  });

  it('never passes its cap, however often it fails', () => {
    const backOff = new BackOff({ random: () => 0.999999 });
    for (let attempt = 0; attempt < 5000; attempt += 1) expect(backOff.next()).toBeLessThan(30_000);
    expect(backOff.attempt).toBe(5000);
  });

  it('spreads its waits over the whole range', () => {
    const waits = Array.from({ length: 400 }, () => new BackOff({ baseMs: 1000 }).next());
    expect([Math.min(...waits) < 200, Math.max(...waits) > 800]).toEqual([true, true]);
  });

  it('begins again after a reset', () => {
    const backOff = new BackOff({ baseMs: 100, random: () => 0.5 });
    expect([backOff.next(), backOff.next()]).toEqual([50, 100]);
    backOff.reset();
    expect([backOff.attempt, backOff.next()]).toEqual([0, 50]);
  });
});

describe('Pause', () => {
  it('ends by itself, at once by "now", and for good by "stop"', async () => {
    vi.useFakeTimers();
    try {
      const pause = new Pause();
      const whole = pause.wait(1000);
      await vi.advanceTimersByTimeAsync(1000);
      await expect(whole).resolves.toBe(true);
      const cut = pause.wait(1000);
      pause.now();
      await expect(cut).resolves.toBe(true);
      const stopped = pause.wait(1000);
      pause.stop();
      await expect(stopped).resolves.toBe(false);
      await expect(pause.wait(1000)).resolves.toBe(false);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('takes "now" for nothing where nobody waits', async () => {
    vi.useFakeTimers();
    try {
      const pause = new Pause();
      pause.now();
      let isOver = false;
      void pause.wait(50).then(() => (isOver = true));
      await vi.advanceTimersByTimeAsync(49);
      expect(isOver).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect(isOver).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });
});
