// SHA-256 (FIPS 180-4) of bytes as they come: WebCrypto hashes only what is in memory whole, and a document may not be.
// For checking that all of a document arrived as it was; what protects it on the way is the authenticated encryption.
import { hex } from './bytes.ts';

const blockLength = 64;
const roundConstants = constantsOf(64, (prime) => Math.cbrt(prime));
const initialState = constantsOf(8, (prime) => Math.sqrt(prime));

export class RunningHash {
  readonly #state = Int32Array.from(initialState);
  readonly #words = new Int32Array(64);
  readonly #held = new Uint8Array(blockLength);
  #heldLength = 0;
  #length = 0;

  update(bytes: Uint8Array): void {
    this.#length += bytes.length;
    let at = 0;
    if (this.#heldLength > 0) {
      at = Math.min(bytes.length, blockLength - this.#heldLength);
      this.#held.set(bytes.subarray(0, at), this.#heldLength);
      this.#heldLength += at;
      if (this.#heldLength < blockLength) return;
      this.#block(this.#held, 0);
    }
    for (; at + blockLength <= bytes.length; at += blockLength) this.#block(bytes, at);
    this.#held.set(bytes.subarray(at));
    this.#heldLength = bytes.length - at;
  }

  /** Lower-case hex; afterwards the hash is of no more use. */
  digest(): string {
    const length = this.#length;
    const paddingLength = ((blockLength * 2 - 9 - this.#heldLength) % blockLength) + 1;
    const end = new Uint8Array(paddingLength + 8);
    end[0] = 0x80;
    new DataView(end.buffer).setBigUint64(paddingLength, BigInt(length) * 8n);
    this.update(end);
    const bytes = new Uint8Array(32);
    const view = new DataView(bytes.buffer);
    this.#state.forEach((word, index) => {
      view.setInt32(index * 4, word);
    });
    return hex(bytes);
  }

  #block(bytes: Uint8Array, from: number): void {
    const words = this.#words;
    expand(words, bytes, from);
    compress(this.#state, words);
  }
}

/** The message schedule of one block. */
function expand(words: Int32Array, bytes: Uint8Array, from: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + from, blockLength);
  for (let at = 0; at < 16; at += 1) words[at] = view.getInt32(at * 4);
  for (let at = 16; at < 64; at += 1) {
    const early = wordAt(words, at - 15);
    const late = wordAt(words, at - 2);
    const s0 = ((early >>> 7) | (early << 25)) ^ ((early >>> 18) | (early << 14)) ^ (early >>> 3);
    const s1 = ((late >>> 17) | (late << 15)) ^ ((late >>> 19) | (late << 13)) ^ (late >>> 10);
    words[at] = (((wordAt(words, at - 16) + s0) | 0) + ((wordAt(words, at - 7) + s1) | 0)) | 0;
  }
}

function compress(state: Int32Array, words: Int32Array): void {
  let a = wordAt(state, 0);
  let b = wordAt(state, 1);
  let c = wordAt(state, 2);
  let d = wordAt(state, 3);
  let e = wordAt(state, 4);
  let f = wordAt(state, 5);
  let g = wordAt(state, 6);
  let h = wordAt(state, 7);
  for (let round = 0; round < 64; round += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const constant = (wordAt(roundConstants, round) + wordAt(words, round)) | 0;
    const first = (((h + s1) | 0) + ((((e & f) ^ (~e & g)) + constant) | 0)) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  state[0] = wordAt(state, 0) + a;
  state[1] = wordAt(state, 1) + b;
  state[2] = wordAt(state, 2) + c;
  state[3] = wordAt(state, 3) + d;
  state[4] = wordAt(state, 4) + e;
  state[5] = wordAt(state, 5) + f;
  state[6] = wordAt(state, 6) + g;
  state[7] = wordAt(state, 7) + h;
}

/** Always in bounds here. */
function wordAt(words: Int32Array, index: number): number {
  return words[index] ?? 0;
}

/** The first 32 bits of the fractional parts of roots of the first primes (FIPS 180-4, 4.2.2 and 5.3.3). */
function constantsOf(count: number, root: (prime: number) => number): Int32Array {
  const constants = new Int32Array(count);
  for (let candidate = 2, found = 0; found < count; candidate += 1) {
    if (!isPrime(candidate)) continue;
    const value = root(candidate);
    constants[found] = ((value - Math.floor(value)) * 2 ** 32) | 0;
    found += 1;
  }
  return constants;
}

function isPrime(candidate: number): boolean {
  for (let divisor = 2; divisor * divisor <= candidate; divisor += 1)
    if (candidate % divisor === 0) return false;
  return true;
}
