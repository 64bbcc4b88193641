// How many requests the filter takes, how many have come since the list stopped following, and the oldest of them, for
// the scroll bar. Each is asked again while the log grows, but seldom. Must never count two things at once.
import type { RequestCount, RequestSort } from '../../shared/contracts/console/models.ts';
import type { ConsoleClient } from '../api/client.ts';
import type { LiveList } from './requests-live-list.svelte.ts';
import { laterThan } from './requests-terms.ts';

/** Between two counts, milliseconds. */
const gapMs = 1000;

type Caller = Pick<ConsoleClient, 'call'>;
type CountedList = Pick<LiveList<never>, 'following' | 'seenId' | 'oldestId' | 'total'>;

export class RequestsCount {
  /** Null until it is known. */
  total = $state.raw<RequestCount | null>(null);
  newer = $state.raw<RequestCount | null>(null);
  readonly #client: Caller;
  readonly #list: CountedList;
  #filter = '';
  #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #busy = false;

  constructor(client: Caller, list: CountedList) {
    this.#client = client;
    this.#list = list;
  }

  ask(filter: string, sort: RequestSort): void {
    this.stop();
    this.#abort = new AbortController();
    this.#filter = filter;
    this.#busy = false;
    this.total = null;
    this.newer = null;
    void this.#run(() => this.#begin(sort));
  }

  changed(): void {
    if (this.#list.following) this.newer = null;
    if (this.#list.following && this.total?.capped === true) return;
    clearTimeout(this.#timer);
    if (this.#busy) return;
    this.#timer = setTimeout(() => void this.#run(() => this.#again()), this.total === null ? 0 : gapMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  async #begin(sort: RequestSort): Promise<void> {
    await this.#countTotal();
    if (sort.key !== 'time' || this.total?.capped !== true) return;
    const args = { filter: this.#filter, sort, cursor: null, backwards: sort.descending, limit: 1 };
    const page = await this.#client.call('requests.page', args, { signal: this.#abort.signal });
    this.#list.oldestId = page.rows[0]?.id ?? null;
  }

  async #again(): Promise<void> {
    if (this.#list.following) return this.#countTotal();
    const filter = laterThan(this.#filter, this.#list.seenId);
    const newer = await this.#client.call('requests.count', { filter }, { signal: this.#abort.signal });
    if (!this.#list.following) this.newer = newer;
  }

  async #countTotal(): Promise<void> {
    const { signal } = this.#abort;
    const total = await this.#client.call('requests.count', { filter: this.#filter }, { signal });
    if (signal.aborted) return;
    this.total = total;
    this.#list.total = total.count;
  }

  async #run(work: () => Promise<void>): Promise<void> {
    const { signal } = this.#abort;
    this.#busy = true;
    try {
      await work();
    } catch {
      // The list asks the same question and tells why it fails; without a count the page shows none.
    } finally {
      if (!signal.aborted) this.#busy = false;
    }
  }
}
