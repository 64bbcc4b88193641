// Work on documents that is under way, each once for all who ask for it. Whoever has waited long enough is told that it
// is still being prepared, and how far it is; the work goes on and its result is there, or nearly so, when they ask
// again. Must never let a failure be lost that somebody was sent away from: they would start it over and over.
import { preparingError } from '../../../shared/device/preparing.ts';
import type { Preparing } from '../../../shared/device/preparing.ts';

/** How far a piece of work is; whoever works keeps it. */
export type Progress = { -readonly [Name in keyof Preparing]: Preparing[Name] };

/** How long somebody waits for an answer, in milliseconds: far less than any client's own patience. */
const defaultAnswerWithinMs = 5_000;
/** How long a failure is kept for those who were sent away, in milliseconds. They ask again after one second. */
const failureKeptMs = 15_000;

interface Work<T> {
  readonly result: Promise<T>;
  readonly progress: Progress;
  hasSentAway: boolean;
}

export class UnderWay<T> {
  readonly #answerWithinMs: number;
  readonly #works = new Map<string, Work<T>>();

  constructor(answerWithinMs = defaultAnswerWithinMs) {
    this.#answerWithinMs = answerWithinMs;
  }

  /** What `run` makes, begun unless it is under way. @throws GatehouseError `document_preparing`; what `run` throws */
  result(key: string, run: (progress: Progress) => Promise<T>): Promise<T> {
    return this.#within(this.#works.get(key) ?? this.#begin(key, run));
  }

  /** Resolves when nothing is under way any more. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#works.values()].map(({ result }) => result));
  }

  #begin(key: string, run: (progress: Progress) => Promise<T>): Work<T> {
    const progress = { done: 0, total: 0 };
    const work: Work<T> = { result: run(progress), progress, hasSentAway: false };
    this.#works.set(key, work);
    const forget = (): void => void this.#works.delete(key);
    work.result.then(forget, () => {
      if (work.hasSentAway) setTimeout(forget, failureKeptMs).unref();
      else forget();
    });
    return work;
  }

  #within(work: Work<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        work.hasSentAway = true;
        reject(preparingError(work.progress));
      }, this.#answerWithinMs);
      work.result.finally(() => clearTimeout(timer)).then(resolve, reject);
    });
  }
}
