// Writes binary WebSocket messages (RFC 6455 section 5) straight into one buffer and one socket write, past
// the copies and allocations that a general sender needs. Only whole, unfragmented frames are written, so
// what the WebSocket library itself sends (ping, pong, close) fits between them.
import { randomFillSync } from 'node:crypto';
import type { Socket } from 'node:net';
import bufferUtil from 'bufferutil';
import { SlabPool } from './slabs.ts';

/**
 * Bytes of a full message with its header. It is the plaintext of one TLS record (RFC 8446 section 5.1), so
 * that a receiver finds each message whole in one record and need not join or copy.
 */
const fullMessageLength = 16 * 1024;
const binaryFrame = 0x82;
const maskBit = 0x80;
const maskLength = 4;
/** Payloads from here on have a 2-byte extended length. */
const shortPayload = 126;

const slabs = new SlabPool();
const randomPool = Buffer.allocUnsafeSlow(8 * 1024);
let randomUsed = randomPool.length;

export class MessageWriter {
  readonly #socket: Socket;
  readonly #masked: boolean;
  readonly #fullPayload: number;

  /** `masked`: this side is the WebSocket client (RFC 6455 section 5.3). */
  constructor(socket: Socket, masked: boolean) {
    this.#socket = socket;
    this.#masked = masked;
    this.#fullPayload = fullMessageLength - 4 - (masked ? maskLength : 0);
  }

  /** Sends `pieces`, `length` bytes in all, as one or more messages. */
  write(pieces: readonly Uint8Array[], length: number): void {
    const slab = slabs.take(this.#outputLength(length));
    const { bytes } = slab;
    const source = new PieceReader(pieces);
    let at = 0;
    for (let left = length; left > 0;) {
      const payload = Math.min(left, this.#fullPayload);
      at = this.#writeFrame(bytes, at, source, payload);
      left -= payload;
    }
    this.#socket.write(bytes, () => {
      slab.release();
    });
  }

  #outputLength(length: number): number {
    const rest = length % this.#fullPayload;
    const full = ((length - rest) / this.#fullPayload) * fullMessageLength;
    return rest === 0 ? full : full + this.#headerLength(rest) + rest;
  }

  #headerLength(payload: number): number {
    return (payload < shortPayload ? 2 : 4) + (this.#masked ? maskLength : 0);
  }

  /** Writes one frame at `at`; where the next one goes. */
  #writeFrame(target: Buffer, at: number, source: PieceReader, payload: number): number {
    const extended = payload >= shortPayload;
    target[at] = binaryFrame;
    target[at + 1] = (extended ? shortPayload : payload) | (this.#masked ? maskBit : 0);
    if (extended) target.writeUInt16BE(payload, at + 2);
    const start = at + this.#headerLength(payload);
    source.copy(target, start, payload);
    if (this.#masked) maskPayload(target, start, payload);
    return start + payload;
  }
}

/** Masks in place with a fresh key, which it writes before the payload. */
function maskPayload(target: Buffer, start: number, length: number): void {
  if (randomUsed + maskLength > randomPool.length) {
    randomFillSync(randomPool);
    randomUsed = 0;
  }
  const key = target.subarray(start - maskLength, start);
  randomPool.copy(key, 0, randomUsed, randomUsed + maskLength);
  randomUsed += maskLength;
  const payload = target.subarray(start, start + length);
  bufferUtil.mask(payload, key, payload, 0, length);
}

/** Reads a row of pieces as if they were one. */
class PieceReader {
  readonly #pieces: readonly Uint8Array[];
  #index = 0;
  #offset = 0;

  constructor(pieces: readonly Uint8Array[]) {
    this.#pieces = pieces;
  }

  copy(target: Buffer, at: number, length: number): void {
    let left = length;
    while (left > 0) {
      const piece = this.#pieces[this.#index];
      if (piece === undefined) return;
      const take = Math.min(left, piece.length - this.#offset);
      target.set(
        this.#offset === 0 && take === piece.length
          ? piece
          : piece.subarray(this.#offset, this.#offset + take),
        at + length - left,
      );
      left -= take;
      this.#offset += take;
      if (this.#offset === piece.length) {
        this.#index += 1;
        this.#offset = 0;
      }
    }
  }
}
