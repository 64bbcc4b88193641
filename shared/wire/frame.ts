// The yamux frame codec: twelve bytes of header, and a parser that hands payload on as it arrives.
// It never buffers payload, and never trusts a declared length: its sink judges each header first.
// Source: hashicorp/yamux spec.md, "Framing".
import { GatehouseError } from '../contracts/errors.ts';

export const headerLength = 12;

/** Frame types (spec "Type Field"). */
export const frameType = { data: 0, windowUpdate: 1, ping: 2, goAway: 3 } as const;
export type FrameType = (typeof frameType)[keyof typeof frameType];

/** Flag bits (spec "Flag Field"): SYN opens, ACK accepts, FIN half-closes, RST ends at once. */
export const frameFlag = { none: 0, syn: 1, ack: 2, fin: 4, rst: 8 } as const;
const allFlags = 0b1111;

/** Codes of a go-away frame (spec "Go Away"). */
export const goAwayCode = { normal: 0, protocolError: 1, internalError: 2 } as const;
export type GoAwayCode = (typeof goAwayCode)[keyof typeof goAwayCode];

export interface FrameHeader {
  readonly type: FrameType;
  readonly flags: number;
  /** 0 is the session itself: pings and go-away. */
  readonly streamId: number;
  /** Payload bytes (data), credit in bytes (window update), opaque value (ping), code (go away). */
  readonly length: number;
}

/** What a parser feeds. `header` may throw a GatehouseError, which ends the connection. */
export interface FrameSink {
  header(header: FrameHeader): void;
  /** A piece of the payload of the data frame announced last: a view of the chunk received. */
  payload(bytes: Uint8Array): void;
  /** The payload is complete; also called for a data frame without payload. */
  payloadEnd(): void;
}

/** Encodes one header into new bytes; all four fields must be in range. */
export function encodeHeader(type: FrameType, flags: number, streamId: number, length: number): Uint8Array {
  const bytes = new Uint8Array(headerLength);
  bytes[1] = type;
  bytes[3] = flags;
  writeUint32(bytes, 4, streamId);
  writeUint32(bytes, 8, length);
  return bytes;
}

/**
 * Decodes the header at `offset`, which must have 12 bytes there.
 * @throws GatehouseError `wire_bad_version`, `wire_bad_type`
 */
export function decodeHeader(bytes: Uint8Array, offset: number): FrameHeader {
  if (bytes[offset] !== 0) {
    throw new GatehouseError('wire_bad_version', 'The peer sent a yamux frame of an unknown version.');
  }
  const type = bytes[offset + 1] ?? 0;
  const flags = ((bytes[offset + 2] ?? 0) << 8) | (bytes[offset + 3] ?? 0);
  if (type > frameType.goAway || (flags & ~allFlags) !== 0) {
    throw new GatehouseError('wire_bad_type', 'The peer sent a yamux frame of an unknown type.');
  }
  return {
    type: type as FrameType,
    flags,
    streamId: readUint32(bytes, offset + 4),
    length: readUint32(bytes, offset + 8),
  };
}

/** Cuts a byte stream into frames; chunks may end anywhere. One parser a connection. */
export class FrameParser {
  readonly #sink: FrameSink;
  readonly #partial = new Uint8Array(headerLength);
  #partialLength = 0;
  #payloadLeft = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** @throws GatehouseError of the codec or of the sink; the parser is of no use afterwards. */
  push(chunk: Uint8Array): void {
    let offset = 0;
    while (offset < chunk.length) {
      offset = this.#payloadLeft > 0 ? this.#takePayload(chunk, offset) : this.#takeHeader(chunk, offset);
    }
  }

  #takePayload(chunk: Uint8Array, offset: number): number {
    const end = Math.min(chunk.length, offset + this.#payloadLeft);
    this.#payloadLeft -= end - offset;
    this.#sink.payload(chunk.subarray(offset, end));
    if (this.#payloadLeft === 0) this.#sink.payloadEnd();
    return end;
  }

  #takeHeader(chunk: Uint8Array, offset: number): number {
    if (this.#partialLength === 0 && chunk.length - offset >= headerLength) {
      this.#accept(decodeHeader(chunk, offset));
      return offset + headerLength;
    }
    const end = Math.min(chunk.length, offset + headerLength - this.#partialLength);
    this.#partial.set(chunk.subarray(offset, end), this.#partialLength);
    this.#partialLength += end - offset;
    if (this.#partialLength === headerLength) {
      this.#partialLength = 0;
      this.#accept(decodeHeader(this.#partial, 0));
    }
    return end;
  }

  #accept(header: FrameHeader): void {
    this.#sink.header(header);
    if (header.type !== frameType.data) return;
    this.#payloadLeft = header.length;
    if (header.length === 0) this.#sink.payloadEnd();
  }
}

function readUint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16);
  return (high | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
