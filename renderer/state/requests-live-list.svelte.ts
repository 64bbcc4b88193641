// A long list that lives: shows the rows of its window, follows the newest rows while nobody has looked elsewhere, and
// knows which row is chosen. Used by the inspector and the audit log.
// Must never read a page itself: when one is read is for its reader to say.
import type { GatehouseError } from '../../shared/contracts/errors.ts';
import { PageReader } from './requests-page-reader.ts';
import type { ReadRows, SourcePage } from './requests-page-reader.ts';
import { emptyView, viewOf } from './requests-view.ts';
import type { ListView } from './requests-view.ts';
import { pageRows, RowWindow, rowHeightPx } from './requests-window.ts';
import type { Fetch, Row, WindowOptions } from './requests-window.ts';

/** A page of a new question that takes longer than this is told in words, with a way to cancel it. */
const slowMs = 200;
/** Rows read beyond the screen while following: what comes next is read anew anyway. */
const followRows = 120;

export interface ListOptions<R extends Row> extends WindowOptions {
  /** Whether a row may still change by itself. */
  readonly unfinished?: (row: R) => boolean;
}

export class LiveList<R extends Row> {
  view = $state.raw<ListView<R>>(emptyView);
  /** Whether the list shows the newest rows and moves with them. */
  following = $state(true);
  paused = $state(false);
  /** A new question has no answer yet. */
  waiting = $state(true);
  /** `waiting`, and for long enough that a person should be told. */
  slow = $state(false);
  /** A person has cancelled the question. */
  cancelled = $state(false);
  problem = $state.raw<GatehouseError | null>(null);
  chosenId = $state<number | null>(null);
  /** Newest in the log, and newest when the list last followed. */
  newestId = $state(0);
  seenId = $state(0);
  /** Where the rows of this question end, for the scroll bar; null while that is not known. */
  oldestId: number | null = null;
  /** Rows of this question, at least. */
  total = 0;
  /** Whether ids descend or ascend with the rows; else their order says nothing of their place. */
  idOrder: 'descending' | 'ascending' | 'none' = 'descending';
  readonly #window: RowWindow<R>;
  readonly #unfinished: (row: R) => boolean;
  readonly #reader: PageReader<R>;
  #slowTimer: ReturnType<typeof setTimeout> | undefined;
  #moveAfter = 0;

