// What a dialog that asks before something holds: the password or the name typed, the run, and why it failed. A run knows
// only the opening that it began in: what ends after that changes nothing of a later one. Must keep a password no
// longer than the call that needs it, but for a failure that came before anybody looked at it.
import { describeError } from '../i18n/error-text.ts';
import type { ErrorCode } from '../../shared/contracts/errors.ts';

/** The password was not looked at: typing it again would help nobody. */
const notLookedAt: ReadonlySet<ErrorCode> = new Set(['console_unreachable', 'sign_in_delayed', 'cancelled']);

export class Confirmation {
  typed = $state('');
  secret = $state('');
  error = $state<string | null>(null);
  running = $state(false);
  #opening = 0;

  /** Forgets all of it: when the dialog has closed. */
  empty(): void {
    this.#opening += 1;
    this.typed = '';
    this.secret = '';
    this.error = null;
    this.running = false;
  }

  /** Answers whether `work` was kept, in the same opening; a second run while one is under way does nothing. */
  async run(work: (password: string) => Promise<void> | void): Promise<boolean> {
    if (this.running) return false;
    const opening = this.#opening;
    this.running = true;
    this.error = null;
    try {
      await work(this.secret);
      return opening === this.#opening;
    } catch (caught) {
      if (opening === this.#opening) this.#fail(caught);
      return false;
    } finally {
      if (opening === this.#opening) this.running = false;
    }
  }

  #fail(caught: unknown): void {
    const { text, code } = describeError(caught);
    this.error = text;
    if (!notLookedAt.has(code)) this.secret = '';
  }
}
