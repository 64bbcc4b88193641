// A list of a million requests in a browser, scrolled by every means that there is, against the real service: whatever
// is on the screen are the right rows in their order, without a gap. Short with 100,000 rows in `npm test`;
// GATEHOUSE_ROWS=1000000 (`npm run test:million`) for all of them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleBrowser } from './support/browser.ts';
import { ConsolePage } from './support/console-page.ts';
import type { ConsoleWorld } from './support/console-world.ts';
import { startFilled } from './support/filled-world.ts';
import { consecutive, LongList } from './support/long-list.ts';

const rows = Number(process.env.GATEHOUSE_ROWS ?? 100_000);
/** Milliseconds for the making of the rows. */
const fillMs = 60_000 + rows;

let browser: ConsoleBrowser;
let world: ConsoleWorld;
let list: LongList;
let tab: ConsolePage;
let firstId: number;
let lastId: number;
beforeAll(async () => {
  ({ world, firstId, lastId } = await startFilled(rows));
  browser = await ConsoleBrowser.open();
  tab = await ConsolePage.signedIn(browser, world);
  list = new LongList(tab);
}, fillMs);
afterAll(async () => {
  await browser.close();
  await world.close();
});

const newestFirst = (ids: readonly number[]) => consecutive(ids, -1);

/** Where `id` is in the list, from 0 at its newest row to 1 at its oldest. */
const shareOf = (id: number) => (lastId - id) / rows;

describe(`a list of ${rows} requests`, () => {
  it('begins at the newest, and says how many there are', async () => {
    await list.open();
    const ids = await list.settled('the newest rows are there', newestFirst);
    expect(ids[0]).toBe(lastId);
    await tab.says('10,000+ requests');
  });

  it('is scrolled by the wheel without a gap or a row twice', async () => {
    await list.open();
    let before = await list.settled('the newest rows are there', newestFirst);
    const seen = new Set(before);
    for (let turn = 0; turn < 40; turn += 1) {
      // Less than a screen, so that every row comes by.
      await list.wheel(400);
      const top = before[0] ?? 0;
      const ids = await list.settled(
        'the wheel has moved the list',
        (now) => newestFirst(now) && (now[0] ?? 0) < top,
      );
      for (const id of ids) seen.add(id);
      before = ids;
    }
    const lowest = before.at(-1) ?? 0;
    expect(seen.size).toBe(lastId - lowest + 1);
    await list.wheel(-1_000_000);
    await list.settled('the list is back at its head', (ids) => ids[0] === lastId);
  });

  it('is paged by the keyboard, and goes to its end and back', async () => {
    await list.open();
    const screen = await list.settled('the newest rows are there', newestFirst);
    for (let page = 0; page < 12; page += 1) await list.press('PageDown');
    const after = await list.settled('twelve pages down', (ids) => newestFirst(ids) && ids[0] !== screen[0]);
    expect(after[0]).toBeLessThan((screen.at(-1) ?? 0) - 5 * screen.length);
    await list.press('End');
    const end = await list.settled('the end is there', (ids) => ids.at(-1) === firstId);
    expect(newestFirst(end)).toBe(true);
    await list.press('Home');
    await list.settled('the head is there', (ids) => ids[0] === lastId);
  });

  it.each([0.5, 0.9, 0.1])('is dragged to %d by the scroll bar', async (share) => {
    await list.open();
    await list.settled('the newest rows are there', newestFirst);
    await list.drag(share);
    const near = (ids: readonly number[]) =>
      newestFirst(ids) && Math.abs(shareOf(ids[0] ?? 0) - share) < 0.02;
    await list.settled('the rows there are on the screen', near);
    await list.wheel(-3000);
    await list.settled('and those above them', (ids) => newestFirst(ids));
  });

  it('has its longest at the top and its shortest at the end, where it is sorted so', async () => {
    const isSorted = (ms: readonly number[]) => ms.every((each, at) => at === 0 || each <= (ms[at - 1] ?? 0));
    await list.open('', '-duration');
    const longest = await list.settled('the longest are there', (ids) => !newestFirst(ids));
    const top = await list.durations();
    expect(isSorted(top) && Math.min(...top) > 100).toBe(true);
    await list.press('End');
    await list.settled('the shortest are there', (ids) => !ids.includes(longest[0] ?? 0));
    const end = await list.durations();
    expect(isSorted(end) && Math.max(...end) < 1).toBe(true);
  });

  it('is filtered, and a request far down in it is opened', async () => {
    await list.open('rpc:rare');
    const wanted = Array.from({ length: rows }, (_, index) => lastId - index).filter(
      (id) => id % 99_991 === 0,
    );
    await expect.poll(() => list.ids(), { timeout: 15_000 }).toEqual(wanted);
    await tab.page.locator('.gh-list-row').last().click();
    await tab.page.getByRole('tab', { name: 'Timing' }).click();
    await tab.says('Handler');
    await expect.poll(() => tab.page.url()).toContain(`id=${String(wanted.at(-1))}`);
  });

  it('is exported with its progress, until that is cancelled half-way', async () => {
    await list.open();
    await tab.button('Export').first().click();
    await tab.dialog.getByText('HAR').first().click();
    const downloading = tab.page.waitForEvent('download');
    await tab.dialog
      .getByRole('button', { name: /^Export/ })
      .last()
      .click();
    await expect
      .poll(() => tab.dialog.getByRole('status').innerText(), { interval: 20 })
      .toMatch(/Exporting …\s+[1-9][\d,]* requests/);
    await tab.button('Cancel export').click();
    await tab.dialog.getByRole('status').getByText('Cancelled').waitFor();
    expect(await (await downloading).failure()).not.toBeNull();
    const rowsExported =
      /([\d,]+) requests/.exec(await tab.dialog.getByRole('status').innerText())?.[1] ?? '';
    expect(Number(rowsExported.replaceAll(',', ''))).toBeLessThan(rows);
    await tab.page.keyboard.press('Escape');
  });

  it('leaves nothing to complain about', () => {
    expect(browser.complaints).toEqual([]);
  });
});
