// The console as the pages see it: the service's topics as reactive values, its calls, the link to it, where one is,
// how it looks, and what can be done. Made once in App and handed down by context. Must keep no secret: passwords and
// tokens live in the field that they were typed into and nowhere else.
import { getContext, setContext } from 'svelte';
import type { CallArgs, CallName, CallResult } from '../../shared/contracts/console/calls.ts';
import type { ConsolePhase } from '../../shared/contracts/console/models.ts';
import { topicNames } from '../../shared/contracts/console/topics.ts';
import type { TopicName, Topics } from '../../shared/contracts/console/topics.ts';
import { asGatehouseError } from '../../shared/contracts/errors.ts';
import type { GatehouseError } from '../../shared/contracts/errors.ts';
import type { ClientLink, ConsoleClient } from '../api/client.ts';
import { locale } from '../i18n/locale.svelte.ts';
import type { Locale } from '../i18n/locale.svelte.ts';
import { Actions } from './actions.svelte.ts';
import { Appearance } from './appearance.svelte.ts';
import type { AppearanceChange } from './appearance.svelte.ts';
import { Router } from './router.svelte.ts';
import { TopicValue } from './topic.svelte.ts';

export type { ClientLink } from '../api/client.ts';

type TopicValues = { readonly [N in TopicName]: TopicValue<N> };

export class ConsoleModel {
  readonly client: ConsoleClient;
  readonly router: Router;
  readonly appearance: Appearance;
  readonly actions = new Actions();
  readonly #topics: TopicValues;
  #link = $state.raw<ClientLink>({ state: 'connecting', since: Date.now() });
  #tellError: ((error: GatehouseError) => void) | null = null;

  constructor(client: ConsoleClient, page: Window) {
    this.client = client;
    this.router = new Router(page);
    this.appearance = new Appearance(page, (change) => this.#record(change));
    const entries = topicNames.map((name) => [name, new TopicValue(client, name)]);
    this.#topics = Object.fromEntries(entries) as TopicValues;
    client.onLink((link) => (this.#link = link));
  }

  /** The present value of a topic, reactive; undefined until the first has come. */
  topic<N extends TopicName>(name: N): Topics[N] | undefined {
    return this.#topics[name].value;
  }

  /** When the present value of a topic came, milliseconds since the epoch; null before the first. */
  topicAt(name: TopicName): number | null {
    return this.#topics[name].at;
  }

  /** Whether the service's host answers. */
  get link(): ClientLink {
    return this.#link;
  }

  /** What is shown may be old and nothing can be done: the host of the service does not answer. */
  get offline(): boolean {
    return this.#link.state === 'lost';
  }

  get locale(): Locale {
    return locale.current;
  }

  get phase(): ConsolePhase | undefined {
    return this.topic('console')?.phase;
  }

  /** Rejects with a GatehouseError; aborting the signal cancels the call at the service. */
  call<N extends CallName>(
    name: N,
    args: CallArgs<N>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<CallResult<N>> {
    return this.client.call(name, args, options);
  }

  /** Shows an error as a toast: for what has no better place on its page. A cancelled call is no error. */
  report(error: unknown): void {
    const told = asGatehouseError(error);
    if (told.code !== 'cancelled') this.#tellError?.(told);
  }

  /** Who shows errors: the shell, once. */
  onReport(tell: (error: GatehouseError) => void): void {
    this.#tellError = tell;
  }

  /** Before somebody has signed in there is nobody to put on record. */
  #record(change: AppearanceChange): void {
    if (this.topic('console')?.signedIn !== true || this.offline) return;
    this.call('settings.appearance', { ...change }).catch((error: unknown) => this.report(error));
  }

  /** Forgets what only one who is signed in may see. */
  forget(): void {
    for (const name of topicNames) if (name !== 'console') this.#topics[name].clear();
  }
}

const key = Symbol('console');

export function provideConsole(model: ConsoleModel): ConsoleModel {
  return setContext(key, model);
}

/** The console of this page; call it while a component is being made. */
export function getConsole(): ConsoleModel {
  return getContext<ConsoleModel>(key);
}
