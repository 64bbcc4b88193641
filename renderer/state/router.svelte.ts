// Where in the console one is: the fragment of the page's address (`#/requests?filter=rpc:ping`) as reactive state.
// Must hold nothing secret: addresses land in the browser's history.
export interface Location {
  /** Begins with a slash; `/` where the address has none. */
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
}

export type Query = Readonly<Record<string, string | null | undefined>>;

export function parseHash(hash: string): Location {
  const text = hash.replace(/^#/, '');
  const cut = text.indexOf('?');
  const path = cut === -1 ? text : text.slice(0, cut);
  const query = cut === -1 ? '' : text.slice(cut + 1);
  return { path: path.startsWith('/') ? path : '/', query: new Map(new URLSearchParams(query)) };
}

/** The fragment for a path; entries without a value are left out. */
export function formatHash(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') search.set(name, value);
  }
  const text = search.toString();
  return text === '' ? `#${path}` : `#${path}?${text}`;
}

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
