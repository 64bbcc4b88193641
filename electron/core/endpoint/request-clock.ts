// Measures where the time of one request goes, on the monotonic clock. Cheap: it is on the way of every request.
import type { RequestTiming } from '../../../shared/contracts/requests.ts';
import type { EndpointSession } from './session.ts';

/** Each mark is in milliseconds of performance.now(); 0 where it was not reached. */
export class RequestClock {
  readonly #arrived = performance.now();
  #onRecord = 0;
  #handling = 0;
  #handled = 0;
  #answering = 0;
  #answered = 0;

  onRecord(): void {
    this.#onRecord = performance.now();
  }

  handling(): void {
    this.#handling = performance.now();
  }

  /** The handler has given an answer, or failed. */
  handled(): void {
    if (this.#handled === 0 && this.#handling !== 0) this.#handled = performance.now();
  }

  /** The first byte of the answer is about to leave. */
  answering(): void {
    if (this.#answering === 0) this.#answering = performance.now();
  }

  /** The last one was handed over. */
  answered(): void {
    this.#answered = performance.now();
  }

  /** Milliseconds since the arrival. */
  get durationMs(): number {
    return performance.now() - this.#arrived;
  }

  /** Takes the times of the session's making with it, which belong to the first request that ends after them. */
  timing(session: EndpointSession): RequestTiming {
    return {
      queueMs: between(this.#arrived, this.#onRecord),
      ...session.takeOpeningTimes(),
      handlerMs: between(this.#handling, this.#handled),
      transferMs: between(this.#answering, this.#answered),
    };
  }
}

function between(start: number, end: number): number | null {
  return start === 0 || end === 0 ? null : end - start;
}
