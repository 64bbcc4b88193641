// The relay's HTTP server: who may speak to it at all (Host, Origin, limits on time, size and number), three plain
// answers, and the upgrades. A request is judged before a byte is upgraded; no web page gets past it.
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { DEFAULT_CIPHERS } from 'node:tls';
import type { Logger } from 'pino';
import { WebSocketServer } from 'ws';
import { asGatehouseError, GatehouseError } from '../contracts/errors.ts';
import { maxMessageLength, WebSocketChannel } from '../net/channel.ts';
import { isLoopbackHost } from '../net/dial.ts';
import { relayPaths } from '../net/opening.ts';
import type { ListenAddress, RelayAddress } from './address.ts';
import { answerJson, asRefusal, HttpRefusal, refuseBroken, refuseSocket } from './http-answer.ts';
import type { RelayLimits } from './limits.ts';
import { CountPerKey } from './quotas.ts';
import { bearerOf, checkHost, checkOrigin } from './visitor.ts';

export interface TlsFiles {
  /** PEM: the certificate and those that it needs below a root. */
  readonly cert: string;
  /** PEM */
  readonly key: string;
}

/** A request that may be upgraded. Exactly one of the two is called, once. */
export interface Admission {
  accept(channel: WebSocketChannel): void;
  abandon(): void;
}

/** Each throws a GatehouseError where the request is refused. */
export interface FrontDoorGuests {
  client(bearer: string | null): Promise<Admission>;
  service(): Promise<Admission>;
  /** The JSON for `GET /v1/services`. */
  services(bearer: string | null): Promise<unknown>;
}

/** Answers whole requests by itself, and judges by itself from which pages they may come. */
export interface HttpApi {
  /** True where the path of `url`, as it was sent, is one of its own. */
  takes(url: string): boolean;
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export interface FrontDoorOptions {
  readonly address: RelayAddress;
  readonly tls: TlsFiles | undefined;
  readonly limits: RelayLimits;
  readonly guests: FrontDoorGuests;
  readonly api: HttpApi;
  readonly logger: Logger;
}

/** Each hop's cipher: what matters is encrypted again inside, so the fastest of the strong ones comes first. */
const hopCiphers = `TLS_AES_128_GCM_SHA256:${DEFAULT_CIPHERS}`;
/** An OIDC token of 8 KiB fits. */
const maxHeaderBytes = 16 * 1024;
/** What a body has beyond its own time before the connection is ended without a word, in milliseconds. */
const bodyGraceMs = 5000;
/** Pieces that a WebSocket message may come in. */
const maxFragments = 1024;
/** How often connections are looked at for time-outs, in milliseconds. */
const checkIntervalMs = 500;

export class FrontDoor {
  readonly #options: FrontDoorOptions;
  readonly #server: Server;
  readonly #upgrader: WebSocketServer;
  readonly #sockets = new Set<Socket>();
  readonly #perAddress: CountPerKey;
  #closing = false;

