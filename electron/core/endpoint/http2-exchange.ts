// An HTTP/2 stream (RFC 9113) as an Exchange.
import { constants } from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Readable } from 'node:stream';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { Exchange } from './exchange.ts';
import { pump } from './pump.ts';

export class Http2Exchange implements Exchange {
  readonly method: string;
  readonly path: string;
  readonly bodyless: boolean;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  #bytesRead = 0;
  #bytesWritten = 0;
  #answered = false;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number) {
    this.#stream = stream;
    this.#headers = headers;
    this.method = headers[':method'] ?? '';
    this.path = headers[':path'] ?? '';
    this.bodyless = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    // A reset by the peer shows as 'aborted'; without this listener an error event would be unhandled.
    stream.on('error', () => undefined);
    stream.once('aborted', () => {
      if (!stream.readableEnded)
        stream.destroy(new GatehouseError('truncated', 'The request body ended early.'));
    });
  }

  get body(): Readable {
    return this.#stream;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  countRead(bytes: number): void {
    this.#bytesRead += bytes;
  }

  respond(status: number, contentType: string, body: Buffer): void {
    if (this.#isGone || this.#stream.headersSent) return;
    this.#answered = true;
    this.#bytesWritten = body.length;
    this.#stream.respond({ ':status': status, 'content-type': contentType, 'content-length': body.length });
    this.#stream.end(body);
    // What is left of the request is of no interest: read it away, so that the stream can close.
    this.#stream.resume();
  }

  async stream(contentType: string, body: Readable, onFirst: () => void = nothing): Promise<void> {
    if (this.#isGone) throw new GatehouseError('cancelled', 'The caller went away.');
    this.#stream.respond({ ':status': 200, 'content-type': contentType });
    await pump(body, this.#stream, (bytes) => {
      if (this.#bytesWritten === 0) onFirst();
      this.#bytesWritten += bytes;
    });
    this.#answered = true;
  }

  onAborted(tell: () => void): void {
    this.#stream.once('close', () => {
      if (!this.#answered) tell();
    });
  }

  onClosed(tell: () => void): void {
    if (this.#stream.destroyed) tell();
    else this.#stream.once('close', tell);
  }

  /** A stream that the peer has reset is closed some turns before it is destroyed; `respond` throws from then on. */
  get #isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  abort(): void {
    // Not close(): it would send END_STREAM first, and half an answer would look whole.
    this.#stream.destroy(new GatehouseError('rpc_failed', 'The answer was broken off.'));
  }
}

function nothing(): void {}
