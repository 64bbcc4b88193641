// The WebSocket that tells the page of topics, kept up for as long as the page is open: it is opened again with
// full-jitter back-off whenever it ends, asked for a sign of life when it is silent for long, and told again what the
// page wants. Must never give up, and never open two at once.
import type { Subscribe, TopicMessage } from '../../shared/contracts/console/transport.ts';
import { isTopicName } from '../../shared/contracts/console/topics.ts';
import type { TopicName } from '../../shared/contracts/console/topics.ts';
import type { ClientLink } from './client.ts';

/** All in milliseconds. */
export interface LinkTiming {
  /** Upper bound of the first wait; doubles with each failure up to `longestWait`. */
  readonly firstWait: number;
  readonly longestWait: number;
  /** A socket that is not open after so long is given up. */
  readonly opening: number;
  /** After so long without a message the service is asked for one, which has to come within `opening`. */
  readonly silence: number;
}

export const defaultTiming: LinkTiming = {
  firstWait: 250,
  longestWait: 8_000,
  opening: 10_000,
  silence: 30_000,
};

export interface LinkOptions {
  readonly open: () => WebSocket;
  readonly tell: (message: TopicMessage) => void;
  readonly onState: (link: ClientLink) => void;
  /** What the page wants to be told now. */
  readonly wanted: () => readonly TopicName[];
  readonly timing?: LinkTiming;
  /** From 0 to 1. */
  readonly random?: () => number;
}

export class EventLink {
  readonly #options: LinkOptions;
  readonly #timing: LinkTiming;
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  /** When the last open socket ended. */
  #lostAt: number | null = null;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#timing = options.timing ?? defaultTiming;
    options.onState({ state: 'connecting', since: Date.now() });
    this.#connect();
  }

  /** Says what is wanted; silently waits for the socket where it is not open. */
  announce(): void {
    this.#send(this.#options.wanted());
  }

  /** Tries at once instead of when the wait is over; nothing to do while a socket is there. */
  retryNow(): void {
    if (this.#socket === null) this.#connect();
  }

  /** Opens a new socket in place of the present one: the service may not know this session any more. */
  renew(): void {
    const socket = this.#socket;
    if (socket?.readyState === WebSocket.CONNECTING) return;
    this.#socket = null;
    socket?.close();
    this.#connect();
  }

  #connect(): void {
    clearTimeout(this.#timer);
    const socket = this.#options.open();
    this.#socket = socket;
    const mine = (act: () => void) => () => {
      if (this.#socket === socket) act();
    };
    socket.addEventListener(
      'open',
      mine(() => this.#opened()),
    );
    socket.addEventListener(
      'close',
      mine(() => this.#ended()),
    );
    socket.addEventListener('message', ({ data }) => mine(() => this.#heard(data))());
    this.#timer = setTimeout(
      mine(() => this.#drop()),
      this.#timing.opening,
    );
  }

  #opened(): void {
    this.#failures = 0;
    this.#lostAt = null;
    this.#options.onState({ state: 'open', since: Date.now() });
    this.announce();
    this.#expectWithin(this.#timing.silence);
  }

  #heard(data: unknown): void {
    this.#expectWithin(this.#timing.silence);
    const message = parseMessage(data);
    if (message !== null) this.#options.tell(message);
  }

  /** Silent for long: a list that is taken back and given again makes the service tell everything anew. */
  #expectWithin(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#send([]);
      this.announce();
      this.#timer = setTimeout(() => this.#drop(), this.#timing.opening);
    }, ms);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#ended();
    socket?.close();
  }

  /** The first try after an end is made almost at once and unannounced; only when it fails, too, is the link lost. */
  #ended(): void {
    clearTimeout(this.#timer);
    this.#socket = null;
    this.#lostAt ??= Date.now();
    const bound = Math.min(this.#timing.longestWait, this.#timing.firstWait * 2 ** this.#failures);
    const wait = Math.round(bound * (this.#options.random ?? Math.random)());
    this.#timer = setTimeout(() => this.#connect(), wait);
    if (this.#failures > 0) {
      this.#options.onState({ state: 'lost', since: this.#lostAt, retryAt: Date.now() + wait });
    }
    this.#failures += 1;
  }

  #send(subscribe: readonly TopicName[]): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify({ subscribe } satisfies Subscribe));
  }
}

/** Null for what is no message of a topic: a page that is older than its service does not break. */
function parseMessage(data: unknown): TopicMessage | null {
  if (typeof data !== 'string') return null;
  try {
    const message: unknown = JSON.parse(data);
    if (typeof message !== 'object' || message === null) return null;
    if (!('topic' in message) || !('value' in message) || !isTopicName(message.topic)) return null;
    return message as TopicMessage;
  } catch {
    return null;
  }
}
