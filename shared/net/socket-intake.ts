// What a socket receives, handed on without Node's Readable, and where it has dialled, read into slices of larger blocks:
// an allocation and several microseconds less for every TLS record. Until somebody takes the bytes directly (and
// wherever bytes still wait in the socket) they go the ordinary way, so that the HTTP upgrade works as always.
// Slices are never used twice: whoever keeps one keeps its block alive and nothing else.
import type { Socket } from 'node:net';

/** Bytes of a block: sixteen full TLS records. */
const blockLength = 256 * 1024;
/** A slice takes a whole TLS record (RFC 8446 section 5.1), so that none is handed on in two pieces. */
const sliceLength = 16 * 1024;

/** Socket options, as net.connect() and tls.connect() take them. */
export interface OnRead {
  buffer(): Uint8Array;
  callback(bytes: number, buffer: Uint8Array): boolean;
}

const intakes = new WeakMap<Socket, SocketIntake>();

export class SocketIntake {
  #block = Buffer.alloc(0);
  #used = 0;
  #socket: Socket | null = null;
  #take: ((chunk: Buffer) => void) | null = null;

  /** For the options of the socket; call `attach` with the socket before it has read anything. */
  readonly onread: OnRead = {
    buffer: () => this.#slice(),
    callback: (bytes) => {
      this.#received(bytes);
      return true;
    },
  };

  attach(socket: Socket): void {
    this.#socket = socket;
    intakes.set(socket, this);
  }

  #slice(): Uint8Array {
    if (this.#block.length - this.#used < sliceLength) {
      this.#block = Buffer.allocUnsafeSlow(blockLength);
      this.#used = 0;
    }
    return this.#block.subarray(this.#used);
  }

  #received(bytes: number): void {
    const chunk = this.#block.subarray(this.#used, this.#used + bytes);
    this.#used += bytes;
    const socket = this.#socket;
    if (this.#take !== null && socket?.readableLength === 0) this.#take(chunk);
    else socket?.push(chunk);
  }

  handTo(take: (chunk: Buffer) => void): void {
    this.#take = take;
  }
}

/** Hands what `socket` receives from now on to `take`, past its `data` events wherever that keeps the order. */
export function takeDirectly(socket: Socket, take: (chunk: Buffer) => void): void {
  const intake = intakes.get(socket);
  if (intake === undefined) takePushed(socket, take);
  else intake.handTo(take);
}

/**
 * An accepted socket can have no intake. What Node pushes into its Readable is taken at the door instead, while it flows
 * and nothing waits in it. Should Node push in another way one day, `data` events come as they always have.
 */
function takePushed(socket: Socket, take: (chunk: Buffer) => void): void {
  const push = socket.push.bind(socket);
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    const flows = socket.readableFlowing === true && socket.readableLength === 0 && !socket.destroyed;
    if (!flows || !Buffer.isBuffer(chunk)) return push(chunk, encoding);
    take(chunk);
    return true;
  };
}
