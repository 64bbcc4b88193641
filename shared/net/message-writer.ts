// Writes binary WebSocket messages (RFC 6455 section 5) straight into one buffer and one socket write, past
// the copies and allocations that a general sender needs. Only whole, unfragmented messages are written, so
// what the WebSocket library itself sends (ping, pong, close) fits between them.
// A message is the plaintext of one TLS record (RFC 8446 section 5.1), and begins and ends with a yamux frame
// where that is not larger, so that a receiver finds each frame in one piece and need not join or copy.
import { randomFillSync } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import bufferUtil from 'bufferutil';
import { SlabPool } from './slabs.ts';

/** Payload of a full message, in bytes: with its header and its mask it fills the largest TLS record. */
const fullPayload = 16 * 1024 - 8;
const binaryFrame = 0x82;
const maskBit = 0x80;
const maskLength = 4;
/** Payloads from here on have a 2-byte extended length. */
const shortPayload = 126;
/** Octets up to which a piece is masked here: a frame's header costs a native call more than its work, and V8 a copy. */
const maskedHere = 64;

const slabs = new SlabPool();
const randomPool = Buffer.allocUnsafeSlow(8 * 1024);
let randomUsed = randomPool.length;

export class MessageWriter {
  readonly #socket: Socket;
  readonly #masked: boolean;
  #pieces: Uint8Array[] = [];
  #waiting = 0;
  /** Payloads of the messages that are full, or too full for the frame that came next. */
  #messages: number[] = [];
  /** Payload of the message that takes the next frame. */
  #open = 0;

  /** `masked`: this side is the WebSocket client (RFC 6455 section 5.3). */
  constructor(socket: Socket, masked: boolean) {
    this.#socket = socket;
    this.#masked = masked;
    if (!masked && socket instanceof TLSSocket)
      socket.setMaxSendFragment(this.#headerLength(fullPayload) + fullPayload);
  }

  /** Bytes that have been added and not flushed. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether a frame of `length`, its header included, is as long as a frame can be in one message. */
  isFull(length: number): boolean {
    return length === fullPayload;
  }

  /** Whether a full frame would come behind a short message in the same write, and so lie in two records. */
  straddles(length: number): boolean {
    return this.isFull(length) && this.#open > 0;
  }

  /** Adds one frame, which is all of `pieces`; they must not change before `flush`. */
  add(...pieces: readonly (Uint8Array | null)[]): void {
    let length = 0;
    for (const piece of pieces) {
      if (piece === null) continue;
      this.#pieces.push(piece);
      length += piece.length;
    }
    this.#waiting += length;
    this.#pack(length);
  }

  /** Sends what has been added, in one write. */
  flush(): void {
    const source = new PieceReader(this.#pieces);
    const messages = this.#takeMessages();
    const length = messages.reduce((sum, payload) => sum + this.#headerLength(payload) + payload, 0);
    if (length === 0) return;
    const slab = slabs.take(length);
    let at = 0;
    for (const payload of messages) at = this.#writeMessage(slab.bytes, at, source, payload);
    this.#socket.write(slab.bytes, () => {
      slab.release();
    });
  }

  /** Forgets what has been added. */
  drop(): void {
    this.#takeMessages();
  }

  #pack(length: number): void {
    if (this.#open > 0 && this.#open + length > fullPayload) this.#close();
    let left = length;
    for (; left > fullPayload; left -= fullPayload) this.#messages.push(fullPayload);
    this.#open += left;
    if (this.#open === fullPayload) this.#close();
  }

  #close(): void {
    this.#messages.push(this.#open);
    this.#open = 0;
  }

  #takeMessages(): readonly number[] {
    if (this.#open > 0) this.#close();
    const messages = this.#messages;
    this.#messages = [];
    this.#pieces = [];
    this.#waiting = 0;
    return messages;
  }

  #headerLength(payload: number): number {
    return (payload < shortPayload ? 2 : 4) + (this.#masked ? maskLength : 0);
  }

  /** Writes one message at `at`; where the next one goes. */
  #writeMessage(target: Buffer, at: number, source: PieceReader, payload: number): number {
    const extended = payload >= shortPayload;
    target[at] = binaryFrame;
    target[at + 1] = (extended ? shortPayload : payload) | (this.#masked ? maskBit : 0);
    if (extended) target.writeUInt16BE(payload, at + 2);
    const start = at + this.#headerLength(payload);
    source.copy(target, start, payload, this.#masked ? freshKey(target, start) : null);
    return start + payload;
  }
}

/** Writes a fresh masking key before the payload at `start`, and returns it. */
function freshKey(target: Buffer, start: number): Buffer {
  if (randomUsed + maskLength > randomPool.length) {
    randomFillSync(randomPool);
    randomUsed = 0;
  }
  const key = target.subarray(start - maskLength, start);
  randomPool.copy(key, 0, randomUsed, randomUsed + maskLength);
  randomUsed += maskLength;
  return key;
}

/** The key as it applies from octet `at` of the payload on. */
function turned(key: Buffer, at: number): Buffer {
  const turn = at % maskLength;
  return turn === 0 ? key : Buffer.concat([key.subarray(turn), key.subarray(0, turn)]);
}

/** Writes `part`, which begins at octet `from` of the payload, masked to `at` (RFC 6455 section 5.3). */
function mask(part: Uint8Array, key: Buffer, from: number, target: Buffer, at: number): void {
  for (let i = 0; i < part.length; i += 1) {
    target[at + i] = (part[i] ?? 0) ^ (key[(from + i) % maskLength] ?? 0);
  }
}

/** Reads a row of pieces as if they were one. */
class PieceReader {
  readonly #pieces: readonly Uint8Array[];
  #index = 0;
  #offset = 0;

  constructor(pieces: readonly Uint8Array[]) {
    this.#pieces = pieces;
  }

  /** Copies `length` octets to `at`, masked on the way where there is a `key`: one pass over memory, not two. */
  copy(target: Buffer, at: number, length: number, key: Buffer | null): void {
    let left = length;
    while (left > 0) {
      const piece = this.#pieces[this.#index];
      if (piece === undefined) return;
      const take = Math.min(left, piece.length - this.#offset);
      const isWhole = this.#offset === 0 && take === piece.length;
      const part = isWhole ? piece : piece.subarray(this.#offset, this.#offset + take);
      const done = length - left;
      if (key === null) target.set(part, at + done);
      else if (take <= maskedHere) mask(part, key, done, target, at + done);
      else bufferUtil.mask(part, turned(key, done), target, at + done, take);
      left -= take;
      this.#offset += take;
      if (this.#offset === piece.length) {
        this.#index += 1;
        this.#offset = 0;
      }
    }
  }
}
