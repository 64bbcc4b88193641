// A first-in first-out queue of bytes that costs about as much memory as the bytes in it.
// Chunks are views of larger receive buffers: a small one is copied, so that it never keeps a large
// buffer alive, and small ones share blocks, so that a flood of one-byte frames stays cheap.

const blockLength = 16 * 1024;
const smallLength = 2 * 1024;

export class ChunkQueue {
  #chunks: Uint8Array[] = [];
  #head = 0;
  #length = 0;
  /** The last chunk's block where it is ours and has room behind it, else null. */
  #block: Uint8Array | null = null;
  #blockUsed = 0;

  /** Bytes in the queue. */
  get length(): number {
    return this.#length;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#length += chunk.length;
    if (chunk.length < smallLength) this.#append(chunk);
    else {
      const pinsTooMuch = chunk.buffer.byteLength > chunk.length * 2;
      this.#chunks.push(pinsTooMuch ? chunk.slice() : chunk);
      this.#block = null;
    }
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
    this.#block = null;
  }

  #append(chunk: Uint8Array): void {
    if (this.#block !== null && this.#blockUsed + chunk.length <= blockLength) {
      this.#block.set(chunk, this.#blockUsed);
      this.#blockUsed += chunk.length;
      const last = this.#chunks.length - 1;
      const view = this.#chunks[last];
      const start = view === undefined ? 0 : view.byteOffset;
      this.#chunks[last] = new Uint8Array(this.#block.buffer, start, this.#blockUsed - start);
      return;
    }
    this.#block = new Uint8Array(blockLength);
    this.#block.set(chunk, 0);
    this.#blockUsed = chunk.length;
    this.#chunks.push(this.#block.subarray(0, chunk.length));
  }
}
