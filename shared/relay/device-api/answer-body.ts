// The body of an answer on its way from a stream into an HTTP response. A byte is credited to the service once it has
// left for the client, so a client that stops reading stops the service. A body that breaks off, or is shorter or
// longer than was said, destroys the connection: it must never look whole.
import type { ServerResponse } from 'node:http';
import { unpinned } from '../../wire/chunk-queue.ts';
import type { YamuxStream } from '../../wire/stream.ts';
import type { BufferMeter } from '../splice.ts';

export interface AnswerBodyEvents {
  /** So many bytes of the request have left. */
  sent(bytes: number): void;
  /** The stream broke off. */
  over(): void;
}

export class AnswerBody {
  readonly #response: ServerResponse;
  readonly #stream: YamuxStream;
  /** As declared; null where it is streamed. */
  readonly #length: number | null;
  readonly #meter: BufferMeter;
  #received = 0;
  #waiting = 0;
  #closed = false;

  constructor(response: ServerResponse, stream: YamuxStream, length: number | null, meter: BufferMeter) {
    this.#response = response;
    this.#stream = stream;
    this.#length = length;
    this.#meter = meter;
  }

  /** Takes the stream over; `rest` came with the frame. */
  take(rest: Uint8Array, events: AnswerBodyEvents): void {
    this.#response.once('close', () => {
      this.#closed = true;
      this.#meter.release(this.#waiting);
      this.#waiting = 0;
    });
    this.#stream.attach({
      data: (chunk) => {
        this.#pass(chunk);
      },
      end: () => {
        this.#end();
      },
      sent: (bytes) => {
        events.sent(bytes);
      },
      closed: (error) => {
        if (error === null) return;
        if (!this.#response.writableEnded) this.#response.destroy();
        events.over();
      },
    });
    if (rest.length > 0) this.#pass(rest);
  }

  #pass(chunk: Uint8Array): void {
    if (this.#closed || this.#response.destroyed) return;
    this.#received += chunk.length;
    const tooLong = this.#length !== null && this.#received > this.#length;
    if (tooLong || !this.#meter.hold(chunk.length)) {
      this.#response.destroy();
      return;
    }
    this.#waiting += chunk.length;
    const { length } = chunk;
    this.#response.write(this.#response.writableNeedDrain ? unpinned(chunk) : chunk, () => {
      if (this.#closed) return;
      this.#waiting -= length;
      this.#meter.release(length);
      this.#stream.consumed(length);
    });
  }

  #end(): void {
    if (this.#length !== null && this.#received < this.#length) this.#response.destroy();
    else this.#response.end();
  }
}
