// `npm run large-document:browser [GiB]`: one document of 1 GiB (or so many) to the example app in Chromium, with the plug
// pulled half-way, resumed by the person, saved, and compared with what was published. Prints times and memory. Ends with 1
// where the file is another one, or the page's process took more memory than half the document.
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { ConsoleBrowser } from './support/browser.ts';
import { DeviceWorld, signIn } from './support/device-world.ts';
import { peakResidentBytes } from './support/processes.ts';

const mib = 1024 * 1024;
const length = Math.round(Number(process.argv[2] ?? 1) * 1024) * mib;
const longMs = 30 * 60_000;

const [devices, browser] = await Promise.all([DeviceWorld.start(), ConsoleBrowser.open()]);
const { world, proxy } = devices;
try {
  await run();
} finally {
  await browser.close();
  await devices.close();
}

async function run(): Promise<void> {
  const sha256 = publish('large.bin');
  const page = await browser.page(devices.page.origin);
  page.setDefaultTimeout(longMs);
  await enter(page);
  proxy.pullPlugAfter(length / 2);
  const start = performance.now();
  await page.getByRole('button', { name: 'Download large.bin' }).click();
  const preparing = page.locator('.download[data-state=preparing]');
  const resume = page.getByRole('button', { name: 'Resume: large.bin' });
  // A fast machine has encrypted a small document before anybody has to wait for it.
  await preparing.or(resume).waitFor();
  console.log(`at first: “${(await page.textContent('.download .soft')) ?? ''}”`);
  await resume.waitFor();
  console.log(`the plug was pulled: “${(await page.textContent('.download .soft')) ?? ''}”`);
  proxy.pullPlugAfter(null);
  await resume.click();
  await page.locator('.download[data-state=done]').waitFor();
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(`after ${seconds} s: “${(await page.textContent('.download .soft')) ?? ''}”`);
  const most = Math.max(...pagesOf(process.pid).map((pid) => peakResidentBytes(pid)));
  console.log(`most memory of the page's process: ${String(Math.round(most / mib))} MiB`);
  if ((await savedHash(page)) !== sha256) throw new Error('What was saved is not what was published.');
  console.log('it was saved whole');
  if (most > length / 2) throw new Error('The page holds too much of the document.');
}

async function enter(page: Page): Promise<void> {
  await page.getByRole('button').first().click();
  await page.waitForURL((url) => url.origin !== devices.page.origin);
  await signIn(page, 'anna', /^http:\/\/127\.0\.0\.1:\d+\/(\?|$)/);
  await page.getByRole('button', { name: 'Register this browser' }).click();
  const cards = page.locator('[data-fingerprint]');
  await cards.nth(1).waitFor();
  await devices.confirm((await cards.nth(1).getAttribute('data-fingerprint')) ?? '');
  await page.getByRole('button', { name: 'Download large.bin' }).waitFor();
}

/** Random bytes in the published folder. Returns their SHA-256. */
function publish(name: string): string {
  const hash = createHash('sha256');
  const file = openSync(world.home.path('published', name), 'wx');
  for (let at = 0; at < length; at += mib) {
    const block = randomBytes(Math.min(mib, length - at));
    hash.update(block);
    writeSync(file, block);
  }
  return hash.digest('hex');
}

async function savedHash(page: Page): Promise<string> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Save' }).click(),
  ]);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(await download.path(), { highWaterMark: mib }))
    hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Chromium's processes for pages, of those that `ancestor` has started. */
function pagesOf(ancestor: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    const parent = /PPid:\t(\d+)/.exec(readIfThere(`/proc/${name}/status`))?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const isOurs = (pid: number | undefined): boolean =>
    pid !== undefined && (pid === ancestor || isOurs(parents.get(pid)));
  return [...parents.keys()].filter(
    (pid) => isOurs(pid) && readIfThere(`/proc/${String(pid)}/cmdline`).includes('--type=renderer'),
  );
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
