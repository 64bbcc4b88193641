// The part of a long list that is in memory: some hundred rows around the place that is looked at, out of a list of any
// length that is read in keyset pages. Pure: it says which page it needs (`need`), and takes pages (`apply`).
// Must never move what is on the screen unless a person moved it: the row at the top stays at its pixel whatever
// arrives, and a place without rows always has a page under way.

export const rowHeightPx = 28;

/** Rows asked for in one page. */
export const pageRows = 200;
/** A page is asked for when fewer rows than this are left beyond the edge of the screen. */
export const prefetchRows = 100;
/** Rows kept beyond the screen, on either side, when a page makes the window longer than `maxRows`. */
export const keptRows = 300;
export const maxRows = 1000;

export interface Row {
  readonly id: number;
}

export interface RowPage<R extends Row> {
  readonly rows: readonly R[];
  readonly next: string | null;
  readonly previous: string | null;
}

/** What lies beyond the first or last row: nothing, a page with a cursor, or perhaps a page that is asked for by id. */
export type Edge =
  | { readonly kind: 'none' }
  | { readonly kind: 'cursor'; readonly cursor: string }
  | { readonly kind: 'unknown' };

/** A page to read. The last three extend or renew the window, the others replace it. */
export type Fetch =
  | { readonly kind: 'head' }
  | { readonly kind: 'end' }
  | { readonly kind: 'near'; readonly share: number }
  | { readonly kind: 'at'; readonly id: number }
  | { readonly kind: 'after' | 'before'; readonly cursor: string | null; readonly id: number }
  | { readonly kind: 'refresh'; readonly id: number };

const none: Edge = { kind: 'none' };
const unknown: Edge = { kind: 'unknown' };

function edgeOf(cursor: string | null): Edge {
  return cursor === null ? none : { kind: 'cursor', cursor };
}

function startShareOf(fetch: Fetch): number {
  if (fetch.kind === 'near') return fetch.share;
  return fetch.kind === 'end' ? 1 : 0;
}

export interface WindowOptions {
  /** Whether a page can be asked for by the id of a row; without it nothing is ever let go. */
  readonly byId: boolean;
}

export class RowWindow<R extends Row> {
  rows: readonly R[] = [];
  /** Number of the first row, counted from where the window began: stays with a row when others come before it. */
  base = 0;
  /** Pixels from the top of the first row to the top of the screen. */
  offset = 0;
  heightPx = 0;
  before: Edge = none;
  after: Edge = none;
  /** Share of the list (0 to 1) at which the row numbered 0 stands, as far as the last jump tells. */
  startShare = 0;
  /** Whether the rows answer the present question. */
  loaded = false;
  #jump: Fetch | null = { kind: 'head' };
  readonly #byId: boolean;

  constructor(options: WindowOptions = { byId: true }) {
    this.#byId = options.byId;
  }

  get visibleRows(): number {
    return Math.max(1, Math.floor(this.heightPx / rowHeightPx));
  }

  /** Index of the first row that is on the screen, if only in part. */
  get topIndex(): number {
    return Math.min(this.rows.length - 1, Math.max(0, Math.floor(this.offset / rowHeightPx)));
  }

  get atHead(): boolean {
    return this.before.kind === 'none' && this.offset <= 0;
  }

  get atEnd(): boolean {
    return this.after.kind === 'none' && this.offset >= this.#maxOffset;
  }

  /** Whether all rows of the list are in memory. */
  get whole(): boolean {
    return this.loaded && this.before.kind === 'none' && this.after.kind === 'none';
  }

  /** A new question: the old rows stay until its first page arrives. */
  reset(start: Fetch = { kind: 'head' }): void {
    this.loaded = false;
    this.#jump = start;
  }

  /** Asks for a page that replaces the window. */
  jump(fetch: Fetch): void {
    this.#jump = fetch;
  }

  resize(heightPx: number): void {
    this.heightPx = heightPx;
    this.#clamp();
  }

  scrollBy(px: number): void {
    this.offset += px;
    this.#clamp();
  }

  /** Moves just so far that the row is on the screen as a whole. */
  reveal(index: number): void {
    const top = index * rowHeightPx;
    const lowest = top + rowHeightPx - this.heightPx;
    if (this.offset > top) this.offset = top;
    else if (this.offset < lowest) this.offset = lowest;
    this.#clamp();
  }

  indexOf(id: number): number {
    return this.rows.findIndex((row) => row.id === id);
  }

