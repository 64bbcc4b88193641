// HTTP/2 frames by hand (RFC 9113 section 4.1, HPACK of RFC 7541 without tables), so that a test can send what no
// library would, and see what comes back. Must not correct what the test sends.
import type { TLSSocket } from 'node:tls';

export const h2Type = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goAway: 7,
  window: 8,
  continuation: 9,
} as const;
export const h2Flag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8 } as const;

/** One frame; `length` is the payload's unless it is said. */
export function h2Frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
  length = payload.length,
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A field as a literal that no table keeps. Name and value are ASCII. */
export function h2Field(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  return Buffer.concat([integer(bytes.length), bytes]);
}

/** RFC 7541 section 5.1 with a prefix of seven bits. */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

/** The fields of `POST path`, and more. */
export function h2Post(path: string, more: readonly Buffer[] = []): Buffer {
  const pseudo = [h2Field(':method', 'POST'), h2Field(':scheme', 'https'), h2Field(':path', path)];
  return Buffer.concat([...pseudo, h2Field(':authority', 'x'), ...more]);
}

export const h2Preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  h2Frame(h2Type.settings, 0, 0),
]);

export interface SeenFrame {
  readonly type: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** What arrives on `socket` from now on, as frames. */
export class H2Reader {
  readonly frames: SeenFrame[] = [];
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: TLSSocket) {
    socket.on('data', (chunk: Buffer) => {
      this.#take(chunk);
    });
  }

  /** In words: `go-away 1`, else `reset 1`, else `answer`, else `nothing`; the number is the error code. */
  get outcome(): string {
    const goAway = this.frames.find(({ type }) => type === h2Type.goAway);
    if (goAway !== undefined) return `go-away ${goAway.payload.readUInt32BE(4)}`;
    const reset = this.frames.find(({ type }) => type === h2Type.reset);
    if (reset !== undefined) return `reset ${reset.payload.readUInt32BE(0)}`;
    return this.frames.some(({ type }) => type === h2Type.headers) ? 'answer' : 'nothing';
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 9) {
      const length = 9 + this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < length) return;
      const payload = Buffer.from(this.#rest.subarray(9, length));
      this.frames.push({ type: this.#rest[3] ?? 0, stream: this.#rest.readUInt32BE(5), payload });
      this.#rest = this.#rest.subarray(length);
    }
  }
}
