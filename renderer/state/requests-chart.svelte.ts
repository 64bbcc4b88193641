// The chart above the list: requests a second, errors, and how long they took, over the time that the filter takes. It is
// read anew while the log grows, but seldom. Must read nothing while it is folded away.
import type { RequestChart } from '../../shared/contracts/console/models.ts';
import { asGatehouseError } from '../../shared/contracts/errors.ts';
import type { GatehouseError } from '../../shared/contracts/errors.ts';
import type { ConsoleClient } from '../api/client.ts';
import type { ColumnStorage } from './requests-columns.svelte.ts';

const buckets = 120;
/** Between two readings while the list follows, and while it does not, milliseconds. */
const followGapMs = 2000;
const heldGapMs = 15_000;
const openKey = 'gatehouse.requests.chart';

export class RequestsChart {
  open = $state(true);
  /** Numbers in a table in place of the lines. */
  table = $state(false);
  data = $state.raw<RequestChart | null>(null);
  problem = $state.raw<GatehouseError | null>(null);
  readonly #client: Pick<ConsoleClient, 'call'>;
  readonly #storage: ColumnStorage;
  #filter = '';
  #readAt = 0;
  #tookMs = 0;
  #abort: AbortController | null = null;

  constructor(client: Pick<ConsoleClient, 'call'>, storage: ColumnStorage) {
    this.#client = client;
    this.#storage = storage;
    this.open = this.#stored() !== 'no';
  }

  ask(filter: string): void {
    this.#filter = filter;
    this.#abort?.abort();
    this.#abort = null;
    void this.#read();
  }

  changed(following: boolean): void {
    const gap = Math.max(following ? followGapMs : heldGapMs, 5 * this.#tookMs);
    if (this.#abort === null && performance.now() - this.#readAt > gap) void this.#read();
  }

  toggle(): void {
    this.open = !this.open;
    try {
      this.#storage.setItem(openKey, this.open ? 'yes' : 'no');
    } catch {
      // The browser keeps nothing: the choice lasts as long as the page.
    }
    if (this.open) void this.#read();
  }

  retry(): void {
    void this.#read();
  }

  stop(): void {
    this.#abort?.abort();
  }

  #stored(): string | null {
    try {
      return this.#storage.getItem(openKey);
    } catch {
      return null;
    }
  }

  async #read(): Promise<void> {
    if (!this.open) return;
    const abort = new AbortController();
    this.#abort = abort;
    this.#readAt = performance.now();
    try {
      const args = { filter: this.#filter, from: null, to: null, buckets };
      const data = await this.#client.call('requests.chart', args, { signal: abort.signal });
      if (abort.signal.aborted) return;
      this.data = data;
      this.problem = null;
    } catch (error) {
      if (!abort.signal.aborted) this.problem = asGatehouseError(error);
    } finally {
      this.#tookMs = performance.now() - this.#readAt;
      if (this.#abort === abort) this.#abort = null;
    }
  }
}
