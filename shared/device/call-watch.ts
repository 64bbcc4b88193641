// One call's time limit and cancelling, from the moment it is sent until the last part of its answer. It says why a call
// ended; what the relay has said it must never look at.
import { certificateRefusal } from '../contracts/certificate-refusal.ts';
import { GatehouseError } from '../contracts/errors.ts';
import type { BodyReader } from './body-reader.ts';
import type { Bytes } from './bytes.ts';

export class CallWatch {
  readonly #timeoutMs: number;
  readonly #outer: AbortSignal | undefined;
  readonly #controller = new AbortController();
  /** Of the part that is awaited: a body that ignores the signal must not keep its reader waiting. */
  #giveUp: (() => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #late = false;

  constructor(timeoutMs: number, outer: AbortSignal | undefined) {
    this.#timeoutMs = timeoutMs;
    this.#outer = outer;
    this.#controller.signal.addEventListener('abort', () => this.#giveUp?.());
    if (outer?.aborted === true) this.#controller.abort();
    outer?.addEventListener('abort', this.#abort);
    this.#again();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The body as it comes. Breaking off the iteration cancels it. */
  async *read(reader: BodyReader): AsyncGenerator<Bytes> {
    try {
      for (;;) {
        this.#again();
        const part = await this.#unlessAborted(reader.read());
        // A reader may take its time; only the relay may not.
        clearTimeout(this.#timer);
        if (part === null) return;
        yield part;
      }
    } catch (error) {
      throw this.explain(error);
    } finally {
      this.stop();
      reader.cancel();
    }
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

  #again(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#late = true;
      this.#controller.abort();
    }, this.#timeoutMs);
  }

  readonly #abort = (): void => this.#controller.abort();
}

export function late(): GatehouseError {
  return new GatehouseError('timeout', 'No answer came in time. Try again.');
}
