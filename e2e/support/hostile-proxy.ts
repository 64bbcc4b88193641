// A relay that turned hostile, as everything beyond it sees it: an HTTP proxy in front of the real one, which does to
// requests and answers of the device API what a test tells it to, and passes on everything else as it is.
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Passing {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What a proxy may do with a request. `forward` sends it on, as often as it is called. */
export type Tamper = (
  passing: Passing,
  forward: (changed?: Partial<Passing>) => Promise<Answer>,
) => Promise<Answer | 'drop'>;

export class HostileProxy {
  /** Null: honest. */
  tamper: Tamper | null = null;
  /** Blobs come whole to `tamper` too; otherwise they stream past it. */
  tamperBlobs = false;
  /** Everything that passed, both ways, as the relay saw it. */
  readonly seen: Buffer[] = [];
  /** Requests by path. */
  readonly paths: string[] = [];
  readonly #server: Server;
  readonly #relay: URL;
  /** Bytes of blobs that pass yet before the plug is out. */
  #blobBytesLeft = Number.POSITIVE_INFINITY;

  private constructor(server: Server, relay: URL) {
    this.#server = server;
    this.#relay = relay;
  }

  /** In front of `relay`, an `http://` or `ws://` URL. */
  static async start(relay: string): Promise<HostileProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new HostileProxy(server, new URL(relay.replace(/^ws/, 'http')));
    proxy.#serve();
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** After so many bytes of blobs from now on the plug is out: what is open breaks, and nothing more comes. Null: in again. */
  pullPlugAfter(bytes: number | null): void {
    this.#blobBytesLeft = bytes ?? Number.POSITIVE_INFINITY;
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #serve(): void {
    this.#server.on('request', (request, response) => {
      const { method = 'GET', url: path = '/', headers } = request;
      this.paths.push(path);
      if (path.includes('/blobs/') && !this.tamperBlobs) {
        this.#stream(path, headers, response);
        return;
      }
      const answered = (async (): Promise<Answer | 'drop'> => {
        const chunks: Buffer[] = [];
        for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
        const passing = { method, path, headers, body: Buffer.concat(chunks) };
        const forward = (changed: Partial<Passing> = {}): Promise<Answer> =>
          this.#forward({ ...passing, ...changed });
        return this.tamper === null || method === 'OPTIONS' ? forward() : this.tamper(passing, forward);
      })();
      answered.then(
        (answer) => {
          if (answer === 'drop') response.destroy();
          else response.writeHead(answer.status, answer.headers).end(answer.body);
        },
        () => response.destroy(),
      );
    });
  }

  async #forward({ method, path, headers, body }: Passing): Promise<Answer> {
    this.seen.push(body);
    const answer = await new Promise<Answer>((resolve, reject) => {
      const { 'transfer-encoding': _chunked, ...plain } = headers;
      const own = {
        ...plain,
        host: this.#relay.host,
        ...(method === 'POST' && { 'content-length': body.length }),
      };
      const outgoing = httpRequest(
        new URL(path, this.#relay),
        { method, headers: own, agent: false },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('aborted', () => reject(new Error('the relay broke off')));
          response.on('end', () => {
            const { 'transfer-encoding': _encoding, connection: _connection, ...kept } = response.headers;
            resolve({ status: response.statusCode ?? 502, headers: kept, body: Buffer.concat(chunks) });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
    this.seen.push(answer.body);
    return answer;
  }

  #stream(path: string, headers: IncomingHttpHeaders, response: import('node:http').ServerResponse): void {
    const own = { ...headers, host: this.#relay.host };
    const method = response.req.method ?? 'GET';
    const outgoing = httpRequest(
      new URL(path, this.#relay),
      { method, headers: own, agent: false },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.on('data', (chunk: Buffer) => {
          this.#blobBytesLeft -= chunk.length;
          if (this.#blobBytesLeft < 0) {
            answer.destroy();
            response.destroy();
          } else if (!response.write(chunk)) {
            answer.pause();
            response.once('drain', () => answer.resume());
          }
        });
        answer.on('end', () => response.end());
        answer.on('error', () => response.destroy());
      },
    );
    outgoing.on('error', () => response.destroy());
    response.on('close', () => outgoing.destroy());
    outgoing.end();
  }
}
