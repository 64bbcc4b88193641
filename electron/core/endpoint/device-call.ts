// One stream of kind `device`: its first frame, its body within the limit of what it asks for, and one answer. All of it
// is a stranger's bytes through an untrusted relay; each failure ends its own stream alone.
import type { Duplex } from 'node:stream';
import * as v from 'valibot';
import { deviceBodyLimit, deviceRequestFrame, maxDeviceFrame } from '../../../shared/contracts/device-api.ts';
import type { DeviceAnswerFrame, DeviceRequestFrame } from '../../../shared/contracts/device-api.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { Bytes } from '../../../shared/device/agent.ts';
import { encodePrefixed } from '../../../shared/net/prefixed.ts';

/** How long a body may take to arrive, and a stream to close once it was answered, in milliseconds. */
const bodyTimeoutMs = 30_000;
const lingerMs = 5_000;
/** Longest body that is sent in one piece with its frame, in bytes. */
const maxJoined = 16 * 1024;

/** Bytes of bodies that are arriving, of all streams together. */
export class BodyBudget {
  readonly #max: number;
  #taken = 0;

  constructor(maxBytes: number) {
    this.#max = maxBytes;
  }

  /** False where there is no room. */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.#max) return false;
    this.#taken += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#taken -= bytes;
  }
}

/** @throws GatehouseError `header_malformed` */
export function parseDeviceFrame(json: unknown): DeviceRequestFrame {
  const result = v.safeParse(deviceRequestFrame, json);
  if (result.success) return result.output;
  throw new GatehouseError('header_malformed', 'The first frame of the device stream is of no known form.');
}

export class DeviceCall {
  readonly #duplex: Duplex;
  readonly #budget: BodyBudget;
  readonly #onClosed = new Set<() => void>();
  #answered = false;
  #whole = false;
  #closed = false;

  constructor(duplex: Duplex, budget: BodyBudget) {
    this.#duplex = duplex;
    this.#budget = budget;
    duplex.on('error', () => undefined);
    duplex.once('close', () => {
      this.#closed = true;
      for (const tell of this.#onClosed) tell();
      this.#onClosed.clear();
    });
  }

  /** The relay, or the app behind it, went away before it had the whole answer. */
  get aborted(): boolean {
    return this.#closed && !this.#whole;
  }

  /** Called once when the stream is over. */
  onClosed(tell: () => void): void {
    if (this.#closed) tell();
    else this.#onClosed.add(tell);
  }

  /** @throws GatehouseError `body_too_large`, `limit_exceeded`, `truncated`, `timeout` */
  readBody(operation: DeviceRequestFrame['operation']): Promise<Bytes> {
    const [duplex, limit] = [this.#duplex, deviceBodyLimit[operation]];
    const chunks: Buffer[] = [];
    let length = 0;
    let settled = (): void => undefined;
    return new Promise<Bytes>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new GatehouseError('timeout', 'The body did not arrive in time.'));
      }, bodyTimeoutMs).unref();
      duplex.on('data', (chunk: Buffer) => {
        if (length + chunk.length > limit) return reject(tooLarge(limit));
        if (!this.#budget.take(chunk.length)) return reject(noRoom());
        length += chunk.length;
        chunks.push(chunk);
      });
      duplex.once('end', () => {
        resolve(joined(chunks, length));
      });
      const closed = (): void => {
        reject(new GatehouseError('truncated', 'The body ended before its end.'));
      };
      duplex.once('close', closed);
      settled = () => {
        clearTimeout(timer);
        duplex.off('close', closed);
      };
    }).finally(() => {
      settled();
      this.#budget.giveBack(length);
      duplex.removeAllListeners('data');
      duplex.resume();
    });
  }

  /** A whole answer; nothing where one was given already. */
  answer(frame: Omit<DeviceAnswerFrame, 'v' | 'length'>, body: Uint8Array): void {
    if (this.#answered || this.#duplex.destroyed) return;
    this.#answered = true;
    const head = encodePrefixed({ v: 1, ...frame, length: body.length });
    // One write where that costs no copy worth a word: one frame on the wire, one message at the relay.
    if (body.length <= maxJoined) this.#duplex.write(Buffer.concat([head, body]));
    else {
      this.#duplex.write(head);
      this.#duplex.write(body);
    }
    this.#end();
  }

  /** A streamed answer; resolves when its last byte was handed over. @throws what broke it off, having broken it off */
  async answerStream(body: AsyncIterable<Uint8Array>): Promise<void> {
    if (this.#answered || this.#duplex.destroyed) throw wentAway();
    this.#answered = true;
    const frame = { v: 1, status: 200, contentType: 'application/octet-stream', length: null };
    this.#duplex.write(encodePrefixed(frame, maxDeviceFrame));
    try {
      for await (const chunk of body) {
        if (!this.#duplex.write(chunk)) await this.#drained();
        if (this.#duplex.destroyed) throw wentAway();
      }
      this.#end();
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  /** Breaks the stream off, so that the caller sees no complete answer. */
  abort(): void {
    this.#duplex.destroy();
  }

  /** Says that all is said, and waits no longer than `lingerMs` for the other end to close. */
  #end(): void {
    this.#duplex.end(() => {
      this.#whole = true;
    });
    const timer = setTimeout(() => {
      this.abort();
    }, lingerMs).unref();
    this.onClosed(() => {
      clearTimeout(timer);
    });
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#onClosed.delete(done);
        this.#duplex.off('drain', done);
        resolve();
      };
      this.#duplex.once('drain', done);
      this.onClosed(done);
    });
  }
}

function joined(chunks: readonly Buffer[], length: number): Bytes {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function tooLarge(limit: number): GatehouseError {
  return new GatehouseError('body_too_large', `The body of this call has at most ${limit} bytes.`);
}

function noRoom(): GatehouseError {
  return new GatehouseError(
    'limit_exceeded',
    'The service is taking in too much at once. Try again shortly.',
  );
}

function wentAway(): GatehouseError {
  return new GatehouseError('cancelled', 'The caller went away.');
}
