// One call's time limit and cancelling, from the moment it is sent until the last part of its answer. It says why a call
// ended; what the relay has said it must never look at.
import { certificateRefusal } from '../contracts/certificate-refusal.ts';
import { GatehouseError } from '../contracts/errors.ts';
import type { BodyReader } from './body-reader.ts';
import type { Bytes } from './bytes.ts';

/** The body of an answer as it comes. */
export interface AnswerBody {
  /** The next part, or null behind the last one. @throws GatehouseError `relay_unreachable`, `timeout`, `cancelled` */
  next(): Promise<Bytes | null>;
  /** Where no more of it is wanted; behind the last part, or an error, it has ended by itself. */
  end(): void;
}

/** Breaking off the iteration ends the body. */
export async function* partsOf(body: AnswerBody): AsyncGenerator<Bytes> {
  try {
    for (let part = await body.next(); part !== null; part = await body.next()) yield part;
  } finally {
    body.end();
  }
}

export class CallWatch {
  readonly #timeoutMs: number;
  readonly #outer: AbortSignal | undefined;
  readonly #controller = new AbortController();
  /** Of the part that is awaited: a body that ignores the signal must not keep its reader waiting. */
  #giveUp: (() => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Since when the relay has been waited for, in milliseconds of `performance.now()`; null while nobody waits for it. */
  #waitingSince: number | null = null;
  #late = false;

  constructor(timeoutMs: number, outer: AbortSignal | undefined) {
    this.#timeoutMs = timeoutMs;
    this.#outer = outer;
    this.#controller.signal.addEventListener('abort', () => this.#giveUp?.());
    if (outer?.aborted === true) this.#controller.abort();
    outer?.addEventListener('abort', this.#abort);
    this.#waitingSince = performance.now();
    this.#lookIn(timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The body that `reader` reads, and the end of the watch with it. */
  body(reader: BodyReader): AnswerBody {
    const end = (): void => {
      this.stop();
      reader.cancel();
    };
    return { next: () => this.#next(reader, end), end };
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#abort);
  }

  explain(error: unknown): GatehouseError {
    if (error instanceof GatehouseError) return error;
    if (this.#late) return late();
    if (this.#outer?.aborted === true) return new GatehouseError('cancelled', 'The request was cancelled.');
    const message =
      certificateRefusal(error) ??
      'The relay cannot be reached, or broke off. Check the connection and try again.';
    return new GatehouseError('relay_unreachable', message, { cause: error });
  }

  async #next(reader: BodyReader, end: () => void): Promise<Bytes | null> {
    try {
      this.#waitingSince = performance.now();
      const part = await this.#unlessAborted(reader.read());
      // A reader may take its time; only the relay may not.
      this.#waitingSince = null;
      if (part === null) end();
      return part;
    } catch (error) {
      end();
      throw this.explain(error);
    }
  }

  /**
   * `part`, or an error as soon as the call is aborted. A promise of its own for each part: raced against one promise that
   * outlives them, all parts would be held until the body ends.
   */
  async #unlessAborted<T>(part: Promise<T>): Promise<T> {
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#giveUp = () => reject(new Error('aborted'));
        if (this.signal.aborted) this.#giveUp();
        part.then(resolve, reject);
      });
    } finally {
      this.#giveUp = null;
    }
  }

  /** One timer for all parts, which come many a millisecond: where there has been news meanwhile, it goes on for the rest. */
  #lookIn(milliseconds: number): void {
    this.#timer = setTimeout(() => {
      const waited = this.#waitingSince === null ? 0 : performance.now() - this.#waitingSince;
      if (waited < this.#timeoutMs) this.#lookIn(this.#timeoutMs - waited);
      else {
        this.#late = true;
        this.#controller.abort();
      }
    }, milliseconds);
  }

  readonly #abort = (): void => this.#controller.abort();
}

export function late(): GatehouseError {
  return new GatehouseError('timeout', 'No answer came in time. Try again.');
}
