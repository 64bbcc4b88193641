// HTTP on one session's connection: HTTP/2 or HTTP/1.1 inside TLS, HTTP/1.1 on a plain stream.
// Turns requests into exchanges for the router, and `end(reason)` into a GOAWAY that says why.
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { constants, performServerHandshake } from 'node:http2';
import type { ServerHttp2Session } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { Http1Exchange } from './http1-exchange.ts';
import { Http2Exchange } from './http2-exchange.ts';
import type { Exchange } from './exchange.ts';

/** Takes what comes on one session's connection. */
export interface ExchangeTaker {
  take(exchange: Exchange): void;
  /** The client broke HTTP; the connection is over. */
  broken(error: GatehouseError): void;
}

/** Bytes of one request's headers. */
const maxHeaderLength = 16 * 1024;
/** Header fields of one request. */
const maxHeaderFields = 64;

/** Windows and limits of an HTTP/2 session (RFC 9113 section 6.5.2), as the service sets them. */
const h2Settings = {
  /** Requests in flight in one session. */
  maxConcurrentStreams: 1024,
  /** Bytes of one request body that may be on the way. */
  initialWindowSize: 2 * 1024 * 1024,
  maxFrameSize: 64 * 1024,
  maxHeaderListSize: maxHeaderLength,
  enablePush: false,
} as const;
/** Bytes of all request bodies of a session that may be on the way. */
const h2SessionWindow = 8 * 1024 * 1024;

/** Serves HTTP/2 on `socket`. The returned function ends the session, telling the client `reason.code`. */
export function serveHttp2(socket: TLSSocket, taker: ExchangeTaker): (reason: GatehouseError) => void {
  const session = performServerHandshake(socket, {
    settings: h2Settings,
    maxHeaderListPairs: maxHeaderFields,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    maxSettings: 16,
    maxOutstandingPings: 10,
    maxSessionMemory: 64,
    streamResetBurst: 2000,
    streamResetRate: 500,
  });
  session.once('connect', () => {
    session.setLocalWindowSize(h2SessionWindow);
  });
  session.on('error', (cause: Error) => {
    if (isProtocolError(cause)) taker.broken(brokenHttp(cause));
  });
  // The stream below may stay half open when its client has ended it; nothing can be asked on it any more.
  socket.once('end', () => {
    socket.destroy();
  });
  session.on('stream', (stream, headers, flags) => {
    taker.take(new Http2Exchange(stream, headers, flags));
  });
  return (reason) => {
    endHttp2(session, reason);
  };
}

function endHttp2(session: ServerHttp2Session, reason: GatehouseError): void {
  if (session.destroyed) return;
  session.goaway(constants.NGHTTP2_NO_ERROR, undefined, Buffer.from(reason.code, 'ascii'));
  // The GOAWAY leaves in this turn; what still runs is cut off in the next one.
  setImmediate(() => {
    session.destroy();
  });
}

/** One HTTP/1.1 server for all connections of a service; it never listens. */
export class Http1Connections {
  readonly #server: Server;
  readonly #takers = new WeakMap<Duplex, ExchangeTaker>();

  constructor() {
    this.#server = createServer(
      { maxHeaderSize: maxHeaderLength, requireHostHeader: false, keepAliveTimeout: 0 },
      (request: IncomingMessage, response: ServerResponse) => {
        this.#take(request, response);
      },
    );
    // Node would answer an unknown Expect by itself, and nothing of it would be on record.
    this.#server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
      this.#take(request, response);
    });
    this.#server.maxHeadersCount = maxHeaderFields;
    this.#server.on('clientError', (cause: Error, socket) => {
      if (isProtocolError(cause)) this.#takers.get(socket)?.broken(brokenHttp(cause));
      socket.destroy();
    });
  }

  serve(connection: Duplex, taker: ExchangeTaker): void {
    this.#takers.set(connection, taker);
    this.#server.emit('connection', connection);
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    this.#takers.get(request.socket)?.take(new Http1Exchange(request, response));
  }
}

/** Whether the client broke HTTP, and did not just go away. */
function isProtocolError(cause: Error): boolean {
  const code = 'code' in cause ? String(cause.code) : '';
  return code.startsWith('HPE_') || code.startsWith('ERR_HTTP');
}

function brokenHttp(cause: Error): GatehouseError {
  return new GatehouseError('rpc_bad_request', 'The client sent something that is no HTTP.', { cause });
}
