// The page's furniture: which parts have the focus, how wide the panel is, which tab of it is open, and which dialog.
// Must know nothing of requests.

export type PanelTab = 'overview' | 'e2ee' | 'timing' | 'payload' | 'note';

const widthKey = 'gatehouse.requests.panel';
const leastPx = 320;
/** What is left to the list at least, pixels. */
const leftPx = 280;
const usualPx = 420;

export class Panes {
  widthPx = $state(usualPx);
  tab = $state<PanelTab>('overview');
  viewsOpen = $state(false);
  input = $state<HTMLInputElement | null>(null);
  grid = $state<HTMLElement | null>(null);
  panel = $state<HTMLElement | null>(null);
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
    const stored = Number(this.#read());
    if (stored >= leastPx) this.widthPx = stored;
  }

  /** @param roomPx what list and panel have together */
  resize(px: number, roomPx: number): void {
    this.widthPx = Math.round(Math.max(leastPx, Math.min(px, roomPx - leftPx)));
    try {
      this.#storage.setItem(widthKey, String(this.widthPx));
    } catch {
      // The browser keeps nothing: the width lasts as long as the page.
    }
  }

  focusFilter(): void {
    this.input?.focus();
    this.input?.select();
  }

  focusList(): void {
    this.grid?.focus();
  }

  focusPanel(): void {
    this.panel?.focus();
  }

  #read(): string | null {
    try {
      return this.#storage.getItem(widthKey);
    } catch {
      return null;
    }
  }
}
