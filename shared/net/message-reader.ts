// A short way past the WebSocket library for what nearly all traffic is: whole binary messages (RFC 6455
// section 5). Their payload is handed on as it arrives, uncopied. Every other byte (text, ping, pong, close,
// fragments, anything malformed or too large) goes to the library as if this were not here, and the library
// alone decides what it means.
import type { Socket } from 'node:net';
import bufferUtil from 'bufferutil';
import { duringRead } from './end-of-read.ts';
import { takeDirectly } from './socket-intake.ts';

const wholeBinary = 0x82;
const finBit = 0x80;
const opcodeBits = 0x0f;
const maskBit = 0x80;
const lengthBits = 0x7f;
const maskLength = 4;
const maxHeaderLength = 14;
/** Opcodes from here on are control frames, which may come between fragments (section 5.4). */
const firstControl = 0x8;

export interface MessageReaderOptions {
  /** Whether the peer masks: it is the WebSocket client (section 5.3). */
  readonly masked: boolean;
  /** Payload of the largest message that takes the short way, in bytes. */
  readonly maxLength: number;
  /** Octets of binary messages, in order; where messages begin and end is not told. */
  readonly binary: (octets: Buffer) => void;
}

/**
 * Puts the short way in front of the WebSocket library on an open `socket`. Where the library listens in a way that
 * this does not know, everything goes through the library. Call what is returned when the library reports an error:
 * it reads no more then, and neither does this.
 */
export function readBinaryMessages(socket: Socket, options: MessageReaderOptions): () => void {
  const listeners = socket.listeners('data') as ((this: Socket, chunk: Buffer) => void)[];
  const [library] = listeners;
  if (library === undefined || listeners.length !== 1) return () => undefined;
  const reader = new MessageReader(options, (octets) => {
    library.call(socket, octets);
  });
  const take = (chunk: Buffer): void => {
    reader.push(chunk);
  };
  const push = (chunk: Buffer): void => {
    duringRead(take, chunk);
  };
  socket.off('data', library);
  socket.on('data', push);
  takeDirectly(socket, push);
  return () => {
    reader.stop();
  };
}

/** Where the next octets go. */
type State = 'header' | 'binary' | 'library' | 'library for good' | 'stopped';

export class MessageReader {
  readonly #options: MessageReaderOptions;
  readonly #toLibrary: (octets: Buffer) => void;
  readonly #header = Buffer.alloc(maxHeaderLength);
  readonly #key = Buffer.alloc(maskLength);
  #state: State = 'header';
  #headerBytes = 0;
  /** Payload octets still to come. */
  #left = 0;
  #inFragments = false;

  constructor(options: MessageReaderOptions, toLibrary: (octets: Buffer) => void) {
    this.#options = options;
    this.#toLibrary = toLibrary;
  }

  /** What still arrives is dropped. */
  stop(): void {
    this.#state = 'stopped';
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.#state !== 'stopped') {
      if (this.#state === 'header') at = this.#takeHeader(chunk, at);
      else if (this.#state === 'library for good') {
        this.#toLibrary(chunk.subarray(at));
        return;
      } else at = this.#takePayload(chunk, at);
    }
  }

  #takePayload(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    const octets = chunk.subarray(at, end);
    const isBinary = this.#state === 'binary';
    this.#left -= octets.length;
    if (this.#left === 0) this.#state = 'header';
    if (!isBinary) this.#toLibrary(octets);
    else {
      if (this.#options.masked) this.#unmask(octets);
      this.#options.binary(octets);
    }
    return end;
  }

  #takeHeader(chunk: Buffer, at: number): number {
    while (at < chunk.length) {
      this.#header[this.#headerBytes] = chunk[at] ?? 0;
      this.#headerBytes += 1;
      at += 1;
      if (this.#headerBytes >= 2 && this.#headerBytes === this.#headerLength()) {
        this.#decide();
        break;
      }
    }
    return at;
  }

  #headerLength(): number {
    const second = this.#header[1] ?? 0;
    const short = second & lengthBits;
    return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + ((second & maskBit) === 0 ? 0 : maskLength);
  }

  /** The header is whole: whose frame is it? */
  #decide(): void {
    const length = this.#headerBytes;
    this.#headerBytes = 0;
    this.#left = this.#payloadLength();
    const masked = ((this.#header[1] ?? 0) & maskBit) !== 0;
    const isOurs = this.#header[0] === wholeBinary && masked === this.#options.masked && !this.#inFragments;
    if (isOurs && this.#left <= this.#options.maxLength) {
      if (masked) this.#header.copy(this.#key, 0, length - maskLength, length);
      this.#state = this.#left === 0 ? 'header' : 'binary';
      return;
    }
    this.#noteFragments();
    this.#state = this.#left === 0 ? 'header' : 'library';
    if (this.#left > this.#options.maxLength) this.#state = 'library for good';
    this.#toLibrary(Buffer.from(this.#header.subarray(0, length)));
  }

  #payloadLength(): number {
    const short = (this.#header[1] ?? 0) & lengthBits;
    if (short === 126) return this.#header.readUInt16BE(2);
    return short === 127 ? Number(this.#header.readBigUInt64BE(2)) : short;
  }

  #noteFragments(): void {
    const first = this.#header[0] ?? 0;
    if ((first & opcodeBits) < firstControl) this.#inFragments = (first & finBit) === 0;
  }

  /** In place; leaves the key turned to where the next octets of the message go on. */
  #unmask(octets: Buffer): void {
    bufferUtil.mask(octets, this.#key, octets, 0, octets.length);
    const turn = octets.length % maskLength;
    if (turn === 0) return;
    const [a = 0, b = 0, c = 0, d = 0] = this.#key;
    const turned = [a, b, c, d, a, b, c, d].slice(turn, turn + maskLength);
    this.#key.set(turned);
  }
}
