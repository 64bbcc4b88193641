// When to try again: exponential back-off with full jitter, and "retry now".
// The clock and the dice come in, so that a test needs no waiting.

export interface BackOffOptions {
  /** Upper bound of the first wait, in milliseconds. Default 500. */
  readonly baseMs?: number;
  /** Upper bound of every wait, in milliseconds. Default 30,000. */
  readonly capMs?: number;
  /** A number in [0, 1). Default Math.random. */
  readonly random?: () => number;
}

/** Full jitter: a wait drawn evenly from 0 to min(cap, base · 2^attempt). */
export class BackOff {
  readonly #base: number;
  readonly #cap: number;
  readonly #random: () => number;
  #attempt = 0;

  constructor(options: BackOffOptions = {}) {
    this.#base = options.baseMs ?? 500;
    this.#cap = options.capMs ?? 30_000;
    this.#random = options.random ?? Math.random;
  }

  /** Failures in a row. */
  get attempt(): number {
    return this.#attempt;
  }

  /** The next wait, in milliseconds. */
  next(): number {
    const bound = Math.min(this.#cap, this.#base * 2 ** Math.min(this.#attempt, 30));
    this.#attempt += 1;
    return Math.floor(this.#random() * bound);
  }

  /** The connection has proved itself. */
  reset(): void {
    this.#attempt = 0;
  }
}

/** A wait that can be cut short. `wait` resolves at its end, at `now()`, or at `stop()` (false then). */
export class Pause {
  #wake: ((goOn: boolean) => void) | null = null;
  #stopped = false;

  wait(milliseconds: number): Promise<boolean> {
    if (this.#stopped) return Promise.resolve(false);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#finish(true);
      }, milliseconds);
      this.#wake = (goOn) => {
        clearTimeout(timer);
        resolve(goOn);
      };
    });
  }

  now(): void {
    this.#finish(true);
  }

  stop(): void {
    this.#stopped = true;
    this.#finish(false);
  }

  #finish(goOn: boolean): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.(goOn);
  }
}
