// The redirect of a native app (RFC 8252 section 7.3): a server on 127.0.0.1 that hands the browser on to the issuer and
// waits for it to come back. It takes one answer, from the browser that it sent out, and nothing from anywhere else:
// a program or page that guesses the port can neither end the sign-in nor put its own in its place.
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { GatehouseError } from '../../contracts/errors.ts';
import { waitingPage } from './loopback-page.ts';

/** How long a person may take at the issuer, in milliseconds. */
export const signInPatienceMs = 5 * 60_000;
const cookieName = 'gatehouse-sign-in';
const headers = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

export interface Redirected {
  /** The whole URL that the browser came back to. */
  readonly url: URL;
  /** Tells the person in the browser how it ended. */
  readonly answer: (failed: boolean) => void;
}

export class LoopbackRedirect {
  readonly #server: Server;
  readonly #cookie = randomBytes(24).toString('base64url');
  readonly #entrance = `/${randomBytes(18).toString('base64url')}`;
  readonly #came: PromiseWithResolvers<Redirected> = Promise.withResolvers();
  #target: string | null = null;
  #state = '';

  private constructor(server: Server) {
    this.#server = server;
    this.#came.promise.catch(() => undefined);
    server.on('request', (request, response) => {
      this.#take(request, response);
    });
  }

  static async listen(): Promise<LoopbackRedirect> {
    const server = createServer({ maxHeaderSize: 16 * 1024, requestTimeout: 10_000 });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return new LoopbackRedirect(server);
  }

  get origin(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  get redirectUri(): string {
    return `${this.origin}/callback`;
  }

  /** Where the browser is sent: an address that works once, so that no argument of a process holds the state. */
  sendTo(authorization: URL, state: string): string {
    this.#target = authorization.href;
    this.#state = state;
    return `${this.origin}${this.#entrance}`;
  }

  /** @throws GatehouseError `timeout`, `cancelled` */
  async redirected(signal: AbortSignal): Promise<Redirected> {
    const timer = setTimeout(() => {
      this.#came.reject(new GatehouseError('timeout', 'Nobody signed in within five minutes. Try again.'));
    }, signInPatienceMs);
    const stop = (): void => {
      this.#came.reject(new GatehouseError('cancelled', 'Signing in was cancelled.'));
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await this.#came.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const late = setTimeout(() => this.#server.closeAllConnections(), 1000);
    await closed;
    clearTimeout(late);
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const url = URL.parse(request.url ?? '', this.origin);
    // The host too: a name that was rebound to loopback must not be served (DNS rebinding).
    if (request.method !== 'GET' || url === null || request.headers.host !== new URL(this.origin).host) {
      this.#refuse(response, 400);
    } else if (url.pathname === this.#entrance && this.#target !== null) {
      const location = this.#target;
      this.#target = null;
      const cookie = `${cookieName}=${this.#cookie}; HttpOnly; SameSite=Lax; Path=/`;
      response.writeHead(303, { ...headers, location, 'set-cookie': cookie }).end();
    } else if (url.pathname === '/callback' && this.#isOurs(request, url)) {
      this.#came.resolve({ url, answer: (failed) => this.#tell(response, failed) });
    } else this.#refuse(response, url.pathname === '/callback' ? 400 : 404);
  }

  #isOurs(request: IncomingMessage, url: URL): boolean {
    const cookies = (request.headers.cookie ?? '').split(/;\s*/);
    const isState = same(url.searchParams.get('state') ?? '', this.#state);
    return isState && cookies.some((each) => same(each, `${cookieName}=${this.#cookie}`));
  }

  #refuse(response: ServerResponse, status: number): void {
    response.writeHead(status, { ...headers, connection: 'close' }).end(waitingPage('stranger'));
  }

  #tell(response: ServerResponse, failed: boolean): void {
    response
      .writeHead(failed ? 400 : 200, { ...headers, connection: 'close' })
      .end(waitingPage(failed ? 'failed' : 'done'));
  }
}

function same(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
