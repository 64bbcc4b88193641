// A stream consumer for tests that writes down everything it is told.
// Must stay a passive witness: it credits bytes to the peer only where the test asked for that.
import type { GatehouseError } from '../contracts/errors.ts';
import type { StreamConsumer, YamuxStream } from '../wire/stream.ts';

export class StreamRecorder implements StreamConsumer {
  readonly stream: YamuxStream;
  readonly chunks: Uint8Array[] = [];
  received = 0;
  sentBytes = 0;
  ends = 0;
  /** One entry for each time that `closed` was called: must never be more than one. */
  readonly closes: (GatehouseError | null)[] = [];
  readonly #credits: boolean;

  /** `credits`: whether received bytes are credited to the peer at once. */
  constructor(stream: YamuxStream, credits = false) {
    this.stream = stream;
    this.#credits = credits;
    stream.attach(this);
  }

  /** Code of the error that the stream ended with; null where it ended well, undefined while it lives. */
  get closeCode(): string | null | undefined {
    const [error] = this.closes;
    return error === undefined ? undefined : (error?.code ?? null);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  data(chunk: Uint8Array): void {
    if (this.ends > 0 || this.closes.length > 0) throw new Error('data after the end');
    this.chunks.push(chunk);
    this.received += chunk.length;
    if (this.#credits) this.stream.consumed(chunk.length);
  }

  end(): void {
    if (this.closes.length > 0) throw new Error('end after closed');
    this.ends += 1;
  }

  sent(bytes: number): void {
    this.sentBytes += bytes;
  }

  closed(error: GatehouseError | null): void {
    this.closes.push(error);
  }
}
