// How long the answer to a failed verification waits: longer with each failure of the same client.
// A right proof is never delayed, so that nobody can lock anybody else out.

export interface FailureDelayLimits {
  /** The first failure's wait, in milliseconds; it doubles with each further one. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** After so long without a failure a client starts anew, in milliseconds. */
  readonly forgetMs: number;
  /** Clients remembered; the one that failed longest ago makes room. */
  readonly maxClients: number;
  /** Failures of one client that may wait at the same time; more are answered `too_many_attempts` at once. */
  readonly maxWaiting: number;
}

export const defaultFailureDelays: FailureDelayLimits = {
  firstMs: 100,
  maxMs: 10_000,
  forgetMs: 10 * 60_000,
  maxClients: 10_000,
  maxWaiting: 32,
};

interface Record {
  failures: number;
  lastAt: number;
  waiting: number;
}

export class FailureDelays {
  readonly #limits: FailureDelayLimits;
  readonly #now: () => number;
  readonly #clients = new Map<string, Record>();

  constructor(limits: FailureDelayLimits = defaultFailureDelays, now: () => number = Date.now) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Counts a failure of `client` and waits as long as it now costs. False: too many wait already. */
  async failed(client: string): Promise<boolean> {
    const record = this.#record(client);
    if (record.waiting >= this.#limits.maxWaiting) return false;
    record.waiting += 1;
    record.failures += 1;
    record.lastAt = this.#now();
    const wait = Math.min(this.#limits.maxMs, this.#limits.firstMs * 2 ** Math.min(30, record.failures - 1));
    await new Promise((resolve) => {
      setTimeout(resolve, wait).unref();
    });
    record.waiting -= 1;
    return true;
  }

  #record(client: string): Record {
    const record = this.#clients.get(client) ?? { failures: 0, lastAt: 0, waiting: 0 };
    if (this.#now() - record.lastAt > this.#limits.forgetMs) record.failures = 0;
    this.#clients.delete(client);
    this.#clients.set(client, record);
    if (this.#clients.size > this.#limits.maxClients) {
      const [oldest] = this.#clients.keys();
      if (oldest !== undefined) this.#clients.delete(oldest);
    }
    return record;
  }
}
