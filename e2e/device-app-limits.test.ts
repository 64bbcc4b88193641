// The example app in Chromium past both limits of a session as they are by default, 15 minutes and 1000 requests: the page
// goes on with a new session each time, and nothing that is clicked fails. The page's clock is injected.
import type { Page } from '@playwright/test';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ConsoleBrowser } from './support/browser.ts';
import { DeviceWorld, signIn } from './support/device-world.ts';
import { until } from './support/waiting.ts';

/** Past the moment when an app begins its next session, 30 s before the end of the 15 minutes. */
const [most, past] = [1000, '14:31'];

let devices: DeviceWorld;
let browser: ConsoleBrowser;
let page: Page;
beforeAll(async () => {
  [devices, browser] = await Promise.all([DeviceWorld.start(), ConsoleBrowser.open()]);
  devices.publish('Plan.pdf', 10_000);
  page = await (await browser.person()).newPage();
  await page.clock.install();
  await page.goto(devices.page.origin);
  await page.getByRole('button', { name: /Sign in/ }).click();
  await page.waitForURL((url) => url.origin !== devices.page.origin);
  await signIn(page, 'anna', /^http:\/\/127\.0\.0\.1:\d+\/(\?|$)/);
  await page.getByRole('button', { name: 'Register this browser' }).click();
  await page.getByRole('heading', { name: /Compare the fingerprints/ }).waitFor();
  const shown = await page.locator('[data-fingerprint]').nth(1).getAttribute('data-fingerprint');
  await devices.confirm(shown ?? '');
  await listed();
  browser.complaints.length = 0; // of the provider's own pages, and while the device was pending
});
afterAll(async () => {
  await browser.close();
  await devices.close();
});

const strip = async (name: string): Promise<string> =>
  (await page.textContent(`[data-session=${name}]`)) ?? '';
const listed = (): Promise<void> => page.getByText('1 shown').waitFor();
const refusals = (): unknown[] =>
  devices.world.rows().filter((row) => row.rejection_code !== null && row.rpc_name !== '');

/** Types a search that finds the one document, and sees it listed. */
async function search(words: string): Promise<void> {
  await Promise.all([
    page.waitForResponse((response) => response.url().includes('/api/requests') && response.ok()),
    page.getByLabel('Search').fill(words),
  ]);
  await listed();
}

/** Chooses the collection so many times, as fast as the page's answers come. */
async function busy(requests: number): Promise<void> {
  const list = page.getByLabel('Collection');
  for (let at = 0; at < requests; at += 1) await list.dispatchEvent('change');
  await listed();
}

it('shows the first session, with the limits that the agent has signed', async () => {
  expect(await strip('requests')).toMatch(/^\d+ of 1000$/);
  expect(await page.textContent('.strip')).toMatch(/of 15:00/);
  expect(await strip('count')).toBe('the first since you signed in');
});

it('outlives 15 minutes', async () => {
  const before = await strip('id');
  await page.clock.fastForward(past);
  await search('Plan');
  await until('another session is shown', async () => (await strip('id')) !== before);
  expect(await strip('count')).toBe('number 2 since you signed in');
  expect(await strip('requests')).toMatch(/^[1-9] of 1000$/);
  await search('pla');
  expect(refusals()).toEqual([]);
  expect(browser.complaints).toEqual([]);
});

it('outlives 1000 requests', { timeout: 400_000 }, async () => {
  const before = await strip('id');
  while ((await strip('id')) === before) await busy(most / 20);
  await search('Plan.');
  expect(await strip('count')).toMatch(/^number [3-9] since you signed in$/);
  expect(await page.locator('[data-code]').count()).toBe(0);
  expect(refusals()).toEqual([]);
  expect(browser.complaints).toEqual([]);
});
