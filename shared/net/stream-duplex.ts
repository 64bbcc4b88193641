// A yamux stream as a Node Duplex, for TLS to run over. Writes complete at once while the queue of the
// stream is short, so back-pressure comes from the yamux window and not from a socket's callback; reads
// are credited to the peer only when they have been handed on. Must never report "finished" while bytes
// are queued (what follows is a reset that would drop them), nor let Node buffer chunks that cost much
// more memory than their bytes: what waits, waits in a ChunkQueue.
import { Duplex } from 'node:stream';
import { GatehouseError } from '../contracts/errors.ts';
import { ChunkQueue, unpinned } from '../wire/chunk-queue.ts';
import type { YamuxStream } from '../wire/stream.ts';

/** Unsent bytes up to which a write completes at once. */
const queueLimit = 256 * 1024;
/** Bytes that Node may buffer of what has been handed on and not read; small, as that is one object a chunk. */
const readableBuffer = 16 * 1024;

export class StreamDuplex extends Duplex {
  readonly #stream: YamuxStream;
  readonly #arrived = new ChunkQueue();
  #ended = false;
  /** Whether a `_read` is unanswered. */
  #hungry = false;
  #blocked: ((error?: Error) => void) | null = null;
  #finishing: (() => void) | null = null;
  #takeDirectly: ((chunk: Uint8Array) => void) | null = null;

  /** `rest`: bytes that arrived with the stream header. */
  constructor(stream: YamuxStream, rest: Uint8Array = new Uint8Array(0)) {
    super({ allowHalfOpen: true, readableHighWaterMark: readableBuffer, writableHighWaterMark: 128 * 1024 });
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
        this.#finish();
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
      this.#hungry = this.#hand(chunk);
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

  /**
   * Takes `buffers` past Node's Writable, for TLS (see `DirectWriter` in shared/e2ee); `done` is called once there
   * is room for more. False where earlier writes still wait, or no more may be written: nothing was taken.
   */
  writeDirectly(buffers: readonly Uint8Array[], done: () => void): boolean {
    if (!this.writable || this.writableLength > 0 || this.#blocked !== null) return false;
    try {
      this.#stream.writeAll(buffers);
    } catch {
      return false; // closed for writing: the ordinary way reports it
    }
    if (this.#stream.queuedBytes <= queueLimit) done();
    else this.#blocked = done;
    return true;
  }

  /** For TLS (see `DirectReader` in shared/e2ee): `take` gets what its listener for `data` would get. */
  readDirectly(take: (chunk: Uint8Array) => void): void {
    this.#takeDirectly = take;
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#stream.end();
    this.#finishing = done;
    this.#finish();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#arrived.clear();
    this.#finishing = null;
    if (this.#stream.state !== 'closed') this.#stream.reset();
    const blocked = this.#blocked;
    this.#blocked = null;
    blocked?.(error ?? new GatehouseError('stream_closed', 'The stream was closed before all was written.'));
    done(error);
  }

  #take(chunk: Uint8Array): void {
    const goesStraightOn = this.readableFlowing === true && this.readableLength === 0;
    if (this.#arrived.length > 0 || !(this.#hungry || goesStraightOn)) {
      this.#arrived.push(chunk);
      return;
    }
    if (goesStraightOn && this.#takeDirectly !== null && !this.destroyed) {
      this.#takeDirectly(chunk);
      this.#stream.consumed(chunk.length);
      return;
    }
    this.#hungry = false;
    this.#hand(goesStraightOn ? chunk : unpinned(chunk));
  }

  #hand(chunk: Uint8Array): boolean {
    const wantsMore = this.push(chunk);
    this.#stream.consumed(chunk.length);
    return wantsMore;
  }

  #send(chunks: readonly Buffer[], done: (error?: Error | null) => void): void {
    try {
      this.#stream.writeAll(chunks);
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

  /** Once the last byte has been sent: Node destroys a finished stream, and that resets it. */
  #finish(): void {
    if (this.#finishing === null || this.#stream.queuedBytes > 0) return;
    const done = this.#finishing;
    this.#finishing = null;
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
