// A yamux session under test with a hand-written peer: frames go in byte by byte as the test says,
// and what the session sends back is there as decoded frames. Must not correct what the test sends.
import type { GatehouseError } from '../contracts/errors.ts';
import { decodeHeader, encodeHeader } from '../wire/frame.ts';
import type { FrameHeader, FrameType } from '../wire/frame.ts';
import type { WireLimits } from '../wire/limits.ts';
import { YamuxSession } from '../wire/session.ts';
import type { YamuxRole } from '../wire/session.ts';
import { StreamRecorder } from './stream-recorder.ts';

export interface SentFrame extends FrameHeader {
  readonly payload: Uint8Array | null;
}

export class RawPeer {
  readonly session: YamuxSession;
  /** What the session has sent, in order. */
  readonly sent: SentFrame[] = [];
  /** The streams that this peer opened, in order. */
  readonly opened: StreamRecorder[] = [];
  readonly goingAway: number[] = [];
  /** One entry for each time that `closed` was called: must never be more than one. */
  readonly closes: (GatehouseError | null)[] = [];
  /** Whether the session is told that its output is congested. */
  congested = false;

  constructor(role: YamuxRole, limits: Partial<WireLimits> = {}, credits = false) {
    const output = {
      write: (header: Uint8Array, first: Uint8Array | null, more: Uint8Array | null) => {
        const payload =
          first === null || more === null ? first : new Uint8Array(Buffer.concat([first, more]));
        this.sent.push({ ...decodeHeader(header, 0), payload });
        return !this.congested;
      },
    };
    const events = {
      stream: (stream: StreamRecorder['stream']) => {
        this.opened.push(new StreamRecorder(stream, credits));
      },
      goingAway: (code: number) => {
        this.goingAway.push(code);
      },
      closed: (error: GatehouseError | null) => {
        this.closes.push(error);
      },
    };
    this.session = new YamuxSession(role, output, events, limits);
  }

  /** Code of the error that the session ended with; null where it ended well, undefined while it lives. */
  get closeCode(): string | null | undefined {
    const [error] = this.closes;
    return error === undefined ? undefined : (error?.code ?? null);
  }

  get lastSent(): SentFrame | undefined {
    return this.sent.at(-1);
  }

  /** Hands all frames to the session as one chunk. */
  send(...frames: readonly Uint8Array[]): void {
    this.session.receive(Buffer.concat(frames));
  }

  sentOfStream(id: number): SentFrame[] {
    return this.sent.filter((frame) => frame.streamId === id);
  }
}

/** One frame; `length` is the payload's unless it is said, so that a test can lie. */
export function frame(type: number, flags: number, id: number, payload: Uint8Array | number = 0): Buffer {
  const bytes = typeof payload === 'number' ? new Uint8Array(0) : payload;
  const length = typeof payload === 'number' ? payload : payload.length;
  const header = encodeHeader(type as FrameType, flags & 0xff, id, length);
  header[2] = flags >>> 8;
  return Buffer.concat([header, bytes]);
}
