// Signing in with the superadmin password: the field's text, the wait after wrong ones, and what went wrong. The
// password leaves this object as soon as the service has looked at it.
import { asGatehouseError } from '../../shared/contracts/errors.ts';
import type { ErrorCode, GatehouseError } from '../../shared/contracts/errors.ts';
import type { ConsoleModel } from './console.svelte.ts';

/** The service did not look at the password: it need not be typed again. */
const unread: ReadonlySet<ErrorCode> = new Set(['sign_in_delayed', 'console_unreachable']);

export class UnlockModel {
  password = $state('');
  remember = $state(false);
  running = $state(false);
  error = $state.raw<GatehouseError | null>(null);
  /** No try before; milliseconds since the epoch. */
  retryAt = $state<number | null>(null);
  readonly #console: ConsoleModel;

  constructor(console: ConsoleModel) {
    this.#console = console;
  }

  /** Whole seconds that are left to wait at `now`. */
  waitAt(now: number): number {
    return this.retryAt === null ? 0 : Math.max(0, Math.ceil((this.retryAt - now) / 1000));
  }

  async submit(): Promise<void> {
    const { password, remember } = this;
    if (password === '' || this.running || this.waitAt(Date.now()) > 0) return;
    this.running = true;
    this.error = null;
    this.retryAt = null;
    try {
      await this.#console.call('console.unlock', remember ? { password, remember } : { password });
      this.password = '';
    } catch (thrown) {
      this.#failed(asGatehouseError(thrown));
    } finally {
      this.running = false;
    }
  }

  #failed(error: GatehouseError): void {
    if (!unread.has(error.code)) this.password = '';
    const { retryInMs } = error.details;
    if (typeof retryInMs === 'number') this.retryAt = Date.now() + retryInMs;
    this.error = error;
  }
}
