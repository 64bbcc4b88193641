// A relay that lies: real services and clients dial it over real WebSockets, and its script, which a test may change
// at any time, says what it does with them. Honest where the script is silent. It keeps every byte that it gets.
// Must never serve outside tests: it lets everybody in.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { asGatehouseError } from '../contracts/errors.ts';
import { maxMessageLength, WebSocketChannel } from '../net/channel.ts';
import { Link } from '../net/link.ts';
import { nextOpening, nonceLength, relayPaths } from '../net/opening.ts';
import type { OpeningOf } from '../net/opening.ts';
import { readPrefixed } from '../net/prefixed.ts';
import { StreamDuplex } from '../net/stream-duplex.ts';
import { encodeStreamAnswer, encodeStreamHeader } from '../net/stream-header.ts';
import { parseStreamAnswer, parseStreamHeader } from '../net/stream-header.ts';
import type { StreamHeader } from '../net/stream-header.ts';
import type { YamuxStream } from '../wire/stream.ts';
import { passOn } from './hostile-streams.ts';

export interface HostileScript {
  /** The first text that a client gets; null: silence. */
  readonly welcome?: string | null;
  /** Whom the service is told that a stream comes from. Default `anna`. */
  readonly clientId?: string;
  /** The nonce that a service is to sign. */
  readonly nonce?: () => Promise<string>;
  /** What is done with a service's proof before it is welcomed. */
  readonly onEnrol?: (enrol: OpeningOf<'enrol'>) => void;
  /** What is done with a service that dials, in place of everything else. */
  readonly onService?: (ws: WebSocket) => void;
  /** What becomes of a client's stream; by default it is passed on as it is. */
  readonly onStream?: (stream: HostileStream) => void;
}

/** A stream of a client whose header has come and has not been answered. */
export interface HostileStream {
  readonly relay: HostileRelay;
  readonly header: StreamHeader;
  /** Answers with these bytes; the honest ones by default. */
  readonly accept: (answer?: Uint8Array) => Duplex;
  /** Ends the stream as a relay refuses one. */
  readonly refuse: (error: unknown) => void;
}

/** One stream as it passed: what a thief would keep. */
export interface Recording {
  readonly header: StreamHeader;
  readonly fromClient: Buffer[];
  readonly fromService: Buffer[];
  /** What the client's TLS carried, where this relay ended it. */
  readonly insideFromClient: Buffer[];
  readonly insideFromService: Buffer[];
}

