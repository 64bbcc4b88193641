// What each user of the HTTPS API has under way, and how fast it may ask: as with the streams of clients, one user
// must not take what belongs to all. Bytes that wait are counted in the relay's own accounts.
import { GatehouseError } from '../../contracts/errors.ts';
import type { RelayLimits } from '../limits.ts';
import { TokenBucket } from '../quotas.ts';
import type { Account, Accounts } from '../quotas.ts';
import type { BufferMeter } from '../splice.ts';

export type ApiLimits = Pick<
  RelayLimits,
  'maxApiRequestsPerUser' | 'apiRequestsPerSecond' | 'apiRequestBurst'
>;

interface ApiUser {
  readonly bucket: TokenBucket;
  /** While the user has a request under way. */
  account: Account | null;
  active: number;
  lastAt: number;
}

/** One request under way. */
export interface Visit {
  readonly meter: BufferMeter;
  /** Call once it is over; a second time changes nothing. */
  close(): void;
}

/** Users without a request that are remembered for their rate. */
const maxIdle = 1024;

export class ApiUsers {
  readonly #accounts: Accounts;
  readonly #limits: ApiLimits;
  readonly #now: () => number;
  readonly #users = new Map<string, ApiUser>();

  /** `now` in milliseconds. */
  constructor(accounts: Accounts, limits: ApiLimits, now: () => number = () => performance.now()) {
    this.#accounts = accounts;
    this.#limits = limits;
    this.#now = now;
  }

  /** Counts a request of `name`. @throws GatehouseError `limit_exceeded` */
  open(name: string): Visit {
    const user = this.#user(name);
    if (user.active >= this.#limits.maxApiRequestsPerUser) throw exceeded('at once');
    if (!user.bucket.take()) throw exceeded('so fast');
    const account = (user.account ??= this.#accounts.open(name));
    user.active += 1;
    user.lastAt = this.#now();
    let open = true;
    return {
      meter: {
        hold: (bytes) => this.#accounts.hold(account, bytes),
        release: (bytes) => {
          this.#accounts.release(account, bytes);
        },
      },
      close: () => {
        if (open) this.#leave(user);
        open = false;
      },
    };
  }

  #leave(user: ApiUser): void {
    user.active -= 1;
    if (user.active > 0 || user.account === null) return;
    this.#accounts.close(user.account);
    user.account = null;
  }

  #user(name: string): ApiUser {
    const known = this.#users.get(name);
    if (known !== undefined) return known;
    if (this.#users.size >= maxIdle) this.#forgetIdle();
    const { apiRequestsPerSecond, apiRequestBurst } = this.#limits;
    const bucket = new TokenBucket(apiRequestsPerSecond, apiRequestBurst, this.#now);
    const user = { bucket, account: null, active: 0, lastAt: this.#now() };
    this.#users.set(name, user);
    return user;
  }

  /** Whoever has been quiet until its bucket was full again has the same rights as a new user. */
  #forgetIdle(): void {
    const { apiRequestsPerSecond, apiRequestBurst } = this.#limits;
    const fullAfterMs = (apiRequestBurst / apiRequestsPerSecond) * 1000;
    for (const [name, { active, lastAt }] of this.#users) {
      if (active === 0 && this.#now() - lastAt > fullAfterMs) this.#users.delete(name);
    }
  }
}

function exceeded(what: string): GatehouseError {
  return new GatehouseError(
    'limit_exceeded',
    `The user makes too many requests ${what}. Slow down and try again.`,
  );
}
