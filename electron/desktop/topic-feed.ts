// Topics on their way to the window, with back-pressure: one batch is under way at a time, and a newer value replaces
// one that still waits. A page that is slow or suspended costs one value a topic.
import type { TopicName } from '../../shared/contracts/console/topics.ts';
import type { TopicMessage } from '../../shared/contracts/console/transport.ts';

export class TopicFeed {
  readonly #send: (messages: readonly TopicMessage[]) => void;
  readonly #waiting = new Map<TopicName, TopicMessage>();
  #underWay = false;

  constructor(send: (messages: readonly TopicMessage[]) => void) {
    this.#send = send;
  }

  push(message: TopicMessage): void {
    this.#waiting.set(message.topic, message);
    if (!this.#underWay) this.#next();
  }

  /** The page has handled the batch that was under way. */
  taken(): void {
    this.#underWay = false;
    if (this.#waiting.size > 0) this.#next();
  }

  /** Nothing of `topic` is told any more. */
  drop(topic: TopicName): void {
    this.#waiting.delete(topic);
  }

  /** Another page has come: what was under way to the old one is lost. */
  reset(): void {
    this.#waiting.clear();
    this.#underWay = false;
  }

  #next(): void {
    const messages = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#underWay = true;
    this.#send(messages);
  }
}
