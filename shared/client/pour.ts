// Sends a request's body, with back-pressure: no more is read from its source than the connection takes.
// Must never end the request where the source did not end, so that half a body never looks whole.
import { Readable } from 'node:stream';
import type { Writable } from 'node:stream';
import { GatehouseError } from '../contracts/errors.ts';

/** What a body may be given as. An iterable yields octets. */
export type BodySource = Readable | AsyncIterable<Uint8Array> | Uint8Array;

/** Octets handed to the connection at once. */
const pieceLength = 256 * 1024;

export interface Upload {
  /** True once the whole body has been handed over. */
  readonly done: boolean;
  /** Leaves the source alone and destroys it. */
  stop(): void;
}

export interface UploadEvents {
  sent(bytes: number): void;
  /** The source failed; the request has not been ended. */
  failed(error: GatehouseError): void;
}

export function readableOf(source: BodySource): Readable {
  if (source instanceof Readable) return source;
  if (source instanceof Uint8Array)
    return Readable.from(piecesOf(source), { objectMode: true, highWaterMark: 1 });
  return Readable.from(source, { objectMode: true, highWaterMark: 1 });
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += pieceLength)
    yield bytes.subarray(start, start + pieceLength);
}

/** Pours `source` into `sink` and ends it. */
export function pour(source: Readable, sink: Writable, events: UploadEvents): Upload {
  const upload = new Pouring(source, sink, events);
  upload.begin();
  return upload;
}

class Pouring implements Upload {
  readonly #source: Readable;
  readonly #sink: Writable;
  readonly #events: UploadEvents;
  #over = false;
  #done = false;

  constructor(source: Readable, sink: Writable, events: UploadEvents) {
    this.#source = source;
    this.#sink = sink;
    this.#events = events;
  }

  get done(): boolean {
    return this.#done;
  }

  begin(): void {
    const source = this.#source;
    if (source.destroyed) {
      this.#fail(source.errored);
      return;
    }
    source.on('data', (chunk: unknown) => {
      this.#take(chunk);
    });
    source.once('end', () => {
      this.#finish();
    });
    source.on('error', (error) => {
      this.#fail(error);
    });
    source.once('close', () => {
      this.#fail(source.errored);
    });
    this.#sink.on('drain', () => {
      if (!this.#over) source.resume();
    });
    if (source.readableEnded) this.#finish();
  }

  stop(): void {
    if (this.#over) return;
    this.#over = true;
    this.#source.destroy();
  }

  #take(chunk: unknown): void {
    if (this.#over) return;
    if (!(chunk instanceof Uint8Array)) {
      this.#fail(
        new GatehouseError('usage', 'A body is made of octets (Uint8Array), not of text or objects.'),
      );
      return;
    }
    if (!this.#sink.write(chunk)) this.#source.pause();
    this.#events.sent(chunk.length);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#done = true;
    this.#sink.end();
  }

  #fail(cause: Error | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#source.destroy();
    const message = 'The body could not be read to its end, so the request was broken off.';
    const error =
      cause instanceof GatehouseError ? cause : new GatehouseError('cancelled', message, { cause });
    this.#events.failed(error);
  }
}
