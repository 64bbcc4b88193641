// A yamux stream as a Node Duplex, for TLS to run over. Writes complete at once while the queue of the
// stream is short, so back-pressure comes from the yamux window and not from a socket's callback; reads
// are credited to the peer only when they have been handed on.
import { Duplex } from 'node:stream';
import type { GatehouseError } from '../contracts/errors.ts';
import { ChunkQueue } from '../wire/chunk-queue.ts';
import type { YamuxStream } from '../wire/stream.ts';

/** Unsent bytes up to which a write completes at once. */
const queueLimit = 256 * 1024;

export class StreamDuplex extends Duplex {
  readonly #stream: YamuxStream;
  readonly #arrived = new ChunkQueue();
  #ended = false;
  #hungry = false;
  #blocked: (() => void) | null = null;

  /** `rest`: bytes that arrived with the stream header. */
  constructor(stream: YamuxStream, rest: Uint8Array = new Uint8Array(0)) {
    super({ allowHalfOpen: true, readableHighWaterMark: 128 * 1024, writableHighWaterMark: 128 * 1024 });
    this.#stream = stream;
    this.#arrived.push(rest);
    stream.attach({
      data: (chunk) => {
        this.#take(chunk);
      },
      end: () => {
        this.#ended = true;
        if (this.#arrived.length === 0) this.push(null);
      },
      sent: () => {
        this.#unblock();
      },
      closed: (error) => {
        this.#close(error);
      },
    });
  }

  override _read(): void {
    this.#hungry = true;
    while (this.#hungry) {
      const chunk = this.#arrived.shift(queueLimit);
      if (chunk === null) break;
      this.#hand(chunk);
    }
    if (this.#ended && this.#arrived.length === 0) this.push(null);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#send(
      chunks.map((each) => each.chunk),
      done,
    );
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#stream.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#arrived.clear();
    this.#blocked = null;
    this.#stream.reset();
    done(error);
  }

  #take(chunk: Uint8Array): void {
    if (this.#hungry && this.#arrived.length === 0) this.#hand(chunk);
    else this.#arrived.push(chunk);
  }

  #hand(chunk: Uint8Array): void {
    this.#hungry = this.push(chunk);
    this.#stream.consumed(chunk.length);
  }

  #send(chunks: readonly Buffer[], done: (error?: Error | null) => void): void {
    try {
      for (const chunk of chunks) this.#stream.write(chunk);
    } catch (error) {
      done(error as GatehouseError);
      return;
    }
    if (this.#stream.queuedBytes <= queueLimit) done();
    else this.#blocked = done;
  }

  #unblock(): void {
    if (this.#blocked === null || this.#stream.queuedBytes > queueLimit) return;
    const done = this.#blocked;
    this.#blocked = null;
    done();
  }

  #close(error: GatehouseError | null): void {
    if (error !== null) {
      this.destroy(error);
      return;
    }
    if (!this.#ended) this.push(null);
    this.#ended = true;
  }
}
