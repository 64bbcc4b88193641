// Setting a service up: the password twice, the relay, and what came of it. It holds the window until the person has
// seen the fingerprint. Password, enrolment token and set-up key leave this object as soon as they have been used.
import type { CallArgs, CallResult } from '../../shared/contracts/console/calls.ts';
import type { RelayChoice } from '../../shared/contracts/console/models.ts';
import { asGatehouseError } from '../../shared/contracts/errors.ts';
import type { GatehouseError } from '../../shared/contracts/errors.ts';
import type { ConsoleModel } from './console.svelte.ts';

/** Shortest password that the service takes, in characters. */
export const minimumPassword = 8;

export type FirstRunGap = 'setupKey' | 'short' | 'different' | 'url';

export class FirstRunModel {
  password = $state('');
  again = $state('');
  relayKind = $state<RelayChoice['kind']>('local');
  url = $state('');
  enrolmentToken = $state('');
  ca = $state('');
  remember = $state(false);
  /** As typed, where the address had none. */
  setupKey = $state('');
  running = $state(false);
  error = $state.raw<GatehouseError | null>(null);
  result = $state.raw<CallResult<'console.setup'> | null>(null);
  readonly #console: ConsoleModel;
  #addressKey = $state<string | null>(null);

  constructor(console: ConsoleModel, addressKey: string | null) {
    this.#console = console;
    this.#addressKey = addressKey;
  }

  /** The window is this model's until then. */
  get holding(): boolean {
    return this.running || this.result !== null;
  }

  /** Whether the person has to paste the set-up key. */
  get asksForKey(): boolean {
    return this.#addressKey === null && this.#console.topic('console')?.setupKeyRequired === true;
  }

  /** What is missing before it can begin, in the order of the page; null where nothing is. */
  get gap(): FirstRunGap | null {
    if (this.asksForKey && keyIn(this.setupKey) === '') return 'setupKey';
    if (Array.from(this.password).length < minimumPassword) return 'short';
    if (this.password !== this.again) return 'different';
    return this.relayKind === 'url' && this.url.trim() === '' ? 'url' : null;
  }

  async submit(): Promise<void> {
    if (this.gap !== null || this.running) return;
    this.running = true;
    this.error = null;
    try {
      this.result = await this.#console.call('console.setup', this.#args());
      this.#forget();
    } catch (thrown) {
      this.error = asGatehouseError(thrown);
      // The key in the address was not the one: ask for another.
      if (this.error.code === 'setup_key_invalid') this.#addressKey = null;
      if (this.#console.phase !== 'first_run' && this.error.code !== 'console_unreachable') this.#forget();
    } finally {
      this.running = false;
    }
  }

  /** The person has seen the result. */
  finish(): void {
    this.result = null;
  }

  #args(): CallArgs<'console.setup'> {
    const setupKey = this.#addressKey ?? keyIn(this.setupKey);
    return {
      password: this.password,
      relay: this.#relay(),
      ...(setupKey === '' ? {} : { setupKey }),
      ...(this.remember ? { remember: true } : {}),
    };
  }

  #relay(): RelayChoice {
    if (this.relayKind === 'local') return { kind: 'local' };
    const enrolmentToken = this.enrolmentToken.trim();
    const ca = this.ca.trim();
    return {
      kind: 'url',
      url: this.url.trim(),
      ...(enrolmentToken === '' ? {} : { enrolmentToken }),
      ...(ca === '' ? {} : { ca }),
    };
  }

  #forget(): void {
    this.password = '';
    this.again = '';
    this.enrolmentToken = '';
    this.setupKey = '';
    this.#addressKey = null;
  }
}

/** The key in what was pasted: the key itself, or the whole printed address. */
function keyIn(text: string): string {
  return text.trim().replace(/^.*#setup=/, '');
}
