// Two yamux sessions joined in memory. Nothing moves until the test delivers it, in pieces and in an order
// drawn from a seed, so that any latency and any chunking can happen and every run can be repeated.
// Must use neither clock nor socket.
import type { GatehouseError } from '../contracts/errors.ts';
import type { WireLimits } from '../wire/limits.ts';
import { YamuxSession } from '../wire/session.ts';
import type { YamuxOutput, YamuxRole } from '../wire/session.ts';
import type { YamuxStream } from '../wire/stream.ts';

export interface MemoryWireOptions {
  /** Draws the order of deliveries and their sizes. Default 1. */
  readonly seed?: number;
  /** The largest piece delivered at once, in bytes. Default 64 KiB. */
  readonly maxPiece?: number;
  /** Bytes on the way from which on their sender is congested. Default 512 KiB. */
  readonly congestedAt?: number;
  readonly limits?: Partial<WireLimits>;
  /** Changes a piece on its way: the fault. */
  readonly tamper?: (piece: Uint8Array) => Uint8Array;
  /** The peer of `end` opened a stream. Without it such streams get no consumer. */
  readonly onStream?: (stream: YamuxStream, end: MemoryEnd) => void;
}

export class MemoryEnd implements YamuxOutput {
  readonly role: YamuxRole;
  readonly session: YamuxSession;
  readonly goingAway: number[] = [];
  /** One entry for each time that `closed` was called: must never be more than one. */
  readonly closes: (GatehouseError | null)[] = [];
  readonly #congestedAt: number;
  #way: Uint8Array[] = [];
  #bytes = 0;
  #congested = false;

  constructor(role: YamuxRole, options: MemoryWireOptions) {
    this.role = role;
    this.#congestedAt = options.congestedAt ?? 512 * 1024;
    const events = {
      stream: (stream: YamuxStream) => options.onStream?.(stream, this),
      goingAway: (code: number) => {
        this.goingAway.push(code);
      },
      closed: (error: GatehouseError | null) => {
        this.closes.push(error);
      },
    };
    this.session = new YamuxSession(role, this, events, options.limits);
  }

  /** Bytes sent and not yet delivered. */
  get inFlight(): number {
    return this.#bytes;
  }

  write(...parts: readonly (Uint8Array | null)[]): boolean {
    for (const part of parts.filter((each) => each !== null)) {
      this.#way.push(part);
      this.#bytes += part.length;
    }
    this.#congested = this.#bytes >= this.#congestedAt;
    return !this.#congested;
  }

  /** Takes the next piece off the way, at most `max` bytes, as a buffer of its own. */
  take(max: number): Uint8Array {
    const whole = Buffer.concat(this.#way);
    const piece = new Uint8Array(whole.subarray(0, max));
    this.#way = whole.length > max ? [whole.subarray(max)] : [];
    this.#bytes = whole.length - piece.length;
    return piece;
  }

  /** Tells the session where congestion has ended. */
  relieve(): void {
    if (!this.#congested || this.#bytes >= this.#congestedAt) return;
    this.#congested = false;
    this.session.drained();
  }
}

export class MemoryWire {
  readonly dialler: MemoryEnd;
  readonly listener: MemoryEnd;
  readonly #options: MemoryWireOptions;
  readonly #random: () => number;

  constructor(options: MemoryWireOptions = {}) {
    this.#options = options;
    this.#random = seededRandom(options.seed ?? 1);
    this.dialler = new MemoryEnd('dialler', options);
    this.listener = new MemoryEnd('listener', options);
  }

  /** Delivers one piece in one direction. False where nothing is on its way. */
  deliver(): boolean {
    const waiting = [this.dialler, this.listener].filter((end) => end.inFlight > 0);
    const from = waiting[Math.floor(this.#random() * waiting.length)];
    if (from === undefined) return false;
    const size = 1 + Math.floor(this.#random() * (this.#options.maxPiece ?? 64 * 1024));
    const piece = from.take(size);
    const to = from === this.dialler ? this.listener : this.dialler;
    to.session.receive(this.#options.tamper?.(piece) ?? piece);
    from.relieve();
    return true;
  }

  /** Delivers until nothing is on its way. */
  settle(): void {
    while (this.deliver());
  }
}

/** mulberry32: numbers in [0, 1), the same for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
