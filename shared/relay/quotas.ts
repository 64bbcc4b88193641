// Counters that keep one address, one user or one connection from taking what belongs to all. Pure: the clock comes in.
import { GatehouseError } from '../contracts/errors.ts';
import type { RelayLimits } from './limits.ts';

/** How many of something each key has, up to a maximum. */
export class CountPerKey {
  readonly #max: number;
  readonly #counts = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** False where the key has its maximum already: then nothing was counted. */
  take(key: string): boolean {
    const count = this.#counts.get(key) ?? 0;
    if (count >= this.#max) return false;
    this.#counts.set(key, count + 1);
    return true;
  }

  give(key: string): void {
    const count = this.#counts.get(key) ?? 0;
    if (count <= 1) this.#counts.delete(key);
    else this.#counts.set(key, count - 1);
  }
}

/** Lets `burst` through at once and `perSecond` in the long run. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #now: () => number;
  #level: number;
  #filledAt: number;

  /** `now` in milliseconds. */
  constructor(perSecond: number, burst: number, now: () => number = () => performance.now()) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#now = now;
    this.#level = burst;
    this.#filledAt = now();
  }

  take(): boolean {
    const now = this.#now();
    this.#level = Math.min(this.#burst, this.#level + (now - this.#filledAt) * this.#perMs);
    this.#filledAt = now;
    if (this.#level < 1) return false;
    this.#level -= 1;
    return true;
  }
}

/** What one user holds of the relay; the same object for all connections of the user. */
export interface Account {
  readonly user: string;
  connections: number;
  bufferedBytes: number;
}

export type AccountLimits = Pick<
  RelayLimits,
  'maxConnectionsPerUser' | 'maxBufferedBytesPerUser' | 'maxBufferedBytes'
>;

export class Accounts {
  readonly #limits: AccountLimits;
  readonly #accounts = new Map<string, Account>();
  #bufferedBytes = 0;

  constructor(limits: AccountLimits) {
    this.#limits = limits;
  }

  /** Bytes that wait in all streams. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Counts a connection of `user`. @throws GatehouseError `limit_exceeded` */
  open(user: string): Account {
    const account = this.#accounts.get(user) ?? { user, connections: 0, bufferedBytes: 0 };
    if (account.connections >= this.#limits.maxConnectionsPerUser) {
      const message = `The user has ${account.connections} connections to this relay already. Close some and try again.`;
      throw new GatehouseError('limit_exceeded', message);
    }
    account.connections += 1;
    this.#accounts.set(user, account);
    return account;
  }

  close(account: Account): void {
    account.connections -= 1;
    if (account.connections === 0) this.#accounts.delete(account.user);
  }

  /** Counts bytes that wait; false where that is more than the user or the relay may hold: nothing was counted. */
  hold(account: Account, bytes: number): boolean {
    const { maxBufferedBytesPerUser, maxBufferedBytes } = this.#limits;
    if (account.bufferedBytes + bytes > maxBufferedBytesPerUser) return false;
    if (this.#bufferedBytes + bytes > maxBufferedBytes) return false;
    account.bufferedBytes += bytes;
    this.#bufferedBytes += bytes;
    return true;
  }

  release(account: Account, bytes: number): void {
    account.bufferedBytes -= bytes;
    this.#bufferedBytes -= bytes;
  }
}