  /** @throws GatehouseError `usage` where the TLS files are of no use */
  constructor(options: FrontDoorOptions) {
    this.#options = options;
    const { maxConnections, maxConnectionsPerAddress } = options.limits;
    this.#perAddress = new CountPerKey(
      options.address.sharedByAll ? maxConnections : maxConnectionsPerAddress,
    );
    this.#upgrader = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: maxMessageLength,
      maxFragments,
    });
    this.#upgrader.on('wsClientError', (_error: Error, socket: Duplex) => {
      refuseSocket(
        socket,
        new HttpRefusal(400, 'relay_protocol', 'The WebSocket upgrade is not of a known form.'),
      );
    });
    this.#server = this.#makeServer();
  }

  /** Listens; returns the port. @throws GatehouseError `usage` where the address is not to be had */
  async listen({ host, port }: ListenAddress): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => {
        const message = `The relay cannot listen at ${host}:${port} (${cause.message}). Choose another --listen address.`;
        reject(new GatehouseError('usage', message, { cause }));
      });
      this.#server.listen(port, host, resolve);
    });
    const bound = this.#server.address() as AddressInfo;
    if (
      host === 'localhost' &&
      !isLoopbackHost(bound.family === 'IPv6' ? `[${bound.address}]` : bound.address)
    ) {
      await this.close();
      throw new GatehouseError('usage', 'localhost is not this machine here. Listen at 127.0.0.1 instead.');
    }
    return bound.port;
  }

  /** Takes no more connections; those that are there go on. */
  shut(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#server.close();
  }

  /** Waits up to `graceMs` for connections to end, then ends them. */
  async close(graceMs = 0): Promise<void> {
    this.shut();
    const giveUpAt = performance.now() + graceMs;
    while (this.#sockets.size > 0 && performance.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const ends = [...this.#sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(ends);
  }

  #makeServer(): Server {
    const { tls, limits } = this.#options;
    const timeouts = {
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: limits.openingTimeoutMs,
      requestTimeout: Math.max(limits.bodyTimeoutMs, limits.openingTimeoutMs) + bodyGraceMs,
      connectionsCheckingInterval: checkIntervalMs,
    };
    const server =
      tls === undefined
        ? createServer(timeouts)
        : makeTlsServer({
            ...timeouts,
            ...tls,
            minVersion: 'TLSv1.2',
            ciphers: hopCiphers,
            handshakeTimeout: limits.openingTimeoutMs,
          });
    server.maxConnections = limits.maxConnections;
    server.on('connection', (socket: Socket) => {
      this.#count(socket);
    });
    server.on('request', (request, response) => void this.#answer(request, response));
    server.on('upgrade', (request, socket, head) => void this.#upgrade(request, socket, head));
    server.on('clientError', refuseBroken);
    return server;
  }

  #count(socket: Socket): void {
    const from = socket.remoteAddress ?? '';
    if (!this.#perAddress.take(from)) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#perAddress.give(from);
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { api } = this.#options;
    try {
      if (api.takes(request.url ?? '')) {
        await api.answer(request, response);
        return;
      }
      this.#judge(request);
      if (request.method === 'GET' && request.url === '/healthz') answerJson(response, 200, { status: 'ok' });
      else if (request.method === 'GET' && request.url === relayPaths.services) {
        answerJson(response, 200, await this.#options.guests.services(bearerOf(request)));
      } else throw nothingHere();
    } catch (error) {
      const refusal = asRefusal(error, this.#options.logger);
      answerJson(response, refusal.status, { error: refusal });
    }
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const ignore = (): void => undefined;
    socket.on('error', ignore);
    let admission: Admission | null = null;
    try {
      this.#judge(request);
      admission = await this.#admit(request);
      this.#handOver(request, socket, head, admission);
    } catch (error) {
      refuseSocket(socket, asRefusal(error, this.#options.logger));
    }
  }

  /** The upgrade itself is done at once, so an admission is accepted or abandoned before this returns. */
  #handOver(request: IncomingMessage, socket: Duplex, head: Buffer, admission: Admission): void {
    let accepted = false;
    this.#upgrader.handleUpgrade(request, socket, head, (ws) => {
      accepted = true;
      admission.accept(new WebSocketChannel(ws, request.socket));
    });
    if (!accepted) admission.abandon();
  }

  #admit(request: IncomingMessage): Promise<Admission> {
    if (request.url === relayPaths.client) return this.#options.guests.client(bearerOf(request));
    if (request.url === relayPaths.service) return this.#options.guests.service();
    throw nothingHere();
  }

  #judge(request: IncomingMessage): void {
    checkHost(request, this.#options.address);
    checkOrigin(request, this.#options.address);
  }
}

function makeTlsServer(options: Parameters<typeof createTlsServer>[0]): Server {
  try {
    return createTlsServer(options);
  } catch (error) {
    const { message } = asGatehouseError(error, 'usage', 'The TLS certificate and key are of no use.');
    throw new GatehouseError('usage', `${message} Check --tls-cert and --tls-key.`, { cause: error });
  }
}

function nothingHere(): HttpRefusal {
  return new HttpRefusal(404, 'usage', 'There is nothing here. This is a Gatehouse relay.');
}
