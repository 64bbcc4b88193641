// One stream that brings consecutive segments of a blob from the service, each as somebody waits for it: what nobody
// waits for is not credited, so the service stops. It ends with its last reader.
import { GatehouseError } from '../../contracts/errors.ts';
import { ChunkQueue } from '../../wire/chunk-queue.ts';
import type { StreamConsumer, YamuxStream } from '../../wire/stream.ts';
import { segmentLength } from './segment-file.ts';

export interface BlobRunOptions {
  readonly stream: YamuxStream;
  readonly blobLength: number;
  /** Index of the first segment. */
  readonly first: number;
  /** Exclusive; the end of a segment, or of the blob. */
  readonly to: number;
  /** Time in which something must arrive while somebody waits, in milliseconds. */
  readonly stallMs: number;
  readonly onSegment: (index: number, bytes: Buffer) => void;
  /** Over, exactly once; null where it brought all of it or nobody wants more. */
  readonly onOver: (error: GatehouseError | null) => void;
}

type Waiter = PromiseWithResolvers<Buffer>;

export class BlobRun implements StreamConsumer {
  readonly #options: BlobRunOptions;
  readonly #held = new ChunkQueue();
  readonly #waiting = new Map<number, Waiter>();
  readonly #readers = new Set<object>();
  #next: number;
  #segment: Buffer | null = null;
  #filled = 0;
  /** The last segment that somebody waits for. */
  #wanted = -1;
  #timer: NodeJS.Timeout | null = null;
  #over = false;
  #failure: GatehouseError | null = null;

  constructor(options: BlobRunOptions) {
    this.#options = options;
    this.#next = options.first;
  }

  /** The stream's answer has been read; `rest` came with it. */
  begin(rest: Uint8Array): void {
    this.#options.stream.attach(this);
    this.data(rest);
  }

  /** What the service did wrong; null as long as it did nothing. */
  get failure(): GatehouseError | null {
    return this.#failure;
  }

  /** True where the run will bring the segment soon. */
  brings(index: number): boolean {
    return (
      !this.#over &&
      index >= this.#next &&
      index - this.#next <= 1 &&
      index * segmentLength < this.#options.to
    );
  }

  /** The segment, which it must be about to bring. Rejects where the run breaks off first. */
  wait(index: number): Promise<Buffer> {
    const waiter = this.#waiting.get(index) ?? Promise.withResolvers<Buffer>();
    waiter.promise.catch(() => undefined);
    this.#waiting.set(index, waiter);
    this.#wanted = Math.max(this.#wanted, index);
    this.#restartTimer();
    this.#pour();
    return waiter.promise;
  }

  join(reader: object): void {
    this.#readers.add(reader);
  }

  leave(reader: object): void {
    this.#readers.delete(reader);
    if (this.#readers.size === 0) this.#finish(null);
  }

  data(chunk: Uint8Array): void {
    if (this.#over) return;
    this.#held.push(chunk);
    if (this.#timer !== null) this.#restartTimer();
    this.#pour();
  }

  end(): void {
    // What is held is whole already; less than that is too little.
    if (this.#position + this.#held.length >= this.#options.to) return;
    this.#finish(
      new GatehouseError('truncated', 'The service sent less of the encrypted document than it said.'),
    );
  }

  sent(): void {
    // One frame went out before this was attached.
  }

  closed(error: GatehouseError | null): void {
    if (error !== null)
      this.#finish(new GatehouseError('truncated', 'The service broke off.', { cause: error }));
  }

  get #position(): number {
    return this.#next * segmentLength + this.#filled;
  }

  #pour(): void {
    const { stream, to } = this.#options;
    while (!this.#over && this.#next <= this.#wanted) {
      const segment = (this.#segment ??= Buffer.allocUnsafe(this.#nextLength));
      const chunk = this.#held.shift(segment.length - this.#filled);
      if (chunk === null) return;
      segment.set(chunk, this.#filled);
      this.#filled += chunk.length;
      stream.consumed(chunk.length);
      if (this.#filled === segment.length) this.#deliver(segment);
    }
    if (!this.#over && this.#position + this.#held.length > to) {
      this.#finish(new GatehouseError('relay_protocol', 'The service sent more than it was asked for.'));
    }
  }

  #deliver(bytes: Buffer): void {
    const index = this.#next;
    this.#next += 1;
    this.#filled = 0;
    this.#segment = null;
    this.#options.onSegment(index, bytes);
    this.#waiting.get(index)?.resolve(bytes);
    this.#waiting.delete(index);
    if (this.#next * segmentLength >= this.#options.to) this.#finish(null);
    else if (this.#next > this.#wanted) this.#stopTimer();
  }

  get #nextLength(): number {
    return Math.min(this.#options.blobLength - this.#next * segmentLength, segmentLength);
  }

  #finish(error: GatehouseError | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = error;
    this.#stopTimer();
    this.#held.clear();
    this.#options.stream.reset();
    const reason = error ?? new GatehouseError('cancelled', 'Nobody waits for the blob any more.');
    for (const waiter of this.#waiting.values()) waiter.reject(reason);
    this.#waiting.clear();
    this.#options.onOver(error);
  }

  #restartTimer(): void {
    this.#stopTimer();
    this.#timer = setTimeout(() => {
      this.#finish(
        new GatehouseError('timeout', 'The service stopped in the middle of the encrypted document.'),
      );
    }, this.#options.stallMs);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
