// So many run at a time, so many wait for their turn, and the next one is told that it is too many.
import { GatehouseError } from '../../../shared/contracts/errors.ts';

export interface PlaceLimits {
  readonly running: number;
  readonly waiting: number;
}

export class Places {
  readonly #limits: PlaceLimits;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  /** Runs `act` when it is its turn. @throws GatehouseError `limit_exceeded`; what `act` throws */
  async in<T>(act: () => Promise<T>): Promise<T> {
    await this.#take();
    try {
      return await act();
    } finally {
      const next = this.#waiting.shift();
      // A place that is handed over stays taken.
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  async #take(): Promise<void> {
    if (this.#running < this.#limits.running) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= this.#limits.waiting) {
      throw new GatehouseError(
        'limit_exceeded',
        'The service reads too many documents at once. Try again shortly.',
      );
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
