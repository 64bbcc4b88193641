// Rows that come page by page with a cursor: the first page, more of them, the same from the start again. What an earlier
// question answers late is dropped, so that the rows shown are always of the question that was asked last.
import { asGatehouseError } from '../../shared/contracts/errors.ts';
import type { GatehouseError } from '../../shared/contracts/errors.ts';

export interface Rows<T> {
  readonly rows: readonly T[];
  /** For those after the last one; null at the end. */
  readonly next: string | null;
}

export class PagedRows<T> {
  /** Null until the first page has come. */
  rows = $state.raw<readonly T[] | null>(null);
  loading = $state<'first' | 'more' | null>(null);
  problem = $state.raw<GatehouseError | null>(null);
  /** Whether more than the first page is shown. */
  extended = $state(false);
  #next = $state.raw<string | null>(null);
  #asked = 0;
  readonly #ask: (cursor: string | null) => Promise<Rows<T>>;

  constructor(ask: (cursor: string | null) => Promise<Rows<T>>) {
    this.#ask = ask;
  }

  get hasMore(): boolean {
    return this.#next !== null;
  }

  /** From the start: of another question the old rows go at once, of the same one when the new ones are there. */
  async load({ keep = false }: { readonly keep?: boolean } = {}): Promise<void> {
    if (!keep) this.rows = null;
    await this.#take('first', null, () => []);
  }

  async more(): Promise<void> {
    if (this.loading !== null || this.#next === null) return;
    await this.#take('more', this.#next, () => this.rows ?? []);
  }

  async #take(loading: 'first' | 'more', cursor: string | null, before: () => readonly T[]): Promise<void> {
    const asked = (this.#asked += 1);
    this.loading = loading;
    this.problem = null;
    try {
      const { rows, next } = await this.#ask(cursor);
      if (asked !== this.#asked) return;
      this.rows = [...before(), ...rows];
      this.extended = loading === 'more';
      this.#next = next;
    } catch (error) {
      if (asked === this.#asked) this.problem = asGatehouseError(error);
    } finally {
      if (asked === this.#asked) this.loading = null;
    }
  }
}
