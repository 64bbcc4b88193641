// The WebSockets that tell open tabs what changes. A tab that does not read gets the newest value of each topic
// once it does, and nothing in between: what waits for it is never more than one value a topic.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { RawData, WebSocket } from 'ws';
import type { Console } from '../core/api/console.ts';
import type { ConsoleSession } from '../core/api/console-session.ts';
import { isTopicName } from '../../shared/contracts/console/topics.ts';
import type { TopicName } from '../../shared/contracts/console/topics.ts';
import type { TopicMessage } from '../../shared/contracts/console/transport.ts';

/** What a tab may say at once, in bytes: a list of topics. */
const maxMessageBytes = 4096;
/** Sockets of all browsers, and of one session. */
const limits = { sockets: 128, perSession: 16 } as const;
/** What may lie in a socket before its tab counts as slow, in bytes. */
const maxBufferedBytes = 64 * 1024;
/** How often a slow tab is looked at, and whether it is there at all, in milliseconds. */
const timing = { slowTab: 100, heartbeat: 30_000 } as const;

/** Close codes of the page's protocol. */
export const socketClose = { signedOut: 4401, malformed: 4400, shuttingDown: 1001 } as const;

export class EventSockets {
  readonly #console: Pick<Console, 'subscribe'>;
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
  });
  readonly #sockets = new Map<EventSocket, ConsoleSession>();

  constructor(console: Pick<Console, 'subscribe'>) {
    this.#console = console;
  }

  /** Whether `session` may open one more. */
  hasRoom(session: ConsoleSession): boolean {
    const ofSession = [...this.#sockets.values()].filter((each) => each === session).length;
    return this.#sockets.size < limits.sockets && ofSession < limits.perSession;
  }

  /** Upgrades a request that has been let in. */
  open(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    session: ConsoleSession,
    cookie: string | null,
  ): void {
    const addCookie = (headers: string[], of: IncomingMessage): void => {
      if (of === request && cookie !== null) headers.push(`Set-Cookie: ${cookie}`);
    };
    this.#server.on('headers', addCookie);
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const opened = new EventSocket(webSocket, this.#console, session);
      this.#sockets.set(opened, session);
      webSocket.once('close', () => {
        opened.close();
        this.#sockets.delete(opened);
      });
    });
    this.#server.off('headers', addCookie);
  }

  close(): void {
    for (const socket of this.#sockets.keys()) socket.end(socketClose.shuttingDown);
    this.#server.close();
  }
}

class EventSocket {
  readonly #webSocket: WebSocket;
  readonly #console: Pick<Console, 'subscribe'>;
  readonly #session: ConsoleSession;
  readonly #subscriptions = new Map<TopicName, () => void>();
  /** The newest value of each topic that could not be sent yet. */
  readonly #waiting = new Map<TopicName, TopicMessage>();
  readonly #unlisten: () => void;
  readonly #heartbeat: NodeJS.Timeout;
  #slow: NodeJS.Timeout | null = null;
  #alive = true;

  constructor(webSocket: WebSocket, console: Pick<Console, 'subscribe'>, session: ConsoleSession) {
    this.#webSocket = webSocket;
    this.#console = console;
    this.#session = session;
    const signedIn = session.signedIn;
    let wasSignedIn = signedIn;
    this.#unlisten = session.onChange(() => {
      if (wasSignedIn && !session.signedIn) this.end(socketClose.signedOut);
      wasSignedIn = session.signedIn;
    });
    webSocket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    webSocket.on('error', () => undefined);
    webSocket.on('pong', () => (this.#alive = true));
    this.#heartbeat = setInterval(() => this.#beat(), timing.heartbeat).unref();
  }

  /** Tells the tab why, and waits no longer than a moment for its answer. */
  end(code: number): void {
    this.#webSocket.close(code);
    setTimeout(() => this.#webSocket.terminate(), 1_000).unref();
  }

  /** Lets everything go; the socket is closed. */
  close(): void {
    this.#unlisten();
    clearInterval(this.#heartbeat);
    if (this.#slow !== null) clearTimeout(this.#slow);
    for (const unsubscribe of this.#subscriptions.values()) unsubscribe();
    this.#subscriptions.clear();
    this.#waiting.clear();
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    const topics = isBinary ? null : parseSubscribe(data);
    if (topics === null) this.end(socketClose.malformed);
    else this.#subscribe(topics);
  }

  #subscribe(topics: ReadonlySet<TopicName>): void {
    for (const [topic, unsubscribe] of this.#subscriptions) {
      if (topics.has(topic)) continue;
      unsubscribe();
      this.#subscriptions.delete(topic);
      this.#waiting.delete(topic);
    }
    for (const topic of topics) {
      if (this.#subscriptions.has(topic)) continue;
      this.#subscriptions.set(
        topic,
        this.#console.subscribe(this.#session, topic, (message) => this.#send(message)),
      );
    }
  }

  #send(message: TopicMessage): void {
    this.#waiting.set(message.topic, message);
    this.#flush();
  }

  #flush(): void {
    for (const [topic, message] of this.#waiting) {
      if (this.#webSocket.bufferedAmount > maxBufferedBytes) return this.#later();
      this.#waiting.delete(topic);
      if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#webSocket.send(JSON.stringify(message));
    }
  }

  #later(): void {
    this.#slow ??= setTimeout(() => {
      this.#slow = null;
      this.#flush();
    }, timing.slowTab).unref();
  }

  #beat(): void {
    if (!this.#alive) this.#webSocket.terminate();
    this.#alive = false;
    this.#webSocket.ping();
  }
}

/** Null where it is not what a page sends. */
function parseSubscribe(data: RawData): ReadonlySet<TopicName> | null {
  try {
    const message: unknown = JSON.parse(Buffer.isBuffer(data) ? data.toString('utf8') : '');
    if (typeof message !== 'object' || message === null || !('subscribe' in message)) return null;
    const { subscribe } = message;
    return Array.isArray(subscribe) && subscribe.every(isTopicName) ? new Set(subscribe) : null;
  } catch {
    return null;
  }
}
