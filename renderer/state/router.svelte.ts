// Where in the console one is: the fragment of the page's address (`#/requests?filter=rpc:ping`) as reactive state.
// Must hold nothing secret: addresses land in the browser's history.
import { formatHash, parseHash } from './address.ts';
import type { Location, Query } from './address.ts';

export class Router {
  #location = $state.raw<Location>(parseHash(''));
  readonly #window: Window;

  constructor(page: Window) {
    this.#window = page;
    this.#location = parseHash(page.location.hash);
    page.addEventListener('hashchange', () => this.#follow());
  }

  get path(): string {
    return this.#location.path;
  }

  /** One value of the query; empty where it has none. */
  query(name: string): string {
    return this.#location.query.get(name) ?? '';
  }

  /** Goes to a page, with an entry in the history. */
  go(path: string, query: Query = {}): void {
    this.#window.location.hash = formatHash(path, query);
    this.#follow();
  }

  /** Changes some values of the present page's query without an entry in the history; null removes one. */
  replaceQuery(change: Query): void {
    const query = { ...Object.fromEntries(this.#location.query), ...change };
    this.#window.history.replaceState(null, '', formatHash(this.path, query));
    this.#follow();
  }

  #follow(): void {
    this.#location = parseHash(this.#window.location.hash);
  }
}
