// The client of the desktop app: every call through the bridge that the preload gives (window.gatehouse). Must never
// touch the network.
import type { CallArgs, CallName, CallResult } from '../../shared/contracts/console/calls.ts';
import type { ConsoleBridge, TopicMessage } from '../../shared/contracts/console/transport.ts';
import type { TopicName, Topics } from '../../shared/contracts/console/topics.ts';
import { cancelled, resultOf } from './answer.ts';
import type { ClientLink, ConsoleClient } from './client.ts';
import { startDownload } from './download.ts';
import { Subscriptions } from './subscriptions.ts';

declare global {
  interface Window {
    readonly gatehouse?: ConsoleBridge;
  }
}

export class BridgeClient implements ConsoleClient {
  readonly #bridge: ConsoleBridge;
  readonly #subscriptions = new Subscriptions((topics) => this.#bridge.subscribe(topics));
  readonly #link: ClientLink = { state: 'open', since: Date.now() };
  #lastId = 0;

  constructor(bridge: ConsoleBridge) {
    this.#bridge = bridge;
    bridge.onTopic((message: TopicMessage) => this.#subscriptions.tell(message));
  }

  async call<N extends CallName>(
    name: N,
    args: CallArgs<N>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<CallResult<N>> {
    const { signal } = options;
    if (signal?.aborted === true) throw cancelled();
    const id = ++this.#lastId;
    const cancel = () => this.#bridge.cancel(id);
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return resultOf<N>(await this.#bridge.call(id, name, args));
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
  }

  subscribe<N extends TopicName>(topic: N, tell: (value: Topics[N]) => void): () => void {
    return this.#subscriptions.add(topic, tell);
  }

  onLink(tell: (link: ClientLink) => void): () => void {
    tell(this.#link);
    return () => {};
  }

  retryNow(): void {
    // The service and this window live and die together.
  }

  download(url: string, fileName: string): void {
    startDownload(url, fileName);
  }
}
