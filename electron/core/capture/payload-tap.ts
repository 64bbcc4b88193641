// Holds the first bytes of one request and its answer while they pass, as copies: the buffers of the wire are
// used again. Must never hold a stream up, nor more than its limit and what is left of the limit of all.
import type { CapturedPayload } from '../../../shared/contracts/console/models.ts';

/** Bytes held beyond the size limit, so that a rule sees a match that the limit cuts; never stored. */
export const lookAheadBytes = 1024;

/** What passed in one direction, not redacted yet. */
export interface HeldPayload {
  readonly direction: CapturedPayload['direction'];
  readonly contentType: string;
  readonly bytes: Buffer;
  /** How many of `bytes` may be stored; the rest is the look-ahead. */
  readonly maxBytes: number;
  readonly totalBytes: number;
}

/** Bytes held by all taps together. */
export class HeldBytes {
  #left: number;

  constructor(limit: number) {
    this.#left = limit;
  }

  /** Takes up to `wanted`; how many it got. */
  take(wanted: number): number {
    const got = Math.min(wanted, this.#left);
    this.#left -= got;
    return got;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}

class Part {
  readonly direction: CapturedPayload['direction'];
  readonly contentType: string;
  readonly #maxBytes: number;
  readonly #held: HeldBytes;
  readonly #chunks: Buffer[] = [];
  #length = 0;
  #totalBytes = 0;
  #taken = false;

  constructor(
    direction: CapturedPayload['direction'],
    contentType: string,
    maxBytes: number,
    held: HeldBytes,
  ) {
    this.direction = direction;
    this.contentType = contentType;
    this.#maxBytes = maxBytes;
    this.#held = held;
  }

  add(chunk: Uint8Array): void {
    if (this.#taken) return;
    this.#totalBytes += chunk.length;
    const room = this.#maxBytes + lookAheadBytes - this.#length;
    if (room <= 0) return;
    const got = this.#held.take(Math.min(room, chunk.length));
    this.#chunks.push(Buffer.from(chunk.subarray(0, got)));
    this.#length += got;
  }

  /** What was held, which counts no longer from now on. */
  take(): HeldPayload {
    const { direction, contentType } = this;
    const totalBytes = this.#totalBytes;
    const bytes = Buffer.concat(this.#chunks.splice(0));
    this.#held.give(this.#length);
    this.#taken = true;
    // Where something is missing, the end of what is there is the look-ahead.
    const whole = bytes.length === totalBytes ? totalBytes : Math.max(0, bytes.length - lookAheadBytes);
    return { direction, contentType, bytes, maxBytes: Math.min(this.#maxBytes, whole), totalBytes };
  }
}

export type StoreParts = (requestId: number, parts: readonly HeldPayload[]) => void;

export class PayloadTap {
  readonly #maxBytes: number;
  readonly #held: HeldBytes;
  readonly #store: StoreParts;
  readonly #parts: Part[] = [];

  constructor(maxBytes: number, held: HeldBytes, store: StoreParts) {
    this.#maxBytes = maxBytes;
    this.#held = held;
    this.#store = store;
  }

  /** Begins a payload; the returned function takes its bytes as they pass. */
  begin(direction: CapturedPayload['direction'], contentType: string): (chunk: Uint8Array) => void {
    const part = new Part(direction, contentType, this.#maxBytes, this.#held);
    this.#parts.push(part);
    return (chunk) => part.add(chunk);
  }

  /** The request is over: what was held is stored, where the request is on record, and forgotten. To be called always. */
  end(requestId: number | null): void {
    const parts = this.#parts.splice(0).map((part) => part.take());
    if (requestId !== null && parts.length > 0) this.#store(requestId, parts);
  }
}
