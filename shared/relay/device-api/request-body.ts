// The body of an HTTP request on its way into a stream: counted against its limit, timed, and held back while the
// stream cannot send. It must never pass on more than the limit, whatever the length that was declared.
import type { IncomingMessage } from 'node:http';
import { GatehouseError } from '../../contracts/errors.ts';
import type { YamuxStream } from '../../wire/stream.ts';
import { HttpRefusal } from '../http-answer.ts';
import type { BufferMeter } from '../splice.ts';

export interface RequestBodyParts {
  readonly request: IncomingMessage;
  readonly stream: YamuxStream;
  readonly bodyLimit: number;
  readonly meter: BufferMeter;
  readonly limits: { readonly bodyTimeoutMs: number };
}

/** Unsent bytes beyond which nothing more is read from the request. */
const queueLimit = 256 * 1024;

export class RequestBody {
  readonly #parts: RequestBodyParts;
  readonly #failed: (error: GatehouseError) => void;
  #timer: NodeJS.Timeout | null = null;
  #received = 0;
  /** Bytes still to be sent that are the relay's own. */
  #own = 0;
  /** Bytes that wait in the stream. */
  #waiting = 0;
  #stopped = false;

  constructor(parts: RequestBodyParts, failed: (error: GatehouseError) => void) {
    this.#parts = parts;
    this.#failed = failed;
  }

  /** Begins to read. What is in the stream's queue by now is the relay's own. */
  pour(): void {
    const { request, stream, limits } = this.#parts;
    this.#own = stream.queuedBytes;
    this.#timer = setTimeout(() => {
      this.#failed(new HttpRefusal(408, 'timeout', 'The body of the request did not arrive in time.'));
    }, limits.bodyTimeoutMs);
    request.on('data', this.#onData);
    request.once('end', this.#onEnd);
  }

  /** The stream has sent so many bytes. */
  sent(bytes: number): void {
    const own = Math.min(this.#own, bytes);
    this.#own -= own;
    const passedOn = Math.min(this.#waiting, bytes - own);
    this.#waiting -= passedOn;
    this.#parts.meter.release(passedOn);
    if (!this.#stopped && this.#waiting <= queueLimit && this.#parts.request.isPaused())
      this.#parts.request.resume();
  }

  /** Reads no more, and lets go of everything. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#clearTimer();
    this.#parts.request.off('data', this.#onData);
    this.#parts.request.off('end', this.#onEnd);
    this.#parts.meter.release(this.#waiting);
    this.#waiting = 0;
    // What still arrives is dropped, so that the connection may serve the next request.
    this.#parts.request.resume();
  }

  readonly #onData = (chunk: Buffer): void => {
    const { request, stream, bodyLimit, meter } = this.#parts;
    this.#received += chunk.length;
    if (this.#received > bodyLimit) {
      this.#failed(tooLarge(bodyLimit));
      return;
    }
    if (!meter.hold(chunk.length)) {
      this.#failed(new GatehouseError('limit_exceeded', 'Too many bytes wait at the relay for the service.'));
      return;
    }
    this.#waiting += chunk.length;
    stream.write(chunk);
    if (this.#waiting > queueLimit) request.pause();
  };

  readonly #onEnd = (): void => {
    this.#clearTimer();
    this.#parts.stream.end();
  };

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}

export function tooLarge(limit: number): GatehouseError {
  return new GatehouseError('body_too_large', `The body of this call has at most ${limit} bytes.`);
}
