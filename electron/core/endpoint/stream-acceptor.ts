// Takes the streams that the relay opens: reads the header, answers it, and serves a session on the rest.
// Everything before TLS is the relay's word and a stranger's bytes; each failure ends its own stream alone.
import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { asGatehouseError, GatehouseError } from '../../../shared/contracts/errors.ts';
import type { CertificateRecord } from '../../../shared/contracts/requests.ts';
import type { ServerTlsOptions } from '../../../shared/e2ee/tls-options.ts';
import { channelBinding, startServerTls } from '../../../shared/e2ee/tunnel.ts';
import { readPrefixed } from '../../../shared/net/prefixed.ts';
import type { Prefixed } from '../../../shared/net/prefixed.ts';
import { StreamDuplex } from '../../../shared/net/stream-duplex.ts';
import { encodeStreamAnswer, parseStreamHeader } from '../../../shared/net/stream-header.ts';
import type { StreamHeader } from '../../../shared/net/stream-header.ts';
import type { YamuxStream } from '../../../shared/wire/stream.ts';
import { closedAtCertificate, isRefusalAlert, isSilentClose } from './certificate-refusal.ts';
import { verifiedByOf } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import type { Router } from './router.ts';
import { EndpointSession } from './session.ts';
import type { SessionFacts } from './session.ts';
import { Http1Connections, serveHttp2 } from './session-server.ts';
import type { ExchangeTaker } from './session-server.ts';
import type { SessionTable } from './session-table.ts';
import { verifyPath } from './verifier.ts';
import type { Verifier } from './verifier.ts';

/**
 * Serves a stream of a kind that is no TLS and no plain session, once its header has been answered; `rest` came with
 * the header and has not been credited. Never throws.
 */
export type StreamServer = (stream: YamuxStream, clientId: string, rest: Uint8Array) => void;

export interface AcceptorOptions {
  readonly serviceId: string;
  readonly router: Router;
  readonly verifier: Verifier;
  readonly sessions: SessionTable;
  /** What new sessions are served with, at this moment. */
  readonly certificate: () => { readonly tls: ServerTlsOptions; readonly record: CertificateRecord };
  /** Kinds that are served elsewhere; without a server a kind is refused. */
  readonly servers?: Readonly<Partial<Record<'device' | 'blob', StreamServer>>> | undefined;
  /** A client refused the certificate. */
  readonly onComplaint?: ((clientId: string) => void) | undefined;
  /** How long a stream may take for its header, and a session for its first request, in milliseconds. */
  readonly headerTimeoutMs?: number;
  readonly unusedSessionMs?: number;
}

/** How long a refused stream may stay open, in milliseconds. */
const lingerMs = 2_000;

/** A connection whose handshake is over. */
interface Secured {
  readonly socket: TLSSocket;
  /** What is below TLS. */
  readonly connection: Duplex;
  readonly clientId: string;
  readonly record: CertificateRecord;
  readonly handshakeMs: number;
}

/** Why a stream is not served: told to the client, and the log. */
type Refused = (clientId: string, error: GatehouseError) => void;

export class StreamAcceptor {
  readonly #options: AcceptorOptions;
  readonly #http1 = new Http1Connections();

  constructor(options: AcceptorOptions) {
    this.#options = options;
  }

