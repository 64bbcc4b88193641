// Who wants to be told of which topic: one list for both transports, which asks the service for a topic while somebody
// wants it, and gives the latest value at once to whoever comes later.
import { topicNames } from '../../shared/contracts/console/topics.ts';
import type { TopicName, Topics } from '../../shared/contracts/console/topics.ts';
import type { TopicMessage } from '../../shared/contracts/console/transport.ts';

type Tell = (value: never) => void;

export class Subscriptions {
  readonly #tellers = new Map<TopicName, Set<Tell>>();
  readonly #latest = new Map<TopicName, TopicMessage['value']>();
  readonly #changed: (topics: readonly TopicName[]) => void;
  #announced = false;

  /** `changed` gets the whole list of wanted topics, once for all changes of one turn of the event loop. */
  constructor(changed: (topics: readonly TopicName[]) => void) {
    this.#changed = changed;
  }

  get wanted(): readonly TopicName[] {
    return topicNames.filter((topic) => this.#tellers.has(topic));
  }

  add<N extends TopicName>(topic: N, tell: (value: Topics[N]) => void): () => void {
    const tellers = this.#tellers.get(topic) ?? new Set();
    if (tellers.size === 0) this.#announce();
    this.#tellers.set(topic, tellers.add(tell));
    const known = this.#latest.get(topic);
    if (known !== undefined) tell(known as Topics[N]);
    return () => this.#remove(topic, tell);
  }

  tell(message: TopicMessage): void {
    const tellers = this.#tellers.get(message.topic);
    if (tellers === undefined) return;
    this.#latest.set(message.topic, message.value);
    for (const tell of [...tellers]) tell(message.value as never);
  }

  #remove(topic: TopicName, tell: Tell): void {
    const tellers = this.#tellers.get(topic);
    if (tellers?.delete(tell) !== true || tellers.size > 0) return;
    this.#tellers.delete(topic);
    // Not told any more, so not known any more.
    this.#latest.delete(topic);
    this.#announce();
  }

  #announce(): void {
    if (this.#announced) return;
    this.#announced = true;
    queueMicrotask(() => {
      this.#announced = false;
      this.#changed(this.wanted);
    });
  }
}
