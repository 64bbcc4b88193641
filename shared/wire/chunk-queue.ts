// A first-in first-out queue of bytes that costs about as much memory as the bytes in it.
// Chunks are views of larger receive buffers: a small one is copied, so that it never keeps a large
// buffer alive, and small ones share blocks, so that a flood of one-byte frames stays cheap.

/** Small chunks share blocks: the first is this long, each that follows twice as long as the one before. */
const firstBlockLength = 256;
const maxBlockLength = 16 * 1024;
const smallLength = 2 * 1024;

/** `chunk`, or a copy of it where it is a view that keeps more than twice its own size in memory. */
export function unpinned(chunk: Uint8Array): Uint8Array {
  // Not chunk.slice(): on a Buffer that is a view.
  return chunk.buffer.byteLength > chunk.length * 2 ? new Uint8Array(chunk) : chunk;
}

export class ChunkQueue {
  #chunks: Uint8Array[] = [];
  #head = 0;
  #length = 0;
  /** The last chunk's block where it is ours and has room behind it, else null. */
  #block: Uint8Array | null = null;
  #blockUsed = 0;
  #nextBlockLength = firstBlockLength;

  /** Bytes in the queue. */
  get length(): number {
    return this.#length;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#length += chunk.length;
    if (chunk.length < smallLength) {
      this.#append(chunk);
      return;
    }
    this.#chunks.push(unpinned(chunk));
    this.#endBlock();
  }

  /** The next bytes, at most `max` of them (at least 1); null where the queue is empty. */
  shift(max: number): Uint8Array | null {
    const first = this.#chunks[this.#head];
    if (first === undefined) return null;
    if (first.length > max) {
      this.#chunks[this.#head] = first.subarray(max);
      this.#length -= max;
      return first.subarray(0, max);
    }
    this.#length -= first.length;
    this.#head += 1;
    if (this.#head === this.#chunks.length) this.#reset();
    else if (this.#head > 64 && this.#head * 2 > this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#head);
      this.#head = 0;
    }
    return first;
  }

  clear(): void {
    this.#reset();
    this.#length = 0;
  }

  #reset(): void {
    this.#chunks = [];
    this.#head = 0;
    this.#endBlock();
  }

  #endBlock(): void {
    this.#block = null;
    this.#nextBlockLength = firstBlockLength;
  }

  #append(chunk: Uint8Array): void {
    if (this.#block !== null && this.#blockUsed + chunk.length <= this.#block.length) {
      this.#block.set(chunk, this.#blockUsed);
      this.#blockUsed += chunk.length;
      const last = this.#chunks.length - 1;
      const view = this.#chunks[last];
      const start = view === undefined ? 0 : view.byteOffset;
      this.#chunks[last] = new Uint8Array(this.#block.buffer, start, this.#blockUsed - start);
      return;
    }
    this.#block = new Uint8Array(Math.max(this.#nextBlockLength, chunk.length));
    this.#nextBlockLength = Math.min(this.#nextBlockLength * 2, maxBlockLength);
    this.#block.set(chunk, 0);
    this.#blockUsed = chunk.length;
    this.#chunks.push(this.#block.subarray(0, chunk.length));
  }
}
