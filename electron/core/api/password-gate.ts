// How often a password may be tried: each source by itself, waiting longer with each wrong one, so that nobody can
// guess and nobody can lock out another. One check runs at a time: each costs 128 MiB and about 0.3 s.
import { asGatehouseError, GatehouseError } from '../../../shared/contracts/errors.ts';

export interface PasswordGateLimits {
  /** Wrong passwords of a source before it has to wait. */
  readonly free: number;
  /** The first wait, in milliseconds; it doubles with each further wrong password. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** After so long without a wrong password a source starts anew, in milliseconds. */
  readonly forgetMs: number;
  /** Sources remembered; the one that failed longest ago makes room. */
  readonly maxSources: number;
  /** Checks of all sources that may wait for their turn. */
  readonly maxWaiting: number;
}

export const defaultPasswordGate: PasswordGateLimits = {
  free: 3,
  firstMs: 1_000,
  maxMs: 60_000,
  forgetMs: 30 * 60_000,
  maxSources: 10_000,
  maxWaiting: 32,
};

interface Source {
  failures: number;
  /** No try before; milliseconds since the epoch. */
  nextAt: number;
  failedAt: number;
  checking: boolean;
}

/** What a caller is told who comes while its own check runs, or while too many wait, in milliseconds. */
const busyMs = 1_000;

export class PasswordGate {
  readonly #limits: PasswordGateLimits;
  readonly #now: () => number;
  readonly #sources = new Map<string, Source>();
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(limits: PasswordGateLimits = defaultPasswordGate, now: () => number = Date.now) {
    this.#limits = limits;
    this.#now = now;
  }

  /**
   * Runs `check`, which throws `superadmin_password_wrong` for a wrong password.
   * @throws GatehouseError `sign_in_delayed` with `retryInMs` where the source has to wait, and what `check` throws
   */
  async pass<T>(source: string, check: () => Promise<T>): Promise<T> {
    const record = this.#record(source);
    const wait = record.nextAt - this.#now();
    if (wait > 0) throw delayed(wait);
    if (record.checking || this.#waiting >= this.#limits.maxWaiting) throw delayed(busyMs);
    record.checking = true;
    this.#waiting += 1;
    const turn = this.#turn.then(check);
    this.#turn = turn.catch(() => undefined);
    try {
      const passed = await turn;
      this.#sources.delete(source);
      return passed;
    } catch (error) {
      if (asGatehouseError(error).code === 'superadmin_password_wrong') this.#failed(record);
      throw error;
    } finally {
      record.checking = false;
      this.#waiting -= 1;
    }
  }

  #failed(record: Source): void {
    const { free, firstMs, maxMs } = this.#limits;
    record.failures += 1;
    record.failedAt = this.#now();
    const beyond = record.failures - free;
    if (beyond >= 0) record.nextAt = record.failedAt + Math.min(maxMs, firstMs * 2 ** Math.min(30, beyond));
  }

  #record(source: string): Source {
    const record = this.#sources.get(source) ?? { failures: 0, nextAt: 0, failedAt: 0, checking: false };
    if (this.#now() - record.failedAt > this.#limits.forgetMs) record.failures = 0;
    this.#sources.delete(source);
    this.#sources.set(source, record);
    if (this.#sources.size > this.#limits.maxSources) {
      const [oldest] = this.#sources.keys();
      if (oldest !== undefined) this.#sources.delete(oldest);
    }
    return record;
  }
}

function delayed(retryInMs: number): GatehouseError {
  const seconds = Math.ceil(retryInMs / 1000);
  const message = `Too many wrong passwords. Try again in ${seconds} s.`;
  return new GatehouseError('sign_in_delayed', message, { details: { retryInMs: Math.ceil(retryInMs) } });
}
