// What the console is told by itself. Each topic is a value: a subscriber gets the present one at once and newer ones
// as they come, no more than four a second. What makes the values of a topic runs only while somebody listens.
import { openTopic } from '../../../shared/contracts/console/topics.ts';
import type { TopicName, Topics } from '../../../shared/contracts/console/topics.ts';
import type { TopicMessage } from '../../../shared/contracts/console/transport.ts';
import type { ConsoleSession } from './console-session.ts';

/** Time between two values of a topic, in milliseconds. */
const paceMs = 250;

/** Where the values of a topic come from. */
export interface TopicSource<N extends TopicName> {
  /** The present value; null while there is none. */
  read(session: ConsoleSession): Topics[N] | null | Promise<Topics[N] | null>;
  /** Calls `changed` whenever the value may be another one. Returns the end of that. */
  watch(changed: () => void): () => void;
  /** Whether each console session has a value of its own. */
  readonly perSession?: boolean;
}

export type TopicSources = { readonly [N in TopicName]: TopicSource<N> };
export type TellTopic = (message: TopicMessage) => void;

export class TopicsHub {
  readonly #feeds: ReadonlyMap<TopicName, Feed>;

  constructor(sources: TopicSources, onError: (error: unknown) => void) {
    const names = Object.keys(sources) as TopicName[];
    this.#feeds = new Map(names.map((name) => [name, new Feed(name, sources[name], onError)]));
  }

  /** Tells of `topic` while `session` may know it. Returns the unsubscribe. */
  subscribe(session: ConsoleSession, topic: TopicName, tell: TellTopic): () => void {
    return this.#feeds.get(topic)?.subscribe(session, tell) ?? (() => undefined);
  }
}

interface Subscriber {
  readonly session: ConsoleSession;
  readonly tell: TellTopic;
  /** What was told last, as JSON: the same is not told again. */
  told: string | undefined;
}

class Feed {
  readonly #name: TopicName;
  readonly #source: TopicSource<TopicName>;
  readonly #onError: (error: unknown) => void;
  readonly #subscribers = new Set<Subscriber>();
  #unwatch: (() => void) | null = null;
  #timer: NodeJS.Timeout | null = null;
  #flushedAt = -Infinity;
  /** One flush at a time, or a value that was slow to read would be told after a newer one. */
  #turn: Promise<void> = Promise.resolve();

  constructor(name: TopicName, source: TopicSource<TopicName>, onError: (error: unknown) => void) {
    this.#name = name;
    this.#source = source;
    this.#onError = onError;
  }

  subscribe(session: ConsoleSession, tell: TellTopic): () => void {
    const subscriber: Subscriber = { session, tell, told: undefined };
    this.#subscribers.add(subscriber);
    this.#unwatch ??= this.#source.watch(() => this.#changed());
    const unlisten = session.onChange(() => {
      subscriber.told = undefined;
      this.#flush(() => [subscriber]);
    });
    this.#flush(() => [subscriber]);
    return () => {
      unlisten();
      this.#subscribers.delete(subscriber);
      if (this.#subscribers.size === 0) this.#stop();
    };
  }

  #changed(): void {
    if (this.#timer !== null) return;
    const wait = Math.max(0, this.#flushedAt + paceMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#flushedAt = performance.now();
      this.#flush(() => [...this.#subscribers]);
    }, wait).unref();
  }

  #stop(): void {
    this.#unwatch?.();
    this.#unwatch = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #flush(subscribers: () => readonly Subscriber[]): void {
    this.#turn = this.#turn.then(() => this.#tellAll(subscribers()));
  }

  async #tellAll(subscribers: readonly Subscriber[]): Promise<void> {
    const values = new Map<string, unknown>();
    for (const subscriber of subscribers) {
      const { session } = subscriber;
      if (this.#name !== openTopic && !session.signedIn) continue;
      const key = this.#source.perSession === true ? session.id : '';
      if (!values.has(key)) values.set(key, await this.#read(session));
      if (this.#subscribers.has(subscriber)) this.#tell(subscriber, values.get(key));
    }
  }

  async #read(session: ConsoleSession): Promise<unknown> {
    try {
      return await this.#source.read(session);
    } catch (error) {
      this.#onError(error);
      return null;
    }
  }

  #tell(subscriber: Subscriber, value: unknown): void {
    if (value === null) return;
    if (this.#name !== openTopic && !subscriber.session.signedIn) return;
    const text = JSON.stringify(value);
    if (text === subscriber.told) return;
    subscriber.told = text;
    subscriber.tell({ topic: this.#name, value } as TopicMessage);
  }
}
