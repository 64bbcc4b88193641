// The console over HTTPS: which request is let in, and who answers it. Whatever names another host, or comes from
// another page, is refused before anything is read; the calls themselves are the dispatch's business.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import type { Console } from '../core/api/console.ts';
import type { ConsoleSession } from '../core/api/console-session.ts';
import { consolePaths, maxMessageBytes } from '../../shared/contracts/console/transport.ts';
import { asGatehouseError, GatehouseError } from '../../shared/contracts/errors.ts';
import { answerJson, answerText, statusOf } from './answer.ts';
import { addressOf } from './browser-sessions.ts';
import type { BrowserSessions } from './browser-sessions.ts';
import type { EventSockets } from './event-sockets.ts';
import { readJsonBody } from './json-body.ts';
import { isOwnHost } from './listen-address.ts';
import type { ListenAddress } from './listen-address.ts';
import { answerFile } from './page-files.ts';
import type { PageFile } from './page-files.ts';
import { cacheControl, pageHeaders } from './page-headers.ts';

/** Arguments of a call by somebody who has not signed in: a password, or a relay with its certificate. */
const maxStrangerBytes = 256 * 1024;
const notBuilt = 'The page of the console was not built. Run: npm run build';
/** Calls under way of all browsers. */
const maxCalls = 256;

export interface ConsoleServerOptions {
  readonly console: Console;
  readonly browsers: BrowserSessions;
  readonly sockets: EventSockets;
  readonly files: ReadonlyMap<string, PageFile>;
  readonly address: ListenAddress;
  /** The one it listens at. */
  readonly port: number;
}

export class ConsoleServer {
  readonly #options: ConsoleServerOptions;
  #calls = 0;

  constructor(options: ConsoleServerOptions) {
    this.#options = options;
  }

  /** Answers one request; never throws. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(pageHeaders(this.#options.address.host))) {
      response.setHeader(name, value);
    }
    try {
      this.#checkHost(request);
      await this.#route(request, response);
    } catch (error) {
      this.#refuse(request, response, asGatehouseError(error));
    }
  }

  /** Lets a page's WebSocket in, or refuses it; never throws. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    try {
      this.#checkHost(request);
      this.#checkOrigin(request);
      if (request.url !== consolePaths.events) throw new GatehouseError('origin_refused', 'Nothing is here.');
      const { session, setCookie } = this.#options.browsers.visit(request);
      if (!this.#options.sockets.hasRoom(session)) {
        throw new GatehouseError('limit_exceeded', 'Too many tabs are open at once.');
      }
      this.#options.sockets.open(request, socket, head, session, setCookie);
    } catch (error) {
      const coded = asGatehouseError(error);
      this.#recordRefusal(request, coded);
      socket.end(`HTTP/1.1 ${statusOf(coded)} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = '/', method } = request;
    if (url.startsWith(consolePaths.call)) {
      if (method !== 'POST') answerText(response, 405, 'A call is a POST.');
      else await this.#call(request, response, url.slice(consolePaths.call.length));
    } else if (method !== 'GET' && method !== 'HEAD') answerText(response, 405, 'Only GET is answered here.');
    else if (url.startsWith(consolePaths.exports)) {
      await this.#export(request, response, url.slice(consolePaths.exports.length));
    } else this.#file(request, response, url.split('?', 1)[0] ?? '/');
  }

  async #call(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
    this.#checkOrigin(request);
    if (this.#calls >= maxCalls) throw new GatehouseError('limit_exceeded', 'Too many calls are under way.');
    const { session, setCookie } = this.#options.browsers.visit(request);
    if (setCookie !== null) response.setHeader('set-cookie', setCookie);
    this.#calls += 1;
    try {
      const args = await readJsonBody(request, session.signedIn ? maxMessageBytes : maxStrangerBytes);
      await this.#answer(response, session, name, args);
    } finally {
      this.#calls -= 1;
    }
  }

  async #answer(
    response: ServerResponse,
    session: ConsoleSession,
    name: string,
    args: unknown,
  ): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const wasSignedIn = session.signedIn;
    const answer = await this.#options.console.call(name, args, { session, signal: gone.signal });
    if (!wasSignedIn && session.signedIn) {
      response.setHeader('set-cookie', this.#options.browsers.renew(session));
    }
    answerJson(response, 'error' in answer ? statusOf(answer.error) : 200, answer);
  }

  async #export(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
    const session = this.#options.browsers.find(request);
    if (session?.signedIn !== true) {
      throw new GatehouseError('not_signed_in', 'Sign in with the superadmin password first.');
    }
    if (request.method !== 'GET') {
      answerText(response, 405, 'An export is read with GET.');
      return;
    }
    const { fileName, contentType, chunks, cancel } = await this.#options.console.openExport(session, id);
    response.writeHead(200, {
      'content-type': contentType,
      'content-disposition': `attachment; filename="${fileName}"`,
      'cache-control': cacheControl.never,
    });
    const unlisten = session.onChange(() => {
      if (!session.signedIn) cancel();
    });
    response.once('close', cancel);
    // The reader sees a body that is cut off; why is told by the topic.
    await pipeline(Readable.from(chunks), response).catch(() => undefined);
    unlisten();
  }

  #file(request: IncomingMessage, response: ServerResponse, path: string): void {
    const file = this.#options.files.get(path);
    if (file === undefined) {
      const status = path === '/' ? 503 : 404;
      answerText(response, status, status === 503 ? notBuilt : 'Nothing is here.');
      return;
    }
    if (file.contentType.startsWith('text/html')) {
      const { setCookie } = this.#options.browsers.visit(request);
      if (setCookie !== null) response.setHeader('set-cookie', setCookie);
    }
    answerFile(request, response, file);
  }

  /** @throws GatehouseError `origin_refused` for a name that may have been pointed here by somebody else's DNS */
  #checkHost({ headers }: IncomingMessage): void {
    const { address, port } = this.#options;
    if (isOwnHost(headers.host, address, port)) return;
    throw new GatehouseError('origin_refused', 'The console is not reached by this name.');
  }

  /** @throws GatehouseError `origin_refused` where another page, or none, has sent it */
  #checkOrigin({ headers }: IncomingMessage): void {
    const site = headers['sec-fetch-site'] ?? 'same-origin';
    if (headers.origin === `https://${headers.host ?? ''}` && site === 'same-origin') return;
    throw new GatehouseError('origin_refused', 'The request does not come from the page of the console.');
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: GatehouseError): void {
    this.#recordRefusal(request, error);
    // What was not read of the body would otherwise have to be.
    response.setHeader('connection', 'close');
    answerJson(response, statusOf(error), { error });
  }

  #recordRefusal(request: IncomingMessage, error: GatehouseError): void {
    const { console: served, browsers } = this.#options;
    const actor = browsers.find(request)?.actor ?? `browser ${addressOf(request)}`;
    served.refused(actor, (request.url ?? '').split('?', 1)[0] ?? '', error);
  }
}
