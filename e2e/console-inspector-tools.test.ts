// What a person does with requests in the inspector: pin and note, two requests compared, a range drawn on a chart, a view
// kept. Requests are those of a real client.
import type { Locator } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Service } from '../shared/client/index.ts';
import { ConsoleBrowser, screenshot } from './support/browser.ts';
import { ConsolePage, localClient } from './support/console-page.ts';
import { ConsoleWorld } from './support/console-world.ts';

let browser: ConsoleBrowser;
let world: ConsoleWorld;
let tab: ConsolePage;
let service: Service;
beforeAll(async () => {
  browser = await ConsoleBrowser.open();
  world = await ConsoleWorld.start();
  const { client, serviceId, fingerprint } = await localClient(world);
  service = await client.serviceCloud(serviceId, { e2eeFingerprint: fingerprint });
  for (let i = 0; i < 3; i += 1) await service.call('ping');
  await service.call('no-such-rpc').catch(() => undefined);
  tab = await ConsolePage.signedIn(browser, world, { height: 900 });
});
afterAll(async () => {
  await browser.close();
  await world.close();
});

const row = (text: string | RegExp): Locator => tab.page.getByRole('row').filter({ hasText: text });
const detail = (): Locator => tab.page.getByRole('heading', { level: 2 });

async function requests(filter: string): Promise<void> {
  await tab.open('requests', `?filter=${encodeURIComponent(filter)}`);
}

describe('a request', () => {
  it('is pinned and noted, which every tab sees and the filter finds', async () => {
    await requests('rpc:ping');
    await row('ping').first().click();
    await tab.button('Pin, so that it is kept').click();
    await row('Pinned').first().waitFor();
    await tab.page.getByRole('tab', { name: 'Note' }).click();
    await tab.page.getByRole('textbox', { name: 'Note' }).fill('looked at by anna');
    await tab.button('Save note').click();
    await row('Has a note').first().waitFor();
    const other = await ConsolePage.signedIn(browser, world);
    await other.open('requests', `?filter=${encodeURIComponent('pinned:yes noted:yes')}`);
    const found = other.page.getByRole('row').filter({ hasText: 'ping' });
    await expect.poll(() => found.count()).toBe(1);
    await found.click();
    await other.page.getByRole('tab', { name: 'Note' }).click();
    expect(await other.page.getByRole('textbox', { name: 'Note' }).inputValue()).toBe('looked at by anna');
    await other.page.context().close();
  });

  it('is compared with another, and what differs stands out', async () => {
    await requests('rpc:ping,no-such-rpc');
    await row('ping').first().click();
    await tab.button('Mark for comparing').click();
    await row('no-such-rpc').first().click();
    await expect.poll(() => detail().first().innerText()).toBe('no-such-rpc');
    await tab.button(/^Compare with no\. \d+$/).click();
    const facts = tab.dialog.getByRole('row');
    await tab.dialog.getByText('ping #').waitFor();
    const all = await facts.count();
    const outcome = facts.filter({ hasText: 'rpc_unknown' });
    expect(await outcome.innerText()).toContain('≠');
    await screenshot(tab.page, 'compare');
    expect(await tab.violations()).toEqual([]);
    await tab.dialog.getByRole('switch', { name: 'Only differences' }).click();
    expect(await facts.count()).toBeLessThan(all);
    expect(await facts.filter({ hasNotText: '≠' }).count()).toBe(1); // the head
    await tab.page.keyboard.press('Escape');
    await tab.dialog.waitFor({ state: 'hidden' });
  });
});

describe('the filter box', () => {
  it('offers fields and the values that the log knows, and takes one by keyboard', async () => {
    await requests('');
    await row('ping').first().waitFor();
    const { keyboard } = tab.page;
    await keyboard.press('/');
    await keyboard.type('rp');
    await tab.page.getByRole('option', { name: /^rpc:/ }).waitFor();
    await keyboard.press('Tab');
    await keyboard.type('no');
    await tab.page.getByRole('option', { name: 'no-such-rpc' }).waitFor();
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await expect.poll(() => decodeURIComponent(tab.page.url())).toMatch(/filter=rpc:no-such-rpc/);
    await expect.poll(() => row('ping').count()).toBe(0);
    await row('no-such-rpc').first().waitFor();
    await keyboard.press('Escape');
  });
});

