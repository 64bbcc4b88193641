// HTTP/1.1 (RFC 9112) on one connection: inside TLS for one call and the exchanges that verify its session,
// or on a plain stream for a single request. Must never take an answer without a declared end for a whole one.
import { Agent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ended, truncated } from './broken-off.ts';
import { mediaType } from './connection.ts';
import type { Connection, ExchangeEvents, RequestHead, RunningExchange } from './connection.ts';

/** Bytes of one answer's headers. */
const maxHeaderSize = 16 * 1024;

/** Hands out one connection, once: requests follow each other on it, and none is made on another. */
class OneConnection extends Agent {
  readonly #duplex: Duplex;
  #handedOut = false;

  constructor(duplex: Duplex) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#duplex = duplex;
  }

  override createConnection(_options: unknown, done?: (error: Error | null, stream: Duplex) => void): Duplex {
    if (this.#handedOut) done?.(ended(), this.#duplex);
    this.#handedOut = true;
    return this.#duplex;
  }
}

export class H1Connection implements Connection {
  readonly #duplex: Duplex;
  readonly #agent: Agent | null;
  #used = false;

  /** `keepAlive`: several requests, one after the other; false: one, with `connection: close`. */
  constructor(duplex: Duplex, keepAlive: boolean) {
    this.#duplex = duplex;
    this.#agent = keepAlive ? new OneConnection(duplex) : null;
    duplex.on('error', () => undefined); // each request is told by itself
  }

  get usable(): boolean {
    return !this.#duplex.destroyed && (this.#agent !== null || !this.#used);
  }

  start(head: RequestHead, events: ExchangeEvents): RunningExchange {
    if (!this.usable) throw ended(this.#duplex.errored);
    this.#used = true;
    const framing =
      head.length === null ? { 'transfer-encoding': 'chunked' } : { 'content-length': head.length };
    const request = httpRequest({
      method: 'POST',
      path: head.path,
      headers: { ...head.headers, ...framing, host: 'service' },
      setHost: false,
      maxHeaderSize,
      ...(this.#agent === null ? { createConnection: () => this.#duplex } : { agent: this.#agent }),
    });
    if (head.length === 0) request.end();
    return new H1Exchange(request, this.#duplex, events);
  }

  close(): void {
    this.#agent?.destroy();
    this.#duplex.destroy();
  }
}

class H1Exchange implements RunningExchange {
  readonly sink: ClientRequest;
  readonly #duplex: Duplex;
  readonly #events: ExchangeEvents;
  #answer: IncomingMessage | null = null;
  #over = false;

  constructor(request: ClientRequest, duplex: Duplex, events: ExchangeEvents) {
    this.sink = request;
    this.#duplex = duplex;
    this.#events = events;
    request.on('response', (answer) => {
      this.#begin(answer);
    });
    request.on('error', (error) => {
      this.#fail(error);
    });
    request.on('close', () => {
      this.#fail(null);
    });
  }

  pause(): void {
    this.#answer?.pause();
  }

  resume(): void {
    this.#answer?.resume();
  }

  abort(): void {
    this.#over = true;
    this.sink.destroy();
  }

  #begin(answer: IncomingMessage): void {
    if (this.#over) return;
    this.#answer = answer;
    answer.on('error', (error) => {
      this.#fail(error);
    });
    if (!hasDeclaredEnd(answer)) {
      this.#fail(null);
      return;
    }
    this.#events.head({
      status: answer.statusCode ?? 0,
      contentType: mediaType(answer.headers['content-type']),
    });
    answer.on('data', (chunk: Buffer) => {
      if (!this.#over) this.#events.data(chunk);
    });
    answer.on('end', () => {
      // Node's own advice for message.complete: 'end' alone has not always meant that all has come.
      if (answer.complete) this.#end();
      else this.#fail(null);
    });
    answer.on('close', () => {
      if (!answer.readableEnded) this.#fail(null);
    });
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.ended();
  }

  #fail(cause: Error | null): void {
    if (this.#over) return;
    // The whole answer is here, and its reader is behind: its own 'end' or 'close' decides.
    if (cause === null && this.#answer?.complete === true && !this.#answer.destroyed) return;
    this.#over = true;
    const reason = this.#duplex.errored ?? cause ?? undefined;
    this.#events.failed(this.#answer === null ? ended(reason) : truncated(reason));
    this.sink.destroy();
  }
}

/** RFC 9112 section 6.3: without either, the end of the connection would be the end of the body. */
function hasDeclaredEnd(answer: IncomingMessage): boolean {
  const { headers } = answer;
  return headers['content-length'] !== undefined || /\bchunked\s*$/i.test(headers['transfer-encoding'] ?? '');
}