  constructor(options: ListOptions<R> = { byId: true }) {
    this.#window = new RowWindow<R>(options);
    this.#unfinished = options.unfinished ?? (() => false);
    this.#reader = new PageReader<R>({
      mayRead: () => !this.cancelled && this.problem === null,
      need: () => this.#window.need(),
      news: () => this.#news(),
      limitOf: (fetch) => (fetch.kind === 'head' && this.following ? followRows : pageRows),
      take: (fetch, page) => this.#take(fetch, page),
      fail: (fetch, error) => this.#fail(fetch, error),
    });
  }

  /** Asks a new question. @param at the request to begin at; else the newest rows are shown and followed */
  ask(read: ReadRows<R>, at: number | null): void {
    this.#reader.ask(read);
    this.oldestId = null;
    this.total = 0;
    this.following = at === null && !this.paused;
    this.#window.reset(at === null ? { kind: 'head' } : { kind: 'at', id: at });
    this.#begin();
  }

  /** Asks the present question again, after a failure or a cancel. */
  retry(): void {
    if (!this.#window.loaded) this.#begin();
    else this.#clearAndPump();
  }

  cancel(): void {
    this.cancelled = true;
    this.#settle();
    this.#reader.abort();
  }

  stop(): void {
    clearTimeout(this.#slowTimer);
    this.#reader.stop();
  }

  /** The log has changed: it has new rows, or where `newestId` is not new, rows have changed. */
  changed(newestId: number): void {
    const grown = newestId > this.newestId;
    this.newestId = Math.max(this.newestId, newestId);
    if (this.paused) return;
    if (this.following) this.#reader.due = true;
    else {
      if (grown) this.#grown();
      this.#reader.due ||= !grown || this.#onScreen().some(this.#unfinished);
    }
    this.#reader.pump();
  }

  resize(heightPx: number): void {
    this.#window.resize(heightPx);
    this.#publish();
    this.#reader.pump();
  }

  scrollBy(px: number): void {
    this.#window.scrollBy(px);
    if (px > 0 && !this.#window.atHead) this.#hold();
    else if (px < 0 && this.#window.atHead) this.#follow();
    this.#publish();
    this.#reader.pump();
  }

  /** Moves to a share (0 to 1) of the list: exactly where all rows are in memory, else to the page there. */
  scrollToShare(share: number): void {
    const { rows, heightPx, whole } = this.#window;
    if (whole) {
      const most = Math.max(0, rows.length * rowHeightPx - heightPx);
      return this.scrollBy(share * most - this.#window.offset);
    }
    if (share <= 0) return this.toHead();
    this.#hold();
    this.#jump(share >= 1 ? { kind: 'end' } : { kind: 'near', share });
  }

  /** To the first rows, which are followed from then on. */
  toHead(): void {
    this.#follow();
    if (this.#window.before.kind === 'none') this.#window.scrollBy(-this.#window.offset);
    this.#jump({ kind: 'head' });
  }

  toEnd(): void {
    this.#hold();
    if (this.#window.after.kind === 'none') this.scrollBy(Number.MAX_SAFE_INTEGER);
    else this.#jump({ kind: 'end' });
  }

  pause(): void {
    this.paused = true;
    this.#hold();
  }

  resume(): void {
    this.paused = false;
    this.toHead();
  }

  choose(id: number | null): void {
    this.chosenId = id;
    if (id !== null) this.#hold();
    this.#publish();
  }

  /** Chooses the row so many further; a row that is no longer in memory is gone back to first. */
  move(by: number): void {
    const { rows, topIndex } = this.#window;
    const from = this.chosenId === null ? -1 : this.#window.indexOf(this.chosenId);
    if (from === -1 && this.chosenId !== null && this.#reader.asked) {
      this.#moveAfter = by;
      return this.#jump({ kind: 'at', id: this.chosenId });
    }
    const to = from === -1 ? topIndex : Math.max(0, Math.min(rows.length - 1, from + by));
    const row = rows[to];
    if (row === undefined) return;
    this.choose(row.id);
    this.#window.reveal(to);
    this.#publish();
    this.#reader.pump();
  }

  movePage(direction: 1 | -1): void {
    this.move(direction * Math.max(1, this.#window.visibleRows - 1));
  }

  rowOf(id: number): R | null {
    return this.#window.rows[this.#window.indexOf(id)] ?? null;
  }

  /** Shows a row that the page has changed itself. */
  renew(row: R): void {
    this.#window.renew([row]);
    this.#publish();
  }

  #begin(): void {
    this.waiting = true;
    clearTimeout(this.#slowTimer);
    this.#slowTimer = setTimeout(() => (this.slow = this.waiting), slowMs);
    this.#clearAndPump();
  }

  #clearAndPump(): void {
    this.cancelled = false;
    this.problem = null;
    this.#reader.pump();
  }

  #jump(fetch: Fetch): void {
    this.#window.jump(fetch);
    this.#publish();
    this.#reader.pump();
  }

  #follow(): void {
    if (!this.paused) this.following = true;
  }

  #hold(): void {
    if (this.following) {
      if (this.newestId > this.seenId) this.#grown();
      this.seenId = this.newestId;
    }
    this.following = false;
  }

  #grown(): void {
    if (this.idOrder !== 'none') this.#window.grown(this.idOrder === 'descending' ? 'before' : 'after');
  }

  #onScreen(): readonly R[] {
    const { rows, topIndex, visibleRows } = this.#window;
    return rows.slice(topIndex, topIndex + visibleRows + 1);
  }

  /** The page that shows what is new where a person looks; null where there is nothing to look at. */
  #news(): Fetch | null {
    if (this.following) return { kind: 'head' };
    const middle = this.#onScreen().at(this.#window.visibleRows / 2) ?? this.#onScreen()[0];
    return middle === undefined ? null : { kind: 'refresh', id: middle.id };
  }

  #take(fetch: Fetch, page: SourcePage<R>): void {
    // Asked for while the list followed; meanwhile a person has looked elsewhere.
    if (fetch.kind === 'head' && !this.following && this.#window.need()?.kind !== 'head') {
      if (page.newestId > this.seenId) this.#grown();
    } else this.#window.apply(fetch, page);
    this.newestId = Math.max(this.newestId, page.newestId);
    if (this.following && fetch.kind === 'head') this.seenId = page.newestId;
    if (this.#window.loaded) this.#settle();
    const by = this.#moveAfter;
    this.#moveAfter = 0;
    if (by !== 0 && this.chosenId !== null && this.#window.indexOf(this.chosenId) !== -1) this.move(by);
    else this.#publish();
  }

  /** A row that was to lead somewhere may be gone by now (retention): then the list begins anew, or stays. */
  #fail(fetch: Fetch, error: GatehouseError): void {
    if (error.code === 'request_unknown' && fetch.kind !== 'head') {
      if (fetch.kind !== 'refresh') this.#window.jump({ kind: 'head' });
      return;
    }
    if (fetch.kind === 'refresh') return;
    this.problem = error;
    this.#settle();
    if (this.#window.loaded && error.code !== 'filter_invalid') this.#reader.retryLater(() => this.retry());
  }

  #settle(): void {
    this.waiting = false;
    this.slow = false;
    clearTimeout(this.#slowTimer);
  }

  #publish(): void {
    this.view = viewOf(this.#window, this);
  }
}
