// A relay and a service in one process, for tests of the client: by default they behave, and a script makes them
// misbehave at one point. It records everything that the client lets out, outside TLS and inside.
// Must never serve outside tests: it authorises by comparison and keeps every byte.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp1 } from 'node:http';
import { performServerHandshake } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { duplexPair, type Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { WebSocketServer, type WebSocket } from 'ws';
import { GatehouseError, asGatehouseError } from '../contracts/errors.ts';
import type { Capabilities } from '../contracts/capabilities.ts';
import { certificateSha256 } from '../e2ee/fingerprint.ts';
import { serverTlsOptions } from '../e2ee/tls-options.ts';
import { channelBinding, startServerTls } from '../e2ee/tunnel.ts';
import { WebSocketChannel } from '../net/channel.ts';
import { Link } from '../net/link.ts';
import { sendOpening } from '../net/opening.ts';
import { readPrefixed } from '../net/prefixed.ts';
import { StreamDuplex } from '../net/stream-duplex.ts';
import { encodeStreamAnswer, parseStreamHeader } from '../net/stream-header.ts';
import type { YamuxStream } from '../wire/stream.ts';
import type { Script, ScriptedCall, ScriptedService, Seen } from './script.ts';
import { ScriptedVerification } from './scripted-verification.ts';
import { makeTestCertificate, type TestCertificate } from './test-certificate.ts';

export const scriptedServiceId = 'abcd-efgh-2345';

export async function startScriptedService(script: Script = {}): Promise<ScriptedService> {
  const peer = new ScriptedPeer(script);
  await peer.listen();
  return peer;
}

class ScriptedPeer implements ScriptedService {
  readonly fingerprint: string;
  readonly seen: Seen = {
    authorisations: [],
    streams: [],
    insideTls: [],
    outside: [],
    http: [],
    verified: [],
    dials: 0,
  };
  readonly #script: Script;
  readonly #certificate: TestCertificate;
  readonly #server: Server = createServer((_request, response) => response.writeHead(404).end());
  readonly #http1 = createHttp1();
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #clients = new Set<WebSocket>();
  readonly #streams = new Set<Duplex>();
  readonly #connections = new WeakMap<Duplex, { e2ee: boolean; verify: ScriptedVerification | null }>();

  constructor(script: Script) {
    this.#script = script;
    this.#certificate = script.certificate ?? makeTestCertificate('scripted-service');
    this.fingerprint = certificateSha256(this.#certificate.der);
    this.#server.on('upgrade', (request, socket, head) => {
      this.#upgrade(request, socket, head);
    });
    this.#http1.on('request', (request, response) => {
      this.#takeHttp1(request, response);
    });
    this.#http1.on('clientError', (_error, socket) => socket.destroy());
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  cut(): void {
    for (const ws of this.#clients) ws.terminate();
  }

  close(): Promise<void> {
    this.cut();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.seen.dials += 1;
    this.seen.authorisations.push(request.headers.authorization);
    const { relayToken } = this.#script;
    if (relayToken !== undefined && request.headers.authorization !== `Bearer ${relayToken}`) {
      const body = JSON.stringify({ error: { code: 'not_authorised', message: 'No such relay token.' } });
      socket.end(
        `HTTP/1.1 401 Unauthorized\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
      );
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (ws) => {
      this.#clients.add(ws);
      ws.once('close', () => this.#clients.delete(ws));
      const channel = new WebSocketChannel(ws, request.socket);
      const { clientId = 'anna', domain = 'PROD' } = this.#script;
      sendOpening(channel, { type: 'welcome', v: 1, clientId, domain });
      new Link(channel, {
        role: 'listener',
        onStream: (stream) => this.#accept(stream),
        onClosed: () => undefined,
      });
    });
  }

  #accept(stream: YamuxStream): void {
    readPrefixed(stream, 5000, {
      arrived: ({ json, rest }) => {
        const header = parseStreamHeader(json);
        this.seen.streams.push(header);
        const refusal = this.#script.answerStream?.(header) ?? null;
        if (refusal === 'silence') return;
        stream.write(encodeStreamAnswer(refusal));
        if (refusal !== null) {
          stream.end();
          return;
        }
        const raw = new StreamDuplex(stream, rest);
        this.#streams.add(raw.once('close', () => this.#streams.delete(raw)));
        const duplex = this.#tap(raw, (chunk) => this.seen.outside.push(chunk));
        if (header.kind === 'plain') this.#serveHttp1(duplex, false, null);
        else if (this.#script.insteadOfTls !== undefined) this.#script.insteadOfTls(duplex);
        else void this.#serveTls(duplex);
      },
      failed: () => undefined,
    });
  }

  async #serveTls(duplex: Duplex): Promise<void> {
    const inside: Buffer[] = [];
    this.seen.insideTls.push(inside);
    let tls: TLSSocket;
    try {
      tls = await startServerTls(duplex, serverTlsOptions(this.#certificate));
    } catch {
      return;
    }
    const verify = new ScriptedVerification(this.#script, channelBinding(tls));
    const decrypted = this.#tap(tls, (chunk) => inside.push(chunk));
    if (tls.alpnProtocol === 'h2') this.#serveHttp2(decrypted, verify);
    else this.#serveHttp1(decrypted, true, verify);
  }

  #serveHttp2(connection: Duplex, verify: ScriptedVerification): void {
    const session = performServerHandshake(connection, { settings: { initialWindowSize: 256 * 1024 } });
    session.on('error', () => undefined);
    session.on('stream', (stream, headers) => {
      stream.on('error', () => undefined);
      this.seen.http.push(JSON.stringify(headers));
      const answer = (status: number, type: string, body: string): void => {
        if (stream.destroyed) return;
        stream.respond({
          ':status': status,
          'content-type': type,
          'content-length': Buffer.byteLength(body),
        });
        stream.end(body);
      };
      const path = headers[':path'] ?? '';
      const call = { headers, e2ee: true, h2: { session, stream }, h1: null, connection };
      void this.#answer(path, stream, call, verify, answer);
    });
  }

  #serveHttp1(connection: Duplex, e2ee: boolean, verify: ScriptedVerification | null): void {
    this.#connections.set(connection, { e2ee, verify });
    connection.on('error', () => undefined);
    this.#http1.emit('connection', connection);
  }

  #takeHttp1(request: IncomingMessage, response: ServerResponse): void {
    const connection = request.socket as Duplex;
    const { e2ee, verify } = this.#connections.get(connection) ?? { e2ee: false, verify: null };
    this.seen.http.push(JSON.stringify(request.headers));
    request.on('error', () => undefined);
    const answer = (status: number, type: string, body: string): void => {
      if (response.destroyed) return;
      response
        .writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
        .end(body);
    };
    const call = { headers: request.headers, e2ee, h2: null, h1: { request, response }, connection };
    void this.#answer(request.url ?? '', request, call, verify, answer);
  }

  async #answer(
    path: string,
    body: Duplex | IncomingMessage,
    call: Omit<ScriptedCall, 'rpcName'>,
    verify: ScriptedVerification | null,
    answer: (status: number, type: string, body: string) => void,
  ): Promise<void> {
    const rpcName = path.slice('/rpc/'.length);
    if (path !== '/session/verify' && this.#script.rpc?.({ ...call, rpcName }) === true) return;
    try {
      const text = await readAll(body);
      this.seen.http.push(text);
      if (path === '/session/verify' && verify !== null) {
        answer(200, 'text/plain; charset=utf-8', verify.step(text, this.seen.verified));
        return;
      }
      answer(200, 'application/json', JSON.stringify(this.#result(rpcName, text, call.e2ee, verify)));
    } catch (error) {
      const coded = asGatehouseError(error);
      answer(
        coded.code === 'access_token_rejected' ? 403 : 400,
        'application/json',
        JSON.stringify({ error: coded }),
      );
    }
  }

  #result(rpcName: string, text: string, e2ee: boolean, verify: ScriptedVerification | null): unknown {
    const requirements = { available: true, required: true, sessionVerificationRequired: false };
    const capabilities: Capabilities = {
      versions: [1],
      e2ee: { ...requirements, ...this.#script.capabilities },
      h2: true,
    };
    if (rpcName === 'capabilities')
      return e2ee ? capabilities : (this.#script.tamperOutside ?? same)(capabilities);
    if (!e2ee && capabilities.e2ee.required) throw new GatehouseError('e2ee_required', 'E2EE is required.');
    if (capabilities.e2ee.sessionVerificationRequired && verify?.verified !== true) {
      throw new GatehouseError('access_token_required', 'A token is required.');
    }
    if (rpcName === 'echo') return JSON.parse(text === '' ? 'null' : text);
    if (rpcName === 'ping') return { pong: true, serverTime: 0 };
    throw new GatehouseError('rpc_unknown', `There is no RPC "${rpcName}".`);
  }

  /** The same connection, with what it delivers shown to `look` first. */
  #tap(duplex: Duplex, look: (chunk: Buffer) => void): Duplex {
    const [near, far] = duplexPair();
    duplex.on('data', (chunk: Buffer) => look(Buffer.from(chunk)));
    duplex.pipe(far).pipe(duplex);
    const end = (): void => {
      // What was written last still has to pass through.
      setTimeout(() => {
        for (const each of [duplex, near, far]) each.destroy();
      }, 20);
    };
    for (const each of [duplex, near, far]) each.on('error', end).on('close', end);
    return near;
  }
}

function same(capabilities: Capabilities): Capabilities {
  return capabilities;
}

async function readAll(body: Duplex | IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
