// A clock for device sessions that stands still until a test moves it, and runs what has come due then.
import type { Clock } from '../device/agent.ts';

export class FakeClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();

  now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#now + delayMs, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  advance(byMs: number): void {
    this.#now += byMs;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.#now || !this.#timers.delete(timer)) continue;
      timer.run();
    }
  }

  /** As after a machine's sleep: time has passed and no timer has run. */
  sleep(forMs: number): void {
    this.#now += forMs;
  }

  get timers(): number {
    return this.#timers.size;
  }
}
