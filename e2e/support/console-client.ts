// The console's two channels without a page: calls over HTTPS with a cookie, topics over a WebSocket. It plays the
// browser as far as the server can tell; attacks pass headers of their own.
import { Agent, request } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';
import { WebSocket } from 'ws';
import type { CallArgs, CallName, CallResult } from '../../shared/contracts/console/calls.ts';
import type { TopicName, Topics } from '../../shared/contracts/console/topics.ts';
import type { TopicMessage } from '../../shared/contracts/console/transport.ts';
import type { SerialisedError } from '../../shared/contracts/errors.ts';
import { until } from './waiting.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** A call that was refused. */
export class CallError extends Error {
  readonly code: string;
  readonly details: SerialisedError['details'];

  constructor({ code, message, details }: SerialisedError) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

export class ConsoleClient {
  /** `https://127.0.0.1:PORT`. */
  readonly origin: string;
  /** From the printed URL; empty where there is none. */
  readonly setupKey: string;
  cookie = '';
  readonly #agent = new Agent({ rejectUnauthorized: false });
  readonly #sockets: WebSocket[] = [];

  /** @param url as the ready line gives it */
  constructor(url: string) {
    const { origin, hash } = new URL(url);
    this.origin = origin;
    this.setupKey = new URLSearchParams(hash.slice(1)).get('setup') ?? '';
  }

  /** One request as it is given; a cookie that comes is kept. */
  send(path: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Answer> {
    const { hostname, port } = new URL(this.origin);
    const cookie = this.cookie === '' ? {} : { cookie: this.cookie };
    return new Promise((resolve, reject) => {
      const sent = request(
        // As it is: URL would take the dots out of a path.
        { hostname, port, path, method, headers: { ...cookie, ...headers }, agent: this.#agent },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.once('error', reject);
          response.once('end', () => {
            this.#keepCookie(response.headers);
            const { statusCode: status = 0, headers: got } = response;
            resolve({ status, headers: got, body: Buffer.concat(chunks).toString('utf8') });
          });
        },
      );
      sent.once('error', reject);
      sent.end(body);
    });
  }

  /** As the page calls; the raw answer. */
  post(name: string, args: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.send(`/api/${name}`, {
      method: 'POST',
      headers: { origin: this.origin, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(args),
    });
  }

  /** @throws CallError with the code that came */
  async call<N extends CallName>(name: N, args: CallArgs<N>): Promise<CallResult<N>> {
    const { body } = await this.post(name, args);
    const answer = JSON.parse(body) as { result?: CallResult<N>; error?: SerialisedError };
    if (answer.error !== undefined) throw new CallError(answer.error);
    if (answer.result === undefined) throw new Error(`${name} answered neither result nor error`);
    return answer.result;
  }

  /** Lines of the audit log, the newest first. */
  async audited(filter: string): Promise<CallResult<'audit.page'>['rows']> {
    return (await this.call('audit.page', { filter, cursor: null, limit: 50 })).rows;
  }

  /** Follows topics; resolves once the socket is open. */
  async follow(
    topics: readonly TopicName[],
    headers: Readonly<Record<string, string>> = {},
  ): Promise<FollowedTopics> {
    const socket = new WebSocket(`${this.origin.replace('https', 'wss')}/events`, {
      rejectUnauthorized: false,
      headers: { origin: this.origin, ...(this.cookie === '' ? {} : { cookie: this.cookie }), ...headers },
    });
    this.#sockets.push(socket);
    socket.on('upgrade', (response) => this.#keepCookie(response.headers));
    const followed = new FollowedTopics(socket);
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    socket.send(JSON.stringify({ subscribe: topics }));
    return followed;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate();
    this.#agent.destroy();
  }

  #keepCookie(headers: IncomingHttpHeaders): void {
    const [set] = headers['set-cookie'] ?? [];
    if (set !== undefined) this.cookie = set.split(';', 1)[0] ?? '';
  }
}

/** What a socket was told. */
export class FollowedTopics {
  readonly messages: TopicMessage[] = [];
  /** Null while it is open. */
  closeCode: number | null = null;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      this.messages.push(JSON.parse((data as Buffer).toString('utf8')) as TopicMessage);
    });
    socket.once('close', (code) => (this.closeCode = code));
    socket.on('error', () => undefined);
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  /** The newest value of a topic; undefined before the first. */
  newest<N extends TopicName>(topic: N): Topics[N] | undefined {
    return this.messages.findLast((message) => message.topic === topic)?.value as Topics[N] | undefined;
  }

  /** Resolves with the newest value once it is as `is` says. */
  until<N extends TopicName>(
    topic: N,
    is: (value: Topics[N]) => boolean,
    withinMs = 10_000,
  ): Promise<Topics[N]> {
    const probe = (): Topics[N] | undefined => {
      const value = this.newest(topic);
      return value !== undefined && is(value) ? value : undefined;
    };
    return until(
      `topic ${topic} is as wanted; it was ${JSON.stringify(this.newest(topic))}`,
      probe,
      withinMs,
    );
  }

  closed(withinMs = 5_000): Promise<number> {
    return until('the socket is closed', () => this.closeCode ?? undefined, withinMs);
  }
}