export class HostileRelay {
  script: HostileScript = {};
  /** Header fields of every upgrade, as JSON. */
  readonly upgrades: string[] = [];
  readonly recordings: Recording[] = [];
  readonly #http: Server = createServer((_request, response) => response.writeHead(404).end());
  readonly #upgrader = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: maxMessageLength,
  });
  readonly #sockets = new Set<WebSocket>();
  #service: Link | null = null;
  #enrolled = 0;

  private constructor() {
    this.#http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.upgrades.push(JSON.stringify(request.headers));
      this.#upgrader.handleUpgrade(request, socket, head, (ws) => {
        this.#sockets.add(ws.once('close', () => this.#sockets.delete(ws)));
        ws.on('error', () => undefined);
        this.#take(request, ws);
      });
    });
  }

  static async start(): Promise<HostileRelay> {
    const relay = new HostileRelay();
    relay.#http.listen(0, '127.0.0.1');
    await once(relay.#http, 'listening');
    return relay;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  get serviceOnline(): boolean {
    return this.#service !== null;
  }

  /** How often a service has been welcomed. */
  get enrolled(): number {
    return this.#enrolled;
  }

  /** Forgets what it has kept; who is connected stays. */
  forget(): void {
    this.upgrades.length = 0;
    this.recordings.length = 0;
  }

  /** All bytes that went through it, inside TLS of its own too. */
  get kept(): Buffer {
    const bytes = this.recordings.flatMap((each) => [
      Buffer.from(JSON.stringify(each.header)),
      ...each.fromClient,
      ...each.fromService,
      ...each.insideFromClient,
      ...each.insideFromService,
    ]);
    return Buffer.concat([Buffer.from(this.upgrades.join('\n')), ...bytes]);
  }

  record(header: StreamHeader): Recording {
    const recording = {
      header,
      fromClient: [],
      fromService: [],
      insideFromClient: [],
      insideFromService: [],
    };
    this.recordings.push(recording);
    return recording;
  }

  /** A stream to the service, past its answer. @throws GatehouseError what the service refuses it with */
  openAtService(header: StreamHeader): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      if (this.#service === null) throw new Error('No service has enrolled with the hostile relay.');
      const stream = this.#service.openStream();
      readPrefixed(stream, 5000, {
        failed: reject,
        arrived: ({ json, rest }) => {
          try {
            parseStreamAnswer(json);
            resolve(new StreamDuplex(stream, rest).on('error', () => undefined));
          } catch (error) {
            stream.reset();
            reject(asGatehouseError(error));
          }
        },
      });
      stream.write(encodeStreamHeader(header));
    });
  }

  /** Ends the connection with the service, which dials again by itself. */
  dropService(): void {
    this.#service?.close();
  }

  async close(): Promise<void> {
    for (const ws of this.#sockets) ws.terminate();
    const closed = once(this.#http, 'close');
    this.#http.close();
    this.#http.closeAllConnections();
    await closed;
  }

  #take(request: IncomingMessage, ws: WebSocket): void {
    const isService = request.url === relayPaths.service;
    if (isService && this.script.onService !== undefined) this.script.onService(ws);
    else if (isService)
      void this.#enrol(new WebSocketChannel(ws, request.socket)).catch(() => ws.terminate());
    else this.#welcome(new WebSocketChannel(ws, request.socket));
  }

  async #enrol(channel: WebSocketChannel): Promise<void> {
    const makeNonce = this.script.nonce ?? (async () => randomBytes(nonceLength).toString('base64url'));
    channel.sendText(JSON.stringify({ type: 'challenge', v: 1, nonce: await makeNonce() }));
    const enrol = await nextOpening(channel, 'enrol', 5000);
    this.script.onEnrol?.(enrol);
    channel.sendText(
      JSON.stringify({ type: 'welcome', v: 1, domain: 'HOSTILE', serviceId: 'aaaa-aaaa-aaaa' }),
    );
    const link = new Link(channel, {
      role: 'listener',
      onStream: (stream) => stream.reset(),
      onClosed: () => {
        if (this.#service === link) this.#service = null;
      },
    });
    this.#service = link;
    this.#enrolled += 1;
  }

  #welcome(channel: WebSocketChannel): void {
    const honest = JSON.stringify({ type: 'welcome', v: 1, clientId: 'anna', domain: 'HOSTILE' });
    const welcome = this.script.welcome === undefined ? honest : this.script.welcome;
    if (welcome !== null) channel.sendText(welcome);
    new Link(channel, {
      role: 'listener',
      onStream: (stream) => this.#readHeader(stream),
      onClosed: () => undefined,
    });
  }

  #readHeader(stream: YamuxStream): void {
    readPrefixed(stream, 5000, {
      failed: () => undefined,
      arrived: ({ json, rest }) => {
        const header = { ...parseStreamHeader(json), clientId: this.script.clientId ?? 'anna' };
        const accept = (answer = encodeStreamAnswer()): Duplex => {
          stream.write(answer);
          return new StreamDuplex(stream, rest).on('error', () => undefined);
        };
        const refuse = (error: unknown): void => {
          stream.attach({ data: () => {}, end: () => {}, sent: () => {}, closed: () => {} });
          stream.write(encodeStreamAnswer(asGatehouseError(error)));
          stream.end();
        };
        // A stream that is neither accepted nor refused waits, as at a relay that stays silent; our clients
        // send nothing before they have an answer, so nothing is lost here.
        stream.attach({ data: () => {}, end: () => {}, sent: () => {}, closed: () => {} });
        (this.script.onStream ?? passOn())({ relay: this, header, accept, refuse });
      },
    });
  }
}