  /** There may be rows beyond an edge that had none: the list has grown there. */
  grown(edge: 'before' | 'after'): void {
    if (this.#byId && this[edge].kind === 'none' && this.rows.length > 0) this[edge] = unknown;
  }

  /** Replaces a row that has changed, where it is in memory. */
  renew(rows: readonly R[]): void {
    const newer = new Map(rows.map((row) => [row.id, row]));
    if (this.rows.some((row) => newer.has(row.id)))
      this.rows = this.rows.map((row) => newer.get(row.id) ?? row);
  }

  /** The page that is needed most; null where the screen and what is near it are covered. */
  need(): Fetch | null {
    if (this.#jump !== null) return this.#jump;
    const first = this.rows[0];
    const last = this.rows.at(-1);
    if (first === undefined || last === undefined) return null;
    const above = this.offset / rowHeightPx;
    const below = this.rows.length - (this.offset + this.heightPx) / rowHeightPx;
    const up = this.before.kind !== 'none' && above < prefetchRows;
    const down = this.after.kind !== 'none' && below < prefetchRows;
    if (up && (!down || above < below)) return this.#extend('before', this.before, first);
    if (down) return this.#extend('after', this.after, last);
    return null;
  }

  apply(fetch: Fetch, page: RowPage<R>): void {
    if (fetch.kind === 'refresh') this.renew(page.rows);
    else if (fetch.kind === 'after' || fetch.kind === 'before') this.#join(fetch, page);
    else this.#replace(fetch, page);
    this.#clamp();
  }

  #extend(kind: 'before' | 'after', edge: Edge, row: R): Fetch {
    return { kind, cursor: edge.kind === 'cursor' ? edge.cursor : null, id: row.id };
  }

  #replace(fetch: Fetch, page: RowPage<R>): void {
    const anchor = this.rows[0];
    const shift = anchor === undefined ? -1 : page.rows.findIndex((row) => row.id === anchor.id);
    this.base = shift === -1 ? 0 : this.base - shift;
    if (shift === -1 || fetch.kind === 'head') this.startShare = startShareOf(fetch);
    this.rows = page.rows;
    this.before = fetch.kind === 'head' ? none : edgeOf(page.previous);
    this.after = edgeOf(page.next);
    this.loaded = true;
    if (this.#jump === fetch || (fetch.kind === 'head' && this.#jump?.kind === 'head')) this.#jump = null;
    this.offset = this.#startOf(fetch);
  }

  #startOf(fetch: Fetch): number {
    if (fetch.kind === 'end') return this.#maxOffset;
    if (fetch.kind !== 'at') return 0;
    const index = this.indexOf(fetch.id);
    return index === -1
      ? 0
      : Math.round((index * rowHeightPx - this.heightPx / 2) / rowHeightPx) * rowHeightPx;
  }

  #join(fetch: Fetch & { kind: 'after' | 'before' }, page: RowPage<R>): void {
    const known = new Set(this.rows.map((row) => row.id));
    this.renew(page.rows);
    if (fetch.kind === 'before') {
      const end = page.rows.findIndex((row) => known.has(row.id));
      const fresh = end === -1 ? page.rows : page.rows.slice(0, end);
      this.rows = [...fresh, ...this.rows];
      this.base -= fresh.length;
      this.offset += fresh.length * rowHeightPx;
      this.before = edgeOf(page.previous);
      this.#letGo('after');
    } else {
      const last = page.rows.findLastIndex((row) => known.has(row.id));
      this.rows = [...this.rows, ...page.rows.slice(last + 1)];
      this.after = edgeOf(page.next);
      this.#letGo('before');
    }
  }

  /** Drops rows far from the screen once the window is too long; they can be asked for again by id. */
  #letGo(edge: 'before' | 'after'): void {
    if (!this.#byId || this.rows.length <= maxRows) return;
    if (edge === 'after') {
      const end = Math.ceil((this.offset + this.heightPx) / rowHeightPx) + keptRows;
      if (end >= this.rows.length) return;
      this.rows = this.rows.slice(0, end);
      this.after = unknown;
    } else {
      const start = this.topIndex - keptRows;
      if (start <= 0) return;
      this.rows = this.rows.slice(start);
      this.base += start;
      this.offset -= start * rowHeightPx;
      this.before = unknown;
    }
  }

  /** A row's height more where a page is still to come: there the words say so. */
  get #maxOffset(): number {
    const rows = this.rows.length + (this.after.kind === 'none' ? 0 : 1);
    return Math.max(0, rows * rowHeightPx - this.heightPx);
  }

  #clamp(): void {
    const least = this.before.kind === 'none' ? 0 : -rowHeightPx;
    this.offset = Math.max(least, Math.min(this.offset, this.#maxOffset));
  }
}
