// A registration code: made, shown once and followed until it is used or too old. Must keep no code once it is closed,
// used or too old.
import type { CreatedRegistrationCode } from '../../shared/contracts/console/devices.ts';
import { Task } from './task.svelte.ts';
import type { Service } from './task.svelte.ts';

/** `good`: it can be used; `used`: a device has registered with it, or somebody has cancelled it. */
export type CodeFate = 'good' | 'used' | 'too_old';

export class CodeForm {
  shown = $state.raw<CreatedRegistrationCode | null>(null);
  readonly task = new Task();
  readonly cancelling = new Task();
  readonly #service: Service;
  /** Whether the service has named it among the open ones: until then its absence says nothing. */
  #seen = $state(false);

  constructor(service: Service) {
    this.#service = service;
  }

  async make(): Promise<void> {
    const made = await this.task.run(() => this.#service.call('devices.createCode', {}));
    if (made === undefined) return;
    this.#seen = false;
    this.shown = made;
  }

  /** @param now milliseconds since the epoch */
  fate(now: number): CodeFate | null {
    if (this.shown === null) return null;
    if (now >= this.shown.expiresAt) return 'too_old';
    return this.#seen && !this.#isOpen(this.shown.id) ? 'used' : 'good';
  }

  /** Whole seconds until it is too old. */
  secondsLeft(now: number): number {
    return Math.max(0, Math.ceil(((this.shown?.expiresAt ?? now) - now) / 1000));
  }

  /** Call it when the topic has changed. */
  follow(): void {
    if (this.shown !== null && this.#isOpen(this.shown.id)) this.#seen = true;
  }

  /** Makes it useless before its time; answers whether it is. */
  async cancel(): Promise<boolean> {
    const id = this.shown?.id;
    if (id === undefined) return true;
    const done = await this.cancelling.run(() => this.#service.call('devices.cancelCode', { id }));
    return done !== undefined;
  }

  /** Lets go of the code. */
  forget(): void {
    this.shown = null;
    this.#seen = false;
    this.task.clear();
    this.cancelling.clear();
  }

  #isOpen(wanted: string): boolean {
    return this.#service.topic('devices')?.codes.some(({ id }) => id === wanted) === true;
  }
}
