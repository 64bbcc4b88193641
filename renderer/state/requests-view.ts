// What a window of rows looks like on the screen: which row stands in which line at which pixel, and where the thumb of
// the scroll bar is. Lines are numbered by slots that are used again and again, so that scrolling makes no elements.
// Pure; must never need the length of the list to be known.
import { rowHeightPx } from './requests-window.ts';
import type { Row, RowWindow } from './requests-window.ts';

export interface Line<R extends Row> {
  /** Which element shows it. */
  readonly slot: number;
  /** Null where a page is still to come. */
  readonly row: R | null;
  /** Pixels from the top of the screen. */
  readonly y: number;
  /** Place in the whole list, from 1; a guess where its length is not known. */
  readonly place: number;
}

export interface ListView<R extends Row> {
  readonly lines: readonly Line<R>[];
  /** Where the screen stands in the list, 0 to 1. */
  readonly share: number;
  /** How much of the list is on the screen, 0 to 1; 1 where nothing can be scrolled. */
  readonly extent: number;
  /** In memory. */
  readonly rows: number;
  /** Whether those are all. */
  readonly complete: boolean;
}

/** What is known of the whole list. */
export interface Whole {
  readonly total: number;
  readonly newestId: number;
  readonly oldestId: number | null;
  readonly idOrder: 'descending' | 'ascending' | 'none';
}

export const emptyView: ListView<never> = { lines: [], share: 0, extent: 1, rows: 0, complete: false };

export function viewOf<R extends Row>(window: RowWindow<R>, whole: Whole): ListView<R> {
  const share = shareOf(window, whole);
  const total = window.whole ? window.rows.length : Math.max(whole.total, window.rows.length + 1);
  const first = Math.floor(window.offset / rowHeightPx);
  const place = window.whole ? first + 1 : 1 + Math.round(share * Math.max(0, total - window.visibleRows));
  return {
    lines: linesOf(window, first, Math.max(1, place)),
    share,
    extent: Math.min(1, window.heightPx / Math.max(1, total * rowHeightPx)),
    rows: window.rows.length,
    complete: window.whole,
  };
}

function linesOf<R extends Row>(window: RowWindow<R>, first: number, place: number): Line<R>[] {
  const slots = Math.ceil(window.heightPx / rowHeightPx) + 1;
  const lines: Line<R>[] = [];
  for (let index = first; index < first + slots; index += 1) {
    const row = window.rows[index] ?? null;
    if (row === null && !isToCome(window, index)) continue;
    const slot = modulo(window.base + index, slots);
    lines.push({ slot, row, y: index * rowHeightPx - window.offset, place: place + index - first });
  }
  return lines.sort((a, b) => a.slot - b.slot);
}

/** One line at either edge says that more is coming. */
function isToCome<R extends Row>(window: RowWindow<R>, index: number): boolean {
  if (window.rows.length === 0) return false;
  return (
    (index === -1 && window.before.kind !== 'none') ||
    (index === window.rows.length && window.after.kind !== 'none')
  );
}

function shareOf<R extends Row>(window: RowWindow<R>, whole: Whole): number {
  if (window.atHead) return 0;
  if (window.atEnd) return 1;
  const most = window.rows.length * rowHeightPx - window.heightPx;
  if (window.whole) return between(window.offset / most);
  const top = window.rows[window.topIndex];
  const span = whole.newestId - (whole.oldestId ?? 1);
  if (top !== undefined && whole.idOrder !== 'none' && span > 0) {
    const share = (whole.newestId - top.id) / span;
    return between(whole.idOrder === 'descending' ? share : 1 - share);
  }
  return between(window.startShare + (window.base + window.topIndex) / Math.max(1, whole.total));
}

function between(share: number): number {
  return Math.max(0, Math.min(1, share));
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
