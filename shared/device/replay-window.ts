// Which counters of a session have been used: one bit for each that it may have, so that requests may arrive in any order
// and each still counts once. It grows with what is used: most sessions are short.

export class ReplayWindow {
  readonly #limit: number;
  #bits = new Uint8Array(8);

  /** Counters are 1 to `limit`. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  holds(counter: number): boolean {
    return Number.isInteger(counter) && counter >= 1 && counter <= this.#limit;
  }

  has(counter: number): boolean {
    const [byte, bit] = place(counter);
    return ((this.#bits[byte] ?? 0) & bit) !== 0;
  }

  /** False where `counter` was marked before, or is none. */
  mark(counter: number): boolean {
    if (!this.holds(counter) || this.has(counter)) return false;
    const [byte, bit] = place(counter);
    if (byte >= this.#bits.length) this.#grow(byte + 1);
    this.#bits[byte] = (this.#bits[byte] ?? 0) | bit;
    return true;
  }

  #grow(length: number): void {
    const bits = new Uint8Array(
      Math.min(Math.ceil(this.#limit / 8), Math.max(length, this.#bits.length * 2)),
    );
    bits.set(this.#bits);
    this.#bits = bits;
  }
}

function place(counter: number): [number, number] {
  return [(counter - 1) >> 3, 1 << ((counter - 1) & 7)];
}
