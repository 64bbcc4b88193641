// How long the keys of one session live, on either side: until its limit, then for answers to what was already accepted
// until the grace is over or none is owed, then never again. Nobody else may keep the keys.
import { GatehouseError } from '../contracts/errors.ts';
import type { Clock } from './clock.ts';
import type { SessionKeys } from './handshake.ts';
import { answerGraceMs } from './limits.ts';

/** `live`: takes requests. `ending`: only answers that are owed. `ended`: the keys are gone. */
export type LifeState = 'live' | 'ending' | 'ended';

export interface LifeOptions {
  readonly lifetimeMs: number;
  readonly clock: Clock;
  readonly onEnd: () => void;
}

export class SessionLife {
  readonly #options: LifeOptions;
  readonly #begun: number;
  #keys: SessionKeys | null;
  #endingSince: number | null = null;
  #owed = 0;
  #cancelTimer: () => void;

  constructor(keys: SessionKeys, options: LifeOptions) {
    this.#keys = keys;
    this.#options = options;
    this.#begun = options.clock.now();
    this.#cancelTimer = options.clock.after(options.lifetimeMs, this.#look);
  }

  get ageMs(): number {
    return this.#options.clock.now() - this.#begun;
  }

  get state(): LifeState {
    this.#look();
    if (this.#keys === null) return 'ended';
    return this.#endingSince === null ? 'live' : 'ending';
  }

  /** While the session is not over. @throws GatehouseError `SESSION_EXPIRED` */
  keys(): SessionKeys {
    this.#look();
    if (this.#keys === null) throw expired();
    return this.#keys;
  }

  /** An answer is owed from now on; `settle` must follow. */
  owe(): void {
    this.#owed += 1;
  }

  settle(): void {
    this.#owed -= 1;
    this.#look();
  }

  /** No more requests; the answers that are owed have their grace. */
  expire(): void {
    if (this.#keys === null || this.#endingSince !== null) return;
    this.#endingSince = this.#options.clock.now();
    this.#wait(answerGraceMs);
    this.#look();
  }

  /** At once, with nothing owed any more. */
  end(): void {
    if (this.#keys === null) return;
    this.#keys = null;
    this.#cancelTimer();
    this.#options.onEnd();
  }

  /** Moves the state on to where the clock is. Timers may be late, and a machine may have slept. */
  readonly #look = (): void => {
    if (this.#keys === null) return;
    const now = this.#options.clock.now();
    if (this.#endingSince === null) {
      const left = this.#options.lifetimeMs - (now - this.#begun);
      if (left <= 0) this.expire();
      return;
    }
    if (this.#owed <= 0 || now - this.#endingSince >= answerGraceMs) this.end();
  };

  #wait(delayMs: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#options.clock.after(delayMs, this.#look);
  }
}

export function expired(): GatehouseError {
  const message = 'The device session is over. A new one has to be started.';
  return new GatehouseError('SESSION_EXPIRED', message);
}
