// The inspector's list of very many rows as it stands on the screen: which requests are drawn, in their order, and
// whether any line is still without its row. Read from the page, never from its model.
import type { Locator, Page } from '@playwright/test';
import type { ConsolePage } from './console-page.ts';
import { until } from './waiting.ts';

/** Lines from the top of the screen down; null where the row has not come. */
const drawn = `[...document.querySelectorAll('.gh-list-row')]
  .map((row) => ({ y: row.getBoundingClientRect().top, id: Number(row.querySelector('[role=gridcell]').textContent) }))
  .sort((a, b) => a.y - b.y)
  .map(({ id }) => (Number.isInteger(id) && id > 0 ? id : null))`;

const lastCells = `[...document.querySelectorAll('.gh-list-row')]
  .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
  .map((row) => [...row.querySelectorAll('[role=gridcell]')].at(-1).textContent.trim())`;

/** Lines of the smallest screen that these specs use. */
const leastOnScreen = 10;

const patienceMs = 20_000;

export class LongList {
  readonly page: Page;
  readonly #tab: ConsolePage;

  constructor(tab: ConsolePage) {
    this.#tab = tab;
    this.page = tab.page;
  }

  /** The list with the request's number in its first column. */
  async open(filter = '', sort = ''): Promise<void> {
    const query = new URLSearchParams({ columns: 'id,time,status,rpc,client,duration', filter, sort });
    await this.#tab.open('requests', `?${query.toString()}`);
  }

  get grid(): Locator {
    return this.page.getByRole('grid');
  }

  async ids(): Promise<readonly (number | null)[]> {
    return this.page.evaluate(drawn);
  }

  /** What the last column says, from the top of the screen down, in milliseconds. */
  async durations(): Promise<readonly number[]> {
    const texts: readonly string[] = await this.page.evaluate(lastCells);
    return texts.map((text) => Number.parseFloat(text) * (text.endsWith('ms') ? 1 : 1000));
  }

  /** Resolves with the screen once every line has its row and it is as `is` says. */
  async settled(
    what: string,
    is: (ids: readonly number[]) => boolean = () => true,
  ): Promise<readonly number[]> {
    let seen: readonly (number | null)[] = [];
    const probe = async () => {
      seen = await this.ids();
      const ids = seen.filter((id) => id !== null);
      return seen.length >= leastOnScreen && ids.length === seen.length && is(ids) ? ids : undefined;
    };
    return until(what, probe, patienceMs).catch((error: unknown) => {
      throw new Error(`${String(error)}; on the screen: ${JSON.stringify(seen)}`);
    });
  }

  async wheel(px: number): Promise<void> {
    await this.grid.hover();
    await this.page.mouse.wheel(0, px);
  }

  async press(key: string): Promise<void> {
    await this.grid.focus();
    await this.page.keyboard.press(key);
  }

  /** Drags the thumb from where it is to a share of its way, in some steps as a hand does. */
  async drag(share: number): Promise<void> {
    const thumb = (await this.page.locator('.gh-list-frame .thumb').boundingBox()) ?? missing();
    const bar = (await this.page.locator('.gh-list-frame .bar').boundingBox()) ?? missing();
    const x = thumb.x + thumb.width / 2;
    const grab = thumb.height / 2;
    await this.page.mouse.move(x, thumb.y + grab);
    await this.page.mouse.down();
    await this.page.mouse.move(x, bar.y + grab + share * (bar.height - thumb.height), { steps: 8 });
    await this.page.mouse.up();
  }
}

/** Whether each number is the one after the one before, by `step`. */
export function consecutive(ids: readonly number[], step: 1 | -1): boolean {
  return ids.every((id, index) => index === 0 || id === (ids[index - 1] ?? 0) + step);
}

function missing(): never {
  throw new Error('The list has no scroll bar.');
}
