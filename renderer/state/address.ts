// The fragment of the page's address, taken apart and put together (`#/requests?filter=rpc:ping`). Must never be given
// anything secret: addresses land in the browser's history.
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
