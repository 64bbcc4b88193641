// Memory for what is being sent, used again and again. A busy connection would otherwise allocate as much as
// it sends, outside the JavaScript heap, and spend a quarter of its time in garbage collections.
// Whoever takes bytes gives them back once the socket no longer reads them, or never, which costs memory only.

export interface SlabBytes {
  readonly bytes: Buffer;
  /** Call once, when nothing reads the bytes any more. */
  release(): void;
}

/** Bytes of a slab; larger requests get memory of their own. */
export const slabLength = 320 * 1024;
/** Requests up to this many bytes share a slab. */
const sharedLength = 16 * 1024;
/** Idle slabs that are kept. */
const maxIdle = 8;
/**
 * Slabs in use at once. A slow socket may hold a whole slab for a few bytes; with more of them than this, each
 * request gets memory of just its own size, so that what is held stays in proportion to what waits.
 */
export const maxSlabs = 64;

class Slab {
  readonly buffer = Buffer.allocUnsafeSlow(slabLength);
  used = 0;
  borrowed = 0;
}

export class SlabPool {
  #idle: Slab[] = [];
  #shared: Slab | null = null;
  /** All slabs that this pool knows of. */
  #count = 0;

  take(length: number): SlabBytes {
    const slab = length > slabLength ? null : length > sharedLength ? this.#fresh() : this.#withRoom(length);
    if (slab === null) return { bytes: Buffer.allocUnsafeSlow(length), release: () => undefined };
    const start = slab.used;
    slab.used += length;
    slab.borrowed += 1;
    return {
      bytes: slab.buffer.subarray(start, start + length),
      release: () => {
        this.#release(slab);
      },
    };
  }

  #fresh(): Slab | null {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#count >= maxSlabs) return null;
    this.#count += 1;
    return new Slab();
  }

  #withRoom(length: number): Slab | null {
    const shared = this.#shared;
    if (shared !== null && shared.used + length <= slabLength) return shared;
    const fresh = this.#fresh();
    if (fresh !== null) this.#shared = fresh;
    return fresh;
  }

  #release(slab: Slab): void {
    slab.borrowed -= 1;
    if (slab.borrowed > 0) return;
    slab.used = 0;
    if (slab === this.#shared) return;
    if (this.#idle.length < maxIdle) this.#idle.push(slab);
    else this.#count -= 1;
  }
}
