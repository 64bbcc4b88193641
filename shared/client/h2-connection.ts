// HTTP/2 (RFC 9113) inside TLS: one session for all requests to a service.
// Must never report a body as ended that came without END_STREAM: Node's `end` event alone does not tell,
// for it also follows a reset without an error code.
import { connect, constants } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { GatehouseError } from '../contracts/errors.ts';
import { mediaType } from './connection.ts';
import type { Connection, ExchangeEvents, RequestHead, RunningExchange } from './connection.ts';
import { ended, truncated } from './broken-off.ts';
import { errorOfGoAway } from './peer-errors.ts';

/** Windows and limits of the session (RFC 9113 section 6.5.2), as the client sets them. */
const settings = {
  /** Bytes of one answer that may be on the way. */
  initialWindowSize: 8 * 1024 * 1024,
  maxFrameSize: 64 * 1024,
  maxHeaderListSize: 16 * 1024,
  enablePush: false,
} as const;
/** Bytes of all answers together that may be on the way. */
const sessionWindow = 16 * 1024 * 1024;
/** Memory that nghttp2 may hold for the session, in MB. */
const maxSessionMemory = 64;
/** The authority of all requests; a service has no name but its certificate. */
const origin = 'https://service';

const withoutBody = { endStream: true } as const;
const withBody = { endStream: false } as const;

export class H2Connection implements Connection {
  readonly #session: ClientHttp2Session;
  readonly #socket: TLSSocket;
  #ending: GatehouseError | null = null;
  #cause: Error | undefined;

  /** `socket`: handshaken, with ALPN h2. It is destroyed with the connection. */
  constructor(socket: TLSSocket) {
    this.#socket = socket;
    this.#session = connect(origin, { createConnection: () => socket, settings, maxSessionMemory });
    this.#session.setLocalWindowSize(sessionWindow);
    this.#session.on('error', (error) => {
      this.#cause ??= error;
    });
    this.#session.on('goaway', (_code, _lastStreamId, opaque?: Uint8Array) => {
      this.#ending ??= errorOfGoAway(opaque);
    });
    this.#session.on('stream', (pushed) => {
      pushed.destroy();
    });
    socket.on('error', (error) => {
      this.#cause ??= error;
    });
    // Somebody ended the stream below TLS: half open as that stream may be, no answer can come any more.
    socket.once('end', () => {
      socket.destroy();
    });
  }

  get usable(): boolean {
    return !this.#isOver() && this.#ending === null;
  }

  start(head: RequestHead, events: ExchangeEvents): RunningExchange {
    const headers = { ':method': 'POST', ':path': head.path, ...head.headers };
    const isBodyless = head.length === 0;
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request(headers, isBodyless ? withoutBody : withBody);
    } catch (cause) {
      throw this.#ending ?? ended(cause);
    }
    return new H2Exchange(stream, events, (code, headSeen) => this.#failure(code, headSeen));
  }

  close(): void {
    this.#ending ??= new GatehouseError(
      'session_ended',
      'The session was closed while the request was under way.',
    );
    this.#session.destroy();
    this.#socket.destroy();
  }

  #isOver(): boolean {
    return this.#session.destroyed || this.#session.closed || this.#socket.destroyed;
  }

  /** Why a stream ended before its answer did; `code` is the one it was reset with. */
  #failure(code: number, headSeen: boolean): GatehouseError {
    if (this.#ending !== null) return this.#ending;
    if (code === constants.NGHTTP2_REFUSED_STREAM || code === constants.NGHTTP2_ENHANCE_YOUR_CALM) {
      return new GatehouseError(
        'limit_exceeded',
        'The service takes no more requests for now. Try again later.',
      );
    }
    if (headSeen) return truncated(this.#cause);
    if (this.#isOver()) return ended(this.#cause);
    return new GatehouseError('rpc_failed', `The service broke the request off (HTTP/2 code ${code}).`);
  }
}

type ExplainFailure = (code: number, headSeen: boolean) => GatehouseError;

class H2Exchange implements RunningExchange {
  readonly sink: ClientHttp2Stream;
  readonly #events: ExchangeEvents;
  readonly #explain: ExplainFailure;
  #headSeen = false;
  #whole = false;
  #over = false;

  constructor(stream: ClientHttp2Stream, events: ExchangeEvents, explain: ExplainFailure) {
    this.sink = stream;
    this.#events = events;
    this.#explain = explain;
    // Node pushes null for END_STREAM and for a reset alike; only for the latter has it closed the stream before.
    stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk === null && !stream.closed && !stream.destroyed) this.#whole = true;
      return Readable.prototype.push.call(stream, chunk, encoding);
    };
    stream.on('response', (headers) => {
      this.#begin(headers);
    });
    stream.on('end', () => {
      this.#finish();
    });
    stream.on('error', ignore); // 'close' follows it
    stream.on('close', () => {
      this.#finish();
    });
  }

  pause(): void {
    this.sink.pause();
  }

  resume(): void {
    this.sink.resume();
  }

  abort(): void {
    this.#over = true;
    // Not close(): it would send END_STREAM first, and the service would take half a body for a whole one.
    if (!this.sink.destroyed)
      this.sink.destroy(new GatehouseError('cancelled', 'The request was broken off.'));
  }

  #begin(headers: IncomingHttpHeaders): void {
    if (this.#over || this.#headSeen) return;
    this.#headSeen = true;
    const contentType = headers['content-type'];
    this.#events.head({ status: Number(headers[':status'] ?? 0), contentType: mediaType(contentType) });
    this.sink.on('data', (chunk: Buffer) => {
      if (!this.#over) this.#events.data(chunk);
    });
  }

  #finish(): void {
    if (this.#over) return;
    if (this.#whole && this.#headSeen && this.sink.readableEnded) {
      this.#over = true;
      this.#events.ended();
      // The answer is whole and the rest of the request of no interest to the service.
      if (!this.sink.writableEnded) this.sink.destroy();
    } else if (this.sink.destroyed || this.sink.closed) {
      this.#over = true;
      this.#events.failed(this.#explain(this.sink.rstCode ?? 0, this.#headSeen));
      if (!this.sink.destroyed) this.sink.destroy();
    }
  }
}

function ignore(): void {
  // What happened is told by the event that follows.
}