describe('the columns', () => {
  const heads = () => tab.page.getByRole('columnheader').allInnerTexts();

  it('are chosen, moved and kept, and a press on a head sorts', async () => {
    await requests('rpc:ping');
    await row('ping').first().waitFor();
    const before = (await heads()).map((head) => head.trim());
    expect(before).not.toContain('HTTP/2');
    await tab.button('Columns').click();
    await tab.page.getByLabel('HTTP/2', { exact: true }).check();
    await tab.page.keyboard.press('Escape');
    await expect.poll(heads).toContain('HTTP/2');
    await tab.page.reload();
    await row('ping').first().waitFor();
    expect(await heads()).toContain('HTTP/2');
    await tab.page.getByRole('columnheader', { name: 'Duration' }).getByRole('button').click();
    await tab.page.locator('[role=columnheader][aria-sort=descending]', { hasText: 'Duration' }).waitFor();
    await expect.poll(() => tab.page.url()).toContain('sort=-duration');
    const duration = tab.page.getByRole('columnheader', { name: 'Duration' });
    const width = async (): Promise<number> => (await duration.boundingBox())?.width ?? 0;
    const narrow = await width();
    await tab.button('Columns').click();
    await screenshot(tab.page, 'columns');
    await tab.button('Make Duration wider').focus();
    for (let step = 0; step < 3; step += 1) await tab.page.keyboard.press('Enter');
    await expect.poll(width).toBe(narrow + 48);
    await tab.button('Reset columns').click();
    await tab.page.keyboard.press('Escape');
    await expect.poll(width).toBe(narrow);
    expect(await heads()).not.toContain('HTTP/2');
  });
});

describe('a range drawn on a chart', () => {
  it('becomes the filter’s, beside what it said before, and is taken back by a press', async () => {
    await requests('rpc:ping');
    const plot = tab.page.locator('.u-over').first();
    await plot.waitFor();
    const box = (await plot.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    const y = box.y + box.height / 2;
    await tab.page.mouse.move(box.x + 4, y);
    await tab.page.mouse.down();
    await tab.page.mouse.move(box.x + box.width / 4, y, { steps: 4 });
    await tab.page.mouse.move(box.x + box.width / 2, y, { steps: 4 });
    await tab.page.mouse.up();
    await expect.poll(() => decodeURIComponent(tab.page.url())).toMatch(/rpc:ping.since:\S+Z.until:\S+Z/);
    const [, since = '', until = ''] =
      /since:(\S+Z).until:(\S+Z)/.exec(decodeURIComponent(tab.page.url())) ?? [];
    expect(Date.parse(until)).toBeGreaterThan(Date.parse(since));
    await screenshot(tab.page, 'brushed');
    await tab.button('Whole time').click();
    await expect.poll(() => decodeURIComponent(tab.page.url())).not.toMatch(/since:/);
    await expect.poll(() => row('ping').count()).toBeGreaterThan(0);
  });
});

describe('a saved view', () => {
  it('keeps filter and order under a name, comes back in another tab, and is renamed and deleted', async () => {
    await requests('rpc:ping status:success');
    await row('ping').first().waitFor();
    await tab.button('Saved views').click();
    await tab.dialog.getByLabel('Name').fill('good pings');
    await tab.button('Save view').click();
    await tab.dialog.getByText('good pings').waitFor();
    await screenshot(tab.page, 'saved-views');
    expect(await tab.violations()).toEqual([]);
    const other = await ConsolePage.signedIn(browser, world);
    await other.open('requests');
    await other.button('Saved views').click();
    await other.dialog.getByText('good pings').click();
    await expect.poll(() => decodeURIComponent(other.page.url())).toMatch(/rpc:ping.status:success/);
    await other.page.context().close();
    await tab.button('Rename good pings').click();
    await tab.dialog.getByLabel('Name').first().fill('all is well');
    await tab.dialog.getByRole('button', { name: 'Rename', exact: true }).click();
    await tab.dialog.getByText('all is well').waitFor();
    await tab.button('Delete all is well').click();
    await tab.dialog.getByRole('button', { name: 'Delete', exact: true }).click();
    await tab.dialog.getByText('No saved views yet').waitFor();
    await tab.page.keyboard.press('Escape');
  });
});

it('no page has complained meanwhile', () => {
  expect(browser.complaints).toEqual([]);
});
