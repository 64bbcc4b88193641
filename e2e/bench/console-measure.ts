// What the console is measured by in Chromium: how soon it is there, what it weighs, how it follows ten thousand rows a
// second, how it scrolls a million rows, and what it keeps of a long tail.
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BrowserContext, Page } from '@playwright/test';
import type { ConsoleBrowser } from '../support/browser.ts';
import { ConsolePage } from '../support/console-page.ts';
import { LongList } from '../support/long-list.ts';
import { bundleSize } from './bundle-size.ts';
import { figure } from './figures.ts';
import type { Figure } from './figures.ts';
import { longTaskMs, PageProbe } from './page-probe.ts';
import type { Watched } from './page-probe.ts';
import type { TailService } from './tail-service.ts';

export interface Plan {
  /** Times that the page is opened. */
  readonly opened: number;
  readonly tailSeconds: number;
  /** Seconds of the tail in which heaps are looked at; 3600 for a whole hour. */
  readonly heapSeconds: number;
}

export const tailRowsPerSecond = 10_000;

/** How often a page that follows looks for new rows: what an hour of it is counted in. */
const looksPerHour = 36_000;
const looksPerSecond = 10;
const heapLooks = 12;

export function bundleFigures(): Figure[] {
  const { firstKib, allKib, largestKib } = bundleSize(resolve('out/renderer'));
  return [
    figure('bundle, all pages, gzip', 'KiB', [allKib]),
    figure('bundle, what is fetched first, gzip', 'KiB', [firstKib]),
    figure('bundle, largest file', 'KiB', [largestKib]),
  ];
}

/** With a browser that has nothing of it yet, and with one that is signed in. */
export async function readyFigures(
  browser: ConsoleBrowser,
  service: TailService,
  plan: Plan,
): Promise<Figure[]> {
  const [asked, shown, cpu]: number[][] = [[], [], []];
  for (let time = 0; time < plan.opened; time += 1) {
    const person = await browser.person();
    const page = await person.newPage();
    asked?.push(await clock(() => page.goto(service.url), page.locator('input[type=password]')));
    await new ConsolePage(page, service.url).unlock(service.world.password);
    const again = await person.newPage();
    const second = await PageProbe.on(again);
    const rows = again.locator('.gh-list-row').first();
    shown?.push(await clock(() => again.goto(new URL('#/requests', service.url).href), rows));
    cpu?.push(await second.cpuMs());
    await person.close();
  }
  return [
    figure('program started until it serves', 'ms', [service.startMs]),
    figure('console ready: until the password can be typed', 'ms', asked ?? []),
    figure('console ready: signed in, until rows of the log stand', 'ms', shown ?? []),
    figure('console ready: CPU time of the page until then', 'ms', cpu ?? []),
  ];
}

export async function openList(
  browser: ConsoleBrowser,
  service: TailService,
): Promise<{ person: BrowserContext; page: Page; probe: PageProbe; list: LongList }> {
  const person = await browser.person();
  const page = await person.newPage();
  const probe = await PageProbe.on(page);
  await page.goto(service.url);
  const tab = new ConsolePage(page, service.url);
  await tab.unlock(service.world.password);
  const list = new LongList(tab);
  await list.open();
  await list.settled('rows are there');
  return { person, page, probe, list };
}

export async function scrollFigures(browser: ConsoleBrowser, service: TailService): Promise<Figure[]> {
  const { person, probe, list } = await openList(browser, service);
  const wheel = await probe.watch(async () => {
    for (let turn = 0; turn < 150; turn += 1) await list.wheel(turn % 3 === 2 ? 1200 : 300);
  });
  const bar = await probe.watch(async () => {
    for (const share of [0.2, 0.8, 0.5]) await list.drag(share);
    await list.settled('rows are there');
  });
  await person.close();
  return [...taskFigures('scrolling by the wheel', wheel), ...taskFigures('scrolling by the bar', bar)];
}

export async function tailFigures(
  browser: ConsoleBrowser,
  service: TailService,
  plan: Plan,
): Promise<Figure[]> {
  const { person, probe } = await openList(browser, service);
  service.feed(tailRowsPerSecond);
  await sleep(1000);
  const before = await service.measure();
  await probe.callMs('requests.page');
  const began = performance.now();
  const watched = await probe.watch(() => sleep(plan.tailSeconds * 1000));
  const rows = (await service.measure()).rows - before.rows;
  const rate = rows / ((performance.now() - began) / 1000);
  const looks = await probe.callMs('requests.page');
  service.feed(0);
  await person.close();
  return [
    figure('live tail: rows written', 'rows/s', [rate]),
    figure('live tail: looks of the page at them', '1/s', [looks.length / plan.tailSeconds]),
    figure('live tail: a look, as the page sees it', 'ms', looks),
    ...taskFigures('live tail', watched),
  ];
}

/** Heaps after a collection, along a tail: what the line through them would come to in an hour. */
export async function heapFigures(
  browser: ConsoleBrowser,
  service: TailService,
  plan: Plan,
): Promise<Figure[]> {
  const { person, probe } = await openList(browser, service);
  service.feed(tailRowsPerSecond);
  await sleep(5000);
  const [times, pages, hosts]: [number[], number[], number[]] = [[], [], []];
  for (let look = 0; look <= heapLooks; look += 1) {
    times.push((look * plan.heapSeconds) / heapLooks);
    pages.push(await probe.heapMib());
    hosts.push((await service.measure()).heapBytes / 2 ** 20);
    if (look < heapLooks) await sleep((plan.heapSeconds * 1000) / heapLooks);
  }
  const { rssBytes } = await service.measure();
  service.feed(0);
  await person.close();
  const perHour = looksPerHour / looksPerSecond;
  return [
    figure('tail: heap of the page', 'MiB', pages),
    figure('tail: growth of the page, scaled to an hour', 'MiB', [slope(times, pages) * perHour]),
    figure('tail: heap of the service', 'MiB', hosts),
    figure('tail: growth of the service, scaled to an hour', 'MiB', [slope(times, hosts) * perHour]),
    figure('tail: memory of the service in all', 'MiB', [rssBytes / 2 ** 20]),
  ];
}

function taskFigures(name: string, { longTasks, busy }: Watched): Figure[] {
  return [
    figure(`${name}: longest task of the page`, 'ms', [Math.max(0, ...longTasks)]),
    figure(`${name}: tasks over ${longTaskMs} ms`, 'tasks', [longTasks.length]),
    figure(`${name}: main thread of the page, CPU`, 'share', [busy]),
  ];
}

/** From before `go` until `there` is on the page. */
async function clock(go: () => Promise<unknown>, there: { waitFor(): Promise<void> }): Promise<number> {
  const began = performance.now();
  await go();
  await there.waitFor();
  return performance.now() - began;
}

/** Of the line through the points with the least squares. */
function slope(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
  const [meanX, meanY] = [mean(x), mean(y)];
  const over = x.reduce((sum, each, at) => sum + (each - meanX) * ((y[at] ?? 0) - meanY), 0);
  return over / x.reduce((sum, each) => sum + (each - meanX) ** 2, 0);
}
