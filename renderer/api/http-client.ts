// The client of a browser: calls as POST /api/<call> with the session's cookie, topics over one WebSocket. It outlives a
// service that is killed and started again under the open page. Must keep nothing of what it carries.
import type { CallArgs, CallName, CallResult } from '../../shared/contracts/console/calls.ts';
import { consolePaths } from '../../shared/contracts/console/transport.ts';
import type { TopicName, Topics } from '../../shared/contracts/console/topics.ts';
import { asGatehouseError, GatehouseError } from '../../shared/contracts/errors.ts';
import { cancelled, resultOf } from './answer.ts';
import type { ClientLink, ConsoleClient } from './client.ts';
import { startDownload } from './download.ts';
import { EventLink } from './event-link.ts';
import type { LinkTiming } from './event-link.ts';
import { Subscriptions } from './subscriptions.ts';

export interface HttpClientOptions {
  readonly fetch?: typeof fetch;
  readonly openSocket?: () => WebSocket;
  readonly timing?: LinkTiming;
}

export class HttpClient implements ConsoleClient {
  readonly #fetch: typeof fetch;
  readonly #link: EventLink;
  readonly #subscriptions = new Subscriptions(() => this.#link.announce());
  readonly #linkTellers = new Set<(link: ClientLink) => void>();
  #state: ClientLink = { state: 'connecting', since: Date.now() };

  constructor(options: HttpClientOptions = {}) {
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.#link = new EventLink({
      open: options.openSocket ?? openSocket,
      tell: (message) => this.#subscriptions.tell(message),
      onState: (link) => this.#told(link),
      wanted: () => this.#subscriptions.wanted,
      ...(options.timing === undefined ? {} : { timing: options.timing }),
    });
  }

  async call<N extends CallName>(
    name: N,
    args: CallArgs<N>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<CallResult<N>> {
    try {
      return resultOf<N>(await this.#post(name, args, options.signal));
    } catch (error) {
      const coded = asGatehouseError(error);
      // The session ended, or a restarted service never knew it: the topic `console` says where things stand now.
      if (coded.code === 'not_signed_in') this.#link.renew();
      throw coded;
    }
  }

  subscribe<N extends TopicName>(topic: N, tell: (value: Topics[N]) => void): () => void {
    return this.#subscriptions.add(topic, tell);
  }

  onLink(tell: (link: ClientLink) => void): () => void {
    this.#linkTellers.add(tell);
    tell(this.#state);
    return () => this.#linkTellers.delete(tell);
  }

  retryNow(): void {
    this.#link.retryNow();
  }

  download(url: string, fileName: string): void {
    startDownload(url, fileName);
  }

  #told(link: ClientLink): void {
    this.#state = link;
    for (const tell of [...this.#linkTellers]) tell(link);
  }

  async #post(name: CallName, args: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    try {
      const response = await this.#fetch(`${consolePaths.call}${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(args),
        credentials: 'same-origin',
        cache: 'no-store',
        redirect: 'error',
        ...(signal === undefined ? {} : { signal }),
      });
      return await readJson(response);
    } catch (error) {
      throw signal?.aborted === true ? cancelled() : unreachable(error);
    }
  }
}

/** Null where the body is no JSON: a host that answers something else is told as an unreadable answer. */
async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function unreachable(cause: unknown): GatehouseError {
  return new GatehouseError('console_unreachable', 'The host of the console does not answer.', { cause });
}

function openSocket(): WebSocket {
  const { host, protocol } = window.location;
  return new WebSocket(`${protocol === 'http:' ? 'ws' : 'wss'}://${host}${consolePaths.events}`);
}
