// An exchange whose payloads are seen by a tap on their way. Must never change a byte, nor when one flows: the tap
// sees what the reader of the body reads, at the moment when it does, and what is written as it is written.
import type { Readable } from 'node:stream';
import { seeChunks } from './body.ts';
import { jsonType } from './exchange.ts';
import type { Exchange } from './exchange.ts';

/** What sees the payloads of one request. */
export interface Tap {
  /** Begins a payload; the returned function is told of each chunk, and has to copy what it keeps. */
  begin(direction: 'request' | 'answer', contentType: string): (chunk: Uint8Array) => void;
  /** The request is over; `requestId` is null where it never came to be on record. */
  end(requestId: number | null): void;
}

export class TappedExchange implements Exchange {
  readonly #exchange: Exchange;
  readonly #tap: Tap;

  constructor(exchange: Exchange, tap: Tap) {
    this.#exchange = exchange;
    this.#tap = tap;
    this.#watchRequest();
  }

  get method(): string {
    return this.#exchange.method;
  }

  get path(): string {
    return this.#exchange.path;
  }

  get bodyless(): boolean {
    return this.#exchange.bodyless;
  }

  get body(): Readable {
    return this.#exchange.body;
  }

  get bytesRead(): number {
    return this.#exchange.bytesRead;
  }

  get bytesWritten(): number {
    return this.#exchange.bytesWritten;
  }

  get counter(): number {
    return this.#exchange.counter ?? 0;
  }

  header(name: string): string | undefined {
    return this.#exchange.header(name);
  }

  countRead(bytes: number): void {
    this.#exchange.countRead(bytes);
  }

  respond(status: number, contentType: string, body: Buffer): void {
    this.#tap.begin('answer', contentType)(body);
    this.#exchange.respond(status, contentType, body);
  }

  stream(contentType: string, body: Readable, onFirst?: () => void): Promise<void> {
    const see = this.#tap.begin('answer', contentType);
    seeChunks(body, see);
    return this.#exchange.stream(contentType, body, onFirst);
  }

  onAborted(tell: () => void): void {
    this.#exchange.onAborted(tell);
  }

  onClosed(tell: () => void): void {
    this.#exchange.onClosed(tell);
  }

  abort(): void {
    this.#exchange.abort();
  }

  /** Arguments of a streaming call and its body are one payload, a line break apart. */
  #watchRequest(): void {
    const args = Buffer.from(this.header('gatehouse-args') ?? '', 'base64url');
    if (this.#exchange.bodyless && args.length === 0) return;
    const see = this.#tap.begin('request', this.#exchange.header('content-type') ?? jsonType);
    if (args.length > 0) see(Buffer.concat([args, lineBreak]));
    if (!this.#exchange.bodyless) seeChunks(this.#exchange.body, see);
  }
}

const lineBreak = Buffer.from('\n');