  /** Takes one stream; never throws. */
  accept(stream: YamuxStream): void {
    readPrefixed(stream, this.#options.headerTimeoutMs ?? 10_000, {
      arrived: (prefixed) => {
        this.#open(stream, prefixed);
      },
      failed: (error) => {
        this.#onRefused('', error);
      },
      refused: (error) => {
        refuse(stream, error);
        this.#onRefused('', error);
      },
    });
  }

  /** Serves TLS on a connection that reached the service without a relay: for measurements beside it. */
  acceptDirect(connection: Duplex, clientId: string): void {
    try {
      connection.once('close', this.#options.sessions.takePlace(clientId));
      void this.#serveE2ee(connection, clientId);
    } catch (error) {
      connection.destroy();
      this.#onRefused(clientId, asGatehouseError(error));
    }
  }

  #open(stream: YamuxStream, { json, rest }: Prefixed): void {
    let clientId = '';
    try {
      const header = parseStreamHeader(json);
      clientId = header.clientId ?? '';
      const server = this.#checkHeader(header);
      if (server !== null) {
        stream.write(encodeStreamAnswer());
        server(stream, clientId, rest);
        return;
      }
      const giveBack = this.#options.sessions.takePlace(clientId);
      stream.write(encodeStreamAnswer());
      const duplex = new StreamDuplex(stream, rest);
      duplex.on('error', () => undefined);
      duplex.once('close', giveBack);
      if (header.kind === 'plain') this.#servePlain(duplex, clientId);
      else void this.#serveE2ee(duplex, clientId);
    } catch (error) {
      const refusal = asGatehouseError(error);
      refuse(stream, refusal);
      this.#onRefused(clientId, refusal);
    }
  }

  /** Who serves such a stream; null where it is this acceptor. */
  #checkHeader(header: StreamHeader): StreamServer | null {
    if (header.serviceId !== this.#options.serviceId) {
      throw new GatehouseError(
        'service_offline',
        'The relay sent a stream here that is meant for another service.',
      );
    }
    if (header.kind === 'e2ee' || header.kind === 'plain') return null;
    const server = this.#options.servers?.[header.kind];
    if (server !== undefined) return server;
    throw new GatehouseError('not_authorised', `This service takes no streams of kind ${header.kind}.`);
  }

  #servePlain(connection: Duplex, clientId: string): void {
    const session = this.#begin({ clientId, h2: false, tls: null }, connection, () => {
      connection.destroy();
    });
    this.#http1.serve(
      connection,
      this.#takerOf(session, (exchange) => this.#options.router.handle(exchange, session)),
    );
  }

  async #serveE2ee(connection: Duplex, clientId: string): Promise<void> {
    const start = performance.now();
    try {
      const { tls, record } = this.#options.certificate();
      const socket = await startServerTls(connection, {
        ...tls,
        onClosedAtCertificate: () => this.#options.onComplaint?.(clientId),
      });
      this.#serveTls({ socket, connection, clientId, record, handshakeMs: performance.now() - start });
    } catch (error) {
      connection.destroy();
      const coded = asGatehouseError(error, 'e2ee_handshake_failed', 'The TLS handshake failed.');
      if (isRefusalAlert(coded)) this.#options.onComplaint?.(clientId);
      this.#onRefused(clientId, coded);
    }
  }

  #serveTls({ socket, connection, clientId, record, handshakeMs }: Secured): void {
    const since = performance.now();
    // A client that does not accept the certificate closes right behind its Finished.
    if (socket.destroyed) {
      this.#onSilentClose(clientId);
      return;
    }
    const h2 = socket.alpnProtocol === 'h2';
    const version = socket.getProtocol() ?? '';
    const cipher = socket.getCipher().standardName;
    const facts = { clientId, h2, tls: { version, cipher, certificate: record, handshakeMs } };
    let tellAndEnd = (_reason: GatehouseError): void => {
      socket.destroy();
    };
    const session = this.#begin(facts, socket, (reason) => {
      tellAndEnd(reason);
    });
    socket.once('close', () => {
      if (session.endReason === null && isSilentClose(socket, connection, since))
        this.#onSilentClose(clientId);
    });
    const taker = this.#takerOf(session, (exchange) => {
      const isVerification = exchange.path === verifyPath && exchange.method === 'POST';
      return isVerification
        ? this.#verify(exchange, session, socket)
        : this.#options.router.handle(exchange, session);
    });
    if (h2) tellAndEnd = serveHttp2(socket, taker);
    else this.#http1.serve(socket, taker);
  }

  #onSilentClose(clientId: string): void {
    this.#options.onComplaint?.(clientId);
    this.#onRefused(clientId, closedAtCertificate());
  }

  /** A request like others for the session's life, but none for the log. */
  async #verify(exchange: Exchange, session: EndpointSession, socket: TLSSocket): Promise<void> {
    session.requestStarted(exchange, verifiedByOf(exchange));
    await this.#options.verifier.handle(exchange, session, () => channelBinding(socket));
    session.requestFinished(exchange);
  }

  #takerOf(session: EndpointSession, handle: (exchange: Exchange) => Promise<void>): ExchangeTaker {
    return {
      take: (exchange) => void handle(exchange),
      broken: (error) => {
        this.#options.router.reject(session, { rpcName: '', error });
      },
    };
  }

  #begin(
    facts: Omit<SessionFacts, 'id' | 'startedAt'>,
    connection: Duplex,
    close: (reason: GatehouseError) => void,
  ): EndpointSession {
    const session = new EndpointSession({ ...facts, id: randomUUID(), startedAt: Date.now() }, close);
    this.#options.sessions.add(session);
    const unused = setTimeout(() => {
      if (session.requests === 0)
        session.end(new GatehouseError('timeout', 'No request came on this session.'));
    }, this.#options.unusedSessionMs ?? 60_000);
    unused.unref();
    connection.once('close', () => {
      clearTimeout(unused);
      session.closed();
    });
    return session;
  }

  readonly #onRefused: Refused = (clientId, error) => {
    const facts = { id: '', clientId, h2: false, tls: null, startedAt: Date.now() };
    this.#options.router.reject(new EndpointSession(facts, () => undefined), { rpcName: '', error });
  };
}

/** Says why, and then no longer than `lingerMs` waits for the other end to close: it may never do so. */
function refuse(stream: YamuxStream, refusal: GatehouseError): void {
  if (stream.state === 'closed') return;
  stream.write(encodeStreamAnswer(refusal));
  stream.end();
  setTimeout(() => {
    stream.reset();
  }, lingerMs).unref();
}
