// One topic of the service as a reactive value: subscribed while something reads it, and kept afterwards with the time
// of its arrival, so that a page shows what was last known at once. Must never be written to by a page.
import { createSubscriber } from 'svelte/reactivity';
import type { TopicName, Topics } from '../../shared/contracts/console/topics.ts';
import type { ConsoleClient } from '../api/client.ts';

export class TopicValue<N extends TopicName> {
  #value = $state.raw<Topics[N] | undefined>(undefined);
  #at = $state.raw<number | null>(null);
  readonly #read: () => void;

  constructor(client: ConsoleClient, topic: N) {
    this.#read = createSubscriber(() => client.subscribe(topic, (value) => this.#take(value)));
  }

  /** Undefined until the first value has come. */
  get value(): Topics[N] | undefined {
    this.#read();
    return this.#value;
  }

  /** When the present value came, milliseconds since the epoch. */
  get at(): number | null {
    this.#read();
    return this.#at;
  }

  /** Forgets the value: what was told to one who was signed in is not shown to the next. */
  clear(): void {
    this.#value = undefined;
    this.#at = null;
  }

  #take(value: Topics[N]): void {
    this.#value = value;
    this.#at = Date.now();
  }
}
