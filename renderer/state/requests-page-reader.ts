// Reads the pages of a long list, one after the other: the page that is needed most first, and what is new when there is
// time for it.
// Must never have two pages under way at once, and never look at the service more than `liveFetchesPerSecond` times a
// second however much happens there.
import { asGatehouseError } from '../../shared/contracts/errors.ts';
import type { GatehouseError } from '../../shared/contracts/errors.ts';
import type { Fetch, Row, RowPage } from './requests-window.ts';

const liveFetchesPerSecond = 10;
const liveGapMs = 1000 / liveFetchesPerSecond;
/** Until a page that failed is asked for again, where there are rows to look at meanwhile. */
const retryMs = 3000;

export interface SourcePage<R extends Row> extends RowPage<R> {
  readonly newestId: number;
}

/** One question: a filter and an order. Rejects with a GatehouseError. */
export type ReadRows<R extends Row> = (
  fetch: Fetch,
  limit: number,
  signal: AbortSignal,
) => Promise<SourcePage<R>>;

/** The list that the pages are read for. */
export interface PageTaker<R extends Row> {
  /** Whether the list takes pages: not after a cancel or a failure. */
  readonly mayRead: () => boolean;
  readonly need: () => Fetch | null;
  readonly news: () => Fetch | null;
  /** Rows to ask for. */
  readonly limitOf: (fetch: Fetch) => number;
  readonly take: (fetch: Fetch, page: SourcePage<R>) => void;
  readonly fail: (fetch: Fetch, error: GatehouseError) => void;
}

interface Run {
  readonly fetch: Fetch;
  readonly abort: AbortController;
}

export class PageReader<R extends Row> {
  /** There is something new that has not been looked for. */
  due = false;
  readonly #list: PageTaker<R>;
  #read: ReadRows<R> | null = null;
  #run: Run | null = null;
  #lastLiveAt = 0;
  #lastTookMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(list: PageTaker<R>) {
    this.#list = list;
  }

  get asked(): boolean {
    return this.#read !== null;
  }

  /** Pages are of this question from now on; `pump` reads the first. */
  ask(read: ReadRows<R>): void {
    this.#read = read;
  }

  /** Ends the page that is under way. */
  abort(): void {
    this.#run?.abort.abort();
  }

  stop(): void {
    this.#read = null;
    clearTimeout(this.#timer);
    this.abort();
  }

  retryLater(retry: () => void): void {
    this.#timer = setTimeout(retry, retryMs);
  }

  /** Starts the page that is needed most; one that is under way for another question is ended first. */
  pump(): void {
    if (this.#read === null || !this.#list.mayRead()) return;
    const need = this.#list.need();
    if (this.#run !== null) {
      if (need !== null && isJump(need) && need !== this.#run.fetch) this.abort();
      return;
    }
    const fetch = need ?? this.#liveFetch();
    if (fetch !== null) void this.#perform(this.#read, fetch);
  }

  /** What is new, if it is time to look; else it is looked for in time. A slow service is asked less often. */
  #liveFetch(): Fetch | null {
    if (!this.due) return null;
    const wait = this.#lastLiveAt + Math.max(liveGapMs, 2 * this.#lastTookMs) - performance.now();
    clearTimeout(this.#timer);
    if (wait > 0) {
      this.#timer = setTimeout(() => this.pump(), wait);
      return null;
    }
    this.due = false;
    this.#lastLiveAt = performance.now();
    return this.#list.news();
  }

  async #perform(read: ReadRows<R>, fetch: Fetch): Promise<void> {
    const run: Run = { fetch, abort: new AbortController() };
    this.#run = run;
    const began = performance.now();
    try {
      const page = await read(fetch, this.#list.limitOf(fetch), run.abort.signal);
      this.#lastTookMs = performance.now() - began;
      if (!run.abort.signal.aborted && read === this.#read) this.#list.take(fetch, page);
    } catch (error) {
      if (!run.abort.signal.aborted) this.#list.fail(fetch, asGatehouseError(error));
    } finally {
      this.#run = null;
      this.pump();
    }
  }
}

function isJump(fetch: Fetch): boolean {
  return fetch.kind !== 'after' && fetch.kind !== 'before' && fetch.kind !== 'refresh';
}
