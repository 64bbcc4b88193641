// Making an access token and showing its secret once. Must never let go of a secret that nobody has copied without
// asking, nor keep it in memory once it is closed.
import { maxLength } from '../../shared/contracts/console/calls.ts';
import { Task } from './task.svelte.ts';
import type { Service } from './task.svelte.ts';

export const expiries = ['none', '1', '7', '30', '90', 'custom'] as const;
export type Expiry = (typeof expiries)[number];

const msPerDay = 24 * 60 * 60 * 1000;

export interface ShownToken {
  readonly id: string;
  readonly user: string;
  readonly token: string;
  readonly expiresAt: number | null;
}

export class TokenForm {
  user = $state('');
  expiry = $state<Expiry>('30');
  /** As `<input type="datetime-local">` writes it: local time, `2026-12-31T18:00`. */
  customTime = $state('');
  shown = $state.raw<ShownToken | null>(null);
  copied = $state(false);
  /** Whether the person is being asked if the secret was kept. */
  asking = $state(false);
  readonly task = new Task();
  readonly #service: Service;
  readonly #now: () => number;

  constructor(service: Service, now: () => number = Date.now) {
    this.#service = service;
    this.#now = now;
  }

  /** Milliseconds since the epoch, null for never; undefined where no usable time was chosen. */
  get expiresAt(): number | null | undefined {
    if (this.expiry === 'none') return null;
    if (this.expiry !== 'custom') return this.#now() + Number(this.expiry) * msPerDay;
    const time = this.customTime === '' ? Number.NaN : Date.parse(this.customTime);
    return time > this.#now() ? time : undefined;
  }

  /** What stops the token from being made; null where nothing does. */
  get gap(): 'user' | 'user_long' | 'time' | null {
    const user = this.user.trim();
    if (user === '') return 'user';
    if (user.length > maxLength.name) return 'user_long';
    return this.expiresAt === undefined ? 'time' : null;
  }

  async submit(): Promise<void> {
    const { expiresAt } = this;
    if (this.gap !== null || expiresAt === undefined) return;
    const user = this.user.trim();
    const made = await this.task.run(() => this.#service.call('tokens.create', { user, expiresAt }));
    if (made === undefined) return;
    this.copied = false;
    this.shown = { ...made, user, expiresAt };
  }

  /** Answers whether it may close: a secret that was not copied is asked about first. */
  mayClose(): boolean {
    this.asking = this.shown !== null && !this.copied;
    return !this.asking;
  }

  /** Lets go of the secret. */
  forget(): void {
    this.shown = null;
    this.asking = false;
    this.copied = false;
    this.user = '';
    this.customTime = '';
    this.task.clear();
  }
}
