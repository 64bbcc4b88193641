// Changing the superadmin password, and forgetting the one that the operating system remembers. Must never keep a
// password once a call has ended.
import { maxLength } from '../../shared/contracts/console/calls.ts';
import { Task } from './task.svelte.ts';
import type { Service } from './task.svelte.ts';

/** Shortest password that the service takes, in UTF-16 units. */
export const minPasswordLength = 8;

export class PasswordForm {
  present = $state('');
  next = $state('');
  again = $state('');
  readonly task = new Task();
  readonly forgetting = new Task();
  readonly #service: Service;
  /** What stops the form from being sent; null where nothing does. */
  readonly gap: 'present' | 'short' | 'long' | 'same' | 'differs' | null = $derived.by(() => this.#gap());

  constructor(service: Service) {
    this.#service = service;
  }

  /** Answers whether the password was changed. */
  async submit(): Promise<boolean> {
    if (this.gap !== null) return false;
    const args = { password: this.present, next: this.next };
    const done = await this.task.run(() => this.#service.call('console.changePassword', args));
    this.present = '';
    if (done === undefined) return false;
    this.clear();
    return true;
  }

  /** Answers whether the remembered password was forgotten. */
  async forget(): Promise<boolean> {
    return (await this.forgetting.run(() => this.#service.call('console.forgetPassword', {}))) !== undefined;
  }

  clear(): void {
    this.present = '';
    this.next = '';
    this.again = '';
    this.task.clear();
  }

  #gap(): 'present' | 'short' | 'long' | 'same' | 'differs' | null {
    if (this.present === '') return 'present';
    if (this.next.length < minPasswordLength) return 'short';
    if (this.next.length > maxLength.password) return 'long';
    if (this.next === this.present) return 'same';
    return this.next === this.again ? null : 'differs';
  }
}
