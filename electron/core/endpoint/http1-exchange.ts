// An HTTP/1.1 request (RFC 9112) as an Exchange.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { Exchange } from './exchange.ts';
import { pump } from './pump.ts';

export class Http1Exchange implements Exchange {
  readonly method: string;
  readonly path: string;
  readonly bodyless: boolean;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #bytesRead = 0;
  #bytesWritten = 0;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
    this.method = request.method ?? '';
    this.path = request.url ?? '';
    const { headers } = request;
    this.bodyless =
      headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    request.once('close', () => {
      if (!request.complete)
        request.destroy(new GatehouseError('truncated', 'The request body ended early.'));
    });
  }

  get body(): Readable {
    return this.#request;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  countRead(bytes: number): void {
    this.#bytesRead += bytes;
  }

  respond(status: number, contentType: string, body: Buffer): void {
    if (this.#response.destroyed || this.#response.headersSent) return;
    this.#bytesWritten = body.length;
    this.#response.writeHead(status, { 'content-type': contentType, 'content-length': body.length });
    this.#response.end(body);
    this.#request.resume();
  }

  async stream(contentType: string, body: Readable, onFirst: () => void = nothing): Promise<void> {
    if (this.#response.destroyed) throw new GatehouseError('cancelled', 'The caller went away.');
    this.#response.writeHead(200, { 'content-type': contentType });
    await pump(body, this.#response, (bytes) => {
      if (this.#bytesWritten === 0) onFirst();
      this.#bytesWritten += bytes;
    });
  }

  onAborted(tell: () => void): void {
    this.#response.once('close', () => {
      if (!this.#response.writableEnded) tell();
    });
  }

  onClosed(tell: () => void): void {
    if (this.#response.destroyed) tell();
    else this.#response.once('close', tell);
  }

  abort(): void {
    this.#request.socket.destroy();
  }
}

function nothing(): void {}
