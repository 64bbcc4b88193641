// Joins two yamux streams into one: bytes, FIN and RST pass both ways, unread and unparsed. A byte is credited to its
// sender only once it has left for the receiver, so a receiver that stops reading stops the sender, and what waits
// here stays within the sender's window.
import { GatehouseError } from '../contracts/errors.ts';
import type { StreamConsumer, YamuxStream } from '../wire/stream.ts';

/** Where the bytes that wait are counted. */
export interface BufferMeter {
  /** False where that is too much: the streams are then reset. */
  hold(bytes: number): boolean;
  release(bytes: number): void;
}

/**
 * Joins `client` and `service`. `header` goes to the service first, then `rest`, which came from the client with its
 * own header and has not been credited. Both streams are the splice's from now on.
 */
export function splice(
  client: YamuxStream,
  service: YamuxStream,
  header: Uint8Array,
  rest: Uint8Array,
  meter: BufferMeter,
): void {
  const toClient = new Side(client, 0, meter);
  const toService = new Side(service, header.length, meter);
  toClient.join(toService);
  toService.join(toClient);
  service.write(header);
  if (rest.length > 0) toService.forward(rest);
}

/** Consumes one stream, and sends on it what the other side received. */
class Side implements StreamConsumer {
  readonly #stream: YamuxStream;
  readonly #meter: BufferMeter;
  #other: Side | null = null;
  /** Bytes still to be sent that are the relay's own. */
  #own: number;
  /** Bytes that wait here for this stream's receiver. */
  #waiting = 0;

  constructor(stream: YamuxStream, own: number, meter: BufferMeter) {
    this.#stream = stream;
    this.#own = own;
    this.#meter = meter;
  }

  join(other: Side): void {
    this.#other = other;
    this.#stream.attach(this);
  }

  /** Sends what the other side received. */
  forward(chunk: Uint8Array): void {
    if (!this.#meter.hold(chunk.length)) {
      this.#stream.reset(
        new GatehouseError('limit_exceeded', 'Too many bytes wait at the relay for a slow receiver.'),
      );
      return;
    }
    this.#waiting += chunk.length;
    this.#stream.write(chunk);
  }

  finish(): void {
    this.#stream.end();
  }

  abort(): void {
    this.#stream.reset();
  }

  credit(bytes: number): void {
    this.#stream.consumed(bytes);
  }

  data(chunk: Uint8Array): void {
    this.#other?.forward(chunk);
  }

  end(): void {
    this.#other?.finish();
  }

  sent(bytes: number): void {
    const own = Math.min(this.#own, bytes);
    this.#own -= own;
    const passedOn = bytes - own;
    if (passedOn === 0) return;
    this.#waiting -= passedOn;
    this.#meter.release(passedOn);
    this.#other?.credit(passedOn);
  }

  closed(error: GatehouseError | null): void {
    this.#meter.release(this.#waiting);
    this.#waiting = 0;
    if (error !== null) this.#other?.abort();
    this.#other = null;
  }
}
