// A length-prefixed piece of JSON at the start of a stream: 2 bytes big-endian, then UTF-8 JSON.
// A declared length is compared with the limit before a byte of it is kept.
import { GatehouseError } from '../contracts/errors.ts';
import { unpinned } from '../wire/chunk-queue.ts';
import type { StreamConsumer, YamuxStream } from '../wire/stream.ts';

/** Length of the JSON, in bytes. */
export const maxPrefixedLength = 4096;
const prefixLength = 2;

export interface Prefixed {
  readonly json: unknown;
  /** Bytes of the stream that came with it; the next consumer calls `consumed` for them. */
  readonly rest: Uint8Array;
}

export interface PrefixedHandler {
  /** Called once; attach the next consumer before returning. */
  arrived(prefixed: Prefixed): void;
  /** Called once instead, after the stream has been reset or closed. */
  failed(error: GatehouseError): void;
  /**
   * Called once instead, where what came is no such piece and the stream is still open: the handler answers and ends
   * it. Without it the stream is reset and `failed` called.
   */
  refused?(error: GatehouseError): void;
  /** So many bytes that were written meanwhile have left the stream's queue. */
  sent?(bytes: number): void;
}

export interface PrefixedOptions {
  /** Longest JSON that is taken, in bytes; at most 65,535. Default `maxPrefixedLength`. */
  readonly maxLength?: number;
  /** Bytes that came with an earlier piece of the same stream and have not been credited. */
  readonly rest?: Uint8Array;
}

/** @throws GatehouseError `header_too_large` */
export function encodePrefixed(value: unknown, maxLength = maxPrefixedLength): Uint8Array {
  const json = Buffer.from(JSON.stringify(value), 'utf8');
  if (json.length > maxLength) throw tooLarge(json.length, maxLength);
  const bytes = Buffer.allocUnsafe(prefixLength + json.length);
  bytes.writeUInt16BE(json.length, 0);
  json.copy(bytes, prefixLength);
  return bytes;
}

/**
 * Reads the JSON that opens `stream`; attaches itself. A stream that sends anything else, ends, or
 * stays silent for `timeoutMs` is reset, with `header_malformed`, `header_too_large` or `header_timeout`.
 */
export function readPrefixed(
  stream: YamuxStream,
  timeoutMs: number,
  handler: PrefixedHandler,
  { maxLength = maxPrefixedLength, rest }: PrefixedOptions = {},
): void {
  const reader = new PrefixedReader(stream, timeoutMs, handler, maxLength);
  stream.attach(reader);
  if (rest !== undefined && rest.length > 0) reader.data(rest);
}

class PrefixedReader implements StreamConsumer {
  readonly #stream: YamuxStream;
  readonly #handler: PrefixedHandler;
  readonly #timer: NodeJS.Timeout;
  readonly #maxLength: number;
  #bytes: Buffer = Buffer.alloc(0);
  #over = false;

  constructor(stream: YamuxStream, timeoutMs: number, handler: PrefixedHandler, maxLength: number) {
    this.#stream = stream;
    this.#maxLength = maxLength;
    this.#handler = handler;
    this.#timer = setTimeout(() => {
      this.#refuse(new GatehouseError('header_timeout', 'The stream header did not arrive in time.'));
    }, timeoutMs);
  }

  data(chunk: Uint8Array): void {
    if (this.#over) return;
    this.#bytes = this.#bytes.length === 0 ? asBuffer(chunk) : Buffer.concat([this.#bytes, chunk]);
    const length = this.#bytes.length < prefixLength ? 0 : this.#bytes.readUInt16BE(0);
    if (length > this.#maxLength) this.#refuse(tooLarge(length, this.#maxLength));
    else if (this.#bytes.length >= prefixLength + length) this.#finish(length);
    else this.#bytes = asBuffer(unpinned(this.#bytes));
  }

  end(): void {
    this.#refuse(new GatehouseError('header_malformed', 'The stream ended before its header.'));
  }

  sent(bytes: number): void {
    this.#handler.sent?.(bytes);
  }

  closed(error: GatehouseError | null): void {
    if (!this.#settle()) return;
    this.#handler.failed(error ?? new GatehouseError('stream_reset', 'The stream was closed.'));
  }

  #finish(length: number): void {
    const end = prefixLength + length;
    let json: unknown;
    try {
      json = JSON.parse(
        new TextDecoder('utf-8', { fatal: true }).decode(this.#bytes.subarray(prefixLength, end)),
      );
    } catch (cause) {
      this.#refuse(new GatehouseError('header_malformed', 'The stream header is no JSON.', { cause }));
      return;
    }
    if (!this.#settle()) return;
    this.#stream.consumed(end);
    this.#handler.arrived({ json, rest: this.#bytes.subarray(end) });
  }

  #refuse(error: GatehouseError): void {
    if (!this.#settle()) return;
    if (this.#handler.refused !== undefined) {
      this.#handler.refused(error);
      return;
    }
    this.#stream.reset(error);
    this.#handler.failed(error);
  }

  #settle(): boolean {
    if (this.#over) return false;
    this.#over = true;
    clearTimeout(this.#timer);
    return true;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function tooLarge(length: number, maxLength: number): GatehouseError {
  return new GatehouseError(
    'header_too_large',
    `A stream header has ${length} bytes; at most ${maxLength} are allowed.`,
  );
}
