// One blob, for all who read it now: each segment comes from the cache, from a stream that is bringing it anyway, or
// from a new stream to the service. So many readers of one blob load the premises once.
import { GatehouseError } from '../../contracts/errors.ts';
import { BlobRun } from './blob-run.ts';
import type { BlobRunOptions } from './blob-run.ts';
import { openBlob } from './blob-stream.ts';
import type { BlobStreamOptions } from './blob-stream.ts';
import { segmentLength, segmentName } from './segment-file.ts';
import type { SegmentStore } from './segment-store.ts';

export interface BlobSourceOptions {
  readonly serviceId: string;
  readonly blob: string;
  readonly store: SegmentStore;
  /** In bytes, where it is known. */
  readonly length: number | null;
  readonly timeoutMs: number;
  /** A new stream to the service. @throws GatehouseError `service_offline`, `limit_exceeded` */
  readonly openStream: () => BlobStreamOptions['stream'];
  /** The length is known from now on. */
  readonly onLength: (length: number) => void;
}

/** Somebody who reads segments in order, and takes part in one stream at a time. */
export interface BlobReader {
  readonly clientId: string;
  run: BlobRun | null;
  /** Wants nothing more. */
  closed: boolean;
}

/** Segments that may wait for the disk at once; beyond that they are not kept. */
const maxFresh = 8;

export class BlobSource {
  readonly #options: BlobSourceOptions;
  readonly #runs = new Set<BlobRun>();
  /** Runs whose stream has not been answered, by the segment that they begin with. */
  readonly #starting = new Map<number, Promise<BlobRun>>();
  /** Segments on their way to the disk. */
  readonly #fresh = new Map<number, Buffer>();
  #length: number | null;

  constructor(options: BlobSourceOptions) {
    this.#options = options;
    this.#length = options.length;
  }

  /** In bytes. @throws GatehouseError `blob_unknown`, `service_offline` and what a stream ends with */
  async length(reader: BlobReader): Promise<number> {
    this.#length ??= (await this.#options.store.get(this.#name(0)))?.blobLength ?? null;
    if (this.#length === null) this.#setLength(await this.#ask(reader));
    return this.#length ?? 0;
  }

  /**
   * The segment of that index, of a blob whose length has been asked for; `to` is where the reader will end,
   * exclusive. @throws GatehouseError as `length`, and `truncated`, `timeout`
   */
  async segment(index: number, to: number, reader: BlobReader): Promise<Buffer> {
    const cached = this.#fresh.get(index) ?? (await this.#cached(index));
    if (cached !== null) return cached;
    const fresh = this.#fresh.get(index);
    if (fresh !== undefined) return fresh;
    const run = [...this.#runs].find((each) => each.brings(index)) ?? (await this.#start(index, to, reader));
    if (reader.closed) {
      run.leave(reader);
      throw new GatehouseError('cancelled', 'The reader has gone.');
    }
    if (run.failure !== null) throw run.failure;
    // Another reader may have driven it on, or ended it, while it started.
    if (!run.brings(index)) return this.segment(index, to, reader);
    if (reader.run !== run) {
      run.join(reader);
      reader.run?.leave(reader);
      reader.run = run;
    }
    return run.wait(index);
  }

  async #cached(index: number): Promise<Buffer | null> {
    const { store } = this.#options;
    const name = this.#name(index);
    const segment = await store.get(name);
    if (segment === null) return null;
    const length = this.#length ?? 0;
    const fits = segment.bytes.length === Math.min(segmentLength, length - index * segmentLength);
    if (fits && segment.blobLength === length) return segment.bytes;
    await store.drop(name);
    return null;
  }

  #start(index: number, to: number, { clientId }: BlobReader): Promise<BlobRun> {
    const starting = this.#starting.get(index) ?? this.#open(index, to, clientId);
    this.#starting.set(index, starting);
    const forget = (): void => {
      if (this.#starting.get(index) === starting) this.#starting.delete(index);
    };
    starting.then(forget, forget);
    return starting;
  }

  #open(first: number, wantedTo: number, clientId: string): Promise<BlobRun> {
    const { serviceId, blob, timeoutMs, openStream } = this.#options;
    const blobLength = this.#length ?? 0;
    const to = Math.min(Math.ceil(wantedTo / segmentLength) * segmentLength, blobLength);
    const frame = { v: 1, blob, from: first * segmentLength, to } as const;
    return new Promise((resolve, reject) => {
      const stream = openStream();
      openBlob(
        { stream, serviceId, clientId, frame, timeoutMs },
        {
          failed: reject,
          answered: (length, rest) => {
            if (length === blobLength) {
              resolve(this.#begin({ stream, blobLength, first, to, stallMs: timeoutMs }, rest));
              return;
            }
            stream.reset();
            this.#setLength(length);
            reject(
              new GatehouseError('relay_protocol', 'The service says another length than before. Try again.'),
            );
          },
        },
      );
    });
  }

  #begin(options: Omit<BlobRunOptions, 'onSegment' | 'onOver'>, rest: Uint8Array): BlobRun {
    const run: BlobRun = new BlobRun({
      ...options,
      onSegment: (index, bytes) => {
        this.#keep(index, bytes);
      },
      onOver: () => this.#runs.delete(run),
    });
    this.#runs.add(run);
    run.begin(rest);
    return run;
  }

  #keep(index: number, bytes: Buffer): void {
    if (this.#fresh.size >= maxFresh) return;
    this.#fresh.set(index, bytes);
    const segment = { blobLength: this.#length ?? 0, bytes };
    void this.#options.store.put(this.#name(index), segment).then(() => this.#fresh.delete(index));
  }

  /** The length alone: a stream that asks for no byte. */
  #ask({ clientId }: BlobReader): Promise<number> {
    const { serviceId, blob, timeoutMs, openStream } = this.#options;
    const frame = { v: 1, blob, from: 0, to: 0 } as const;
    return new Promise<number>((resolve, reject: (error: GatehouseError) => void) => {
      const stream = openStream();
      openBlob(
        { stream, serviceId, clientId, frame, timeoutMs },
        {
          failed: reject,
          answered: (length) => {
            stream.reset();
            resolve(length);
          },
        },
      );
    });
  }

  #setLength(length: number): void {
    this.#length = length;
    this.#options.onLength(length);
  }

  #name(index: number): string {
    const { serviceId, blob } = this.#options;
    return segmentName(serviceId, blob, index);
  }
}
