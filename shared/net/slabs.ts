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

class Slab {
  readonly buffer = Buffer.allocUnsafeSlow(slabLength);
  used = 0;
  borrowed = 0;
}

export class SlabPool {
  #idle: Slab[] = [];
  #shared: Slab | null = null;

  take(length: number): SlabBytes {
    if (length > slabLength) return { bytes: Buffer.allocUnsafe(length), release: () => undefined };
    const slab = length > sharedLength ? this.#fresh() : this.#withRoom(length);
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

  #fresh(): Slab {
    return this.#idle.pop() ?? new Slab();
  }

  #withRoom(length: number): Slab {
    const shared = this.#shared;
    if (shared !== null && shared.borrowed === 0) shared.used = 0;
    if (shared === null || shared.used + length > slabLength) this.#shared = this.#fresh();
    return this.#shared ?? this.#fresh();
  }

  #release(slab: Slab): void {
    slab.borrowed -= 1;
    if (slab.borrowed > 0) return;
    slab.used = 0;
    if (slab !== this.#shared && this.#idle.length < maxIdle) this.#idle.push(slab);
  }
}
