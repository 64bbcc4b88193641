// Payload capture from its switch to its own end a minute later, and in that minute every page, light and dark, in English
// and German, wide and narrow: seen (screenshots), read by axe, and walked by keyboard alone. The service has real requests
// of a real client to show.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Service } from '../shared/client/index.ts';
import { ConsoleBrowser, screenshot } from './support/browser.ts';
import { ConsolePage, localClient, pageNames } from './support/console-page.ts';
import { ConsoleWorld } from './support/console-world.ts';
import { looks, wrongWith } from './support/looks.ts';

/** The shortest time that capture can be on for, and a little. */
const captureEndsWithinMs = 75_000;

let browser: ConsoleBrowser;
let world: ConsoleWorld;
let service: Service;
/** Where capture is switched on and looked at. */
let inspector: ConsolePage;
beforeAll(async () => {
  browser = await ConsoleBrowser.open();
  world = await ConsoleWorld.start();
  const { client, serviceId, fingerprint } = await localClient(world);
  const signedIn = await world.signedIn();
  const { token } = await signedIn.call('tokens.create', { user: 'anna', expiresAt: null });
  service = await client.serviceCloud(serviceId, { e2eeFingerprint: fingerprint, accessToken: token });
  for (let i = 0; i < 40; i += 1) await service.call('ping');
  await service.call('echo', { before: 'capture' });
  await service.call('nothing-of-this-name').catch(() => undefined);
  inspector = await ConsolePage.signedIn(browser, world, { height: 900 });
});
afterAll(async () => {
  await browser.close();
  await world.close();
});

const row = (text: string | RegExp): Locator => inspector.page.getByRole('row').filter({ hasText: text });

async function requests(filter: string): Promise<void> {
  await inspector.open('requests', `?filter=${encodeURIComponent(filter)}`);
}

describe('payload capture', () => {
  const kept = 'plain to see';
  const removed = { password: 'geheim-eins', pin: '4711-geheim-zwei' };

  it('is switched on for one RPC, with a rule of its own, and says so until it ends', async () => {
    await inspector.open('settings');
    const card = inspector.page.locator('section, article').filter({ hasText: 'Payload capture' }).last();
    await inspector.page.getByRole('checkbox', { name: 'echo' }).check();
    await inspector.page.getByLabel('For', { exact: true }).fill('1');
    await inspector.page.getByPlaceholder('Name or pattern').fill('pin');
    await inspector.button('Add rule').click();
    await inspector.button('Start capturing').click();
    await inspector.says('Payloads are being captured');
    await card.scrollIntoViewIfNeeded();
    await screenshot(inspector.page, 'capture-on');
    expect(await inspector.violations()).toEqual([]);
  });

  it('keeps what was sent and answered without what the rules take out, and marks the row', async () => {
    await service.call('echo', { ...removed, note: kept });
    await service.call('ping');
    await requests('captured:yes');
    await inspector.says('Payload capture is on: echo');
    await expect.poll(() => row('echo').count()).toBe(1);
    await row('echo').getByText('Payload captured').waitFor({ state: 'attached' });
    await row('echo').click();
    await inspector.page.getByRole('tab', { name: 'Payload' }).click();
    await inspector.says(kept);
    expect(await inspector.page.locator('mark').count()).toBeGreaterThanOrEqual(4);
    await inspector.says(/2 redacted/);
    await screenshot(inspector.page, 'payload');
    expect(await inspector.violations()).toEqual([]);
    const shown = await inspector.page.locator('main').innerText();
    for (const secret of Object.values(removed)) expect(shown).not.toContain(secret);
  });

  it('has nothing of that on the disk either', () => {
    const files = ['requests.db', 'requests.db-wal'].map((name) => {
      return readFileSync(join(world.data, 'requests', name)).toString('latin1');
    });
    expect(files.join('')).toContain(kept);
    for (const secret of Object.values(removed)) expect(files.join('')).not.toContain(secret);
  });
});

describe.each(Object.entries(looks))('in %s', { timeout: 120_000 }, (name, look) => {
  it('every page is free of what axe knows, and fits its window', async () => {
    const tab = await ConsolePage.signedIn(browser, world, look);
    const found: Record<string, string[]> = {};
    for (const page of pageNames) {
      await tab.open(page);
      found[page] = await wrongWith(tab, look, `${page}-${name}`);
    }
    expect(found).toEqual(Object.fromEntries(pageNames.map((page) => [page, []])));
    expect(browser.complaints).toEqual([]);
    await tab.page.context().close();
  });
});

describe('in German', () => {
  it('the page speaks German, its root says so, and switching needs no reload', async () => {
    const tab = await ConsolePage.signedIn(browser, world, { language: 'de-DE' });
    const language = () => tab.page.locator('html').getAttribute('lang');
    expect(await language()).toBe('de');
    await tab.open('settings');
    await tab.says('Einstellungen');
    const words = await tab.page.locator('main').innerText();
    expect(words).not.toMatch(/\b(Require|Save|Discard|Default:|days)\b/);
    await tab.page.evaluate('globalThis.stillHere = true');
    await tab.page.getByLabel('Sprache').selectOption('en');
    await tab.page.getByRole('heading', { name: 'Settings' }).waitFor();
    expect(await language()).toBe('en');
    expect(await tab.page.evaluate('globalThis.stillHere')).toBe(true);
    await tab.page.reload();
    await tab.page.getByRole('heading', { name: 'Settings' }).waitFor();
    await tab.page.context().close();
  });
});

describe('the theme', () => {
  it('follows the system, is chosen on the page, and stays chosen for this browser', async () => {
    const tab = await ConsolePage.signedIn(browser, world, { scheme: 'light' });
    const dark = async (): Promise<boolean> => {
      const colour = String(await tab.page.evaluate('getComputedStyle(document.body).backgroundColor'));
      return (/\d+/.exec(colour) ?? []).map(Number).every((part) => part < 80);
    };
    await tab.open('settings');
    expect(await dark()).toBe(false);
    await tab.page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(dark).toBe(true);
    await tab.page.getByLabel('Theme').selectOption('light');
    await expect.poll(dark).toBe(false);
    await tab.page.reload();
    await tab.page.getByRole('heading', { name: 'Settings' }).waitFor();
    expect(await dark()).toBe(false);
    await tab.page.getByLabel('Theme').selectOption('dark');
    await tab.page.emulateMedia({ colorScheme: 'light' });
    await expect.poll(dark).toBe(true);
    await tab.open('audit', `?filter=${encodeURIComponent('subject:console.theme')}`);
    const changes = tab.page.getByRole('row').filter({ hasText: 'console.theme' });
    await expect.poll(() => changes.allInnerTexts()).toHaveLength(2);
    const [newest = '', first = ''] = await changes.allInnerTexts();
    expect(newest).toMatch(/console\.theme\s+light\s+dark\s+administrator \(browser/);
    expect(first).toMatch(/console\.theme\s+system\s+light\s+administrator \(browser/);
    await tab.page.context().close();
  });
});

describe('by keyboard alone', () => {
  it('a person goes to a page, opens the sheet of shortcuts, finds an action, filters and reads a request', async () => {
    const tab = await ConsolePage.signedIn(browser, world);
    const { keyboard } = tab.page;
    await keyboard.press('?');
    await tab.dialog.waitFor();
    await screenshot(tab.page, 'shortcuts');
    expect(await tab.violations()).toEqual([]);
    await keyboard.press('Escape');
    await tab.dialog.waitFor({ state: 'hidden' });
    await keyboard.press('g');
    await keyboard.press('r');
    await tab.page.getByRole('heading', { name: 'Requests' }).waitFor();
    await keyboard.press('/');
    await tab.page.locator('main :is(input, textarea):focus').waitFor();
    await keyboard.type('rpc:ping ');
    await keyboard.press('Enter');
    await tab.page.waitForURL(/filter=rpc%3Aping|filter=rpc:ping/);
    await keyboard.press('Escape');
    await tab.page.getByRole('row').filter({ hasText: 'ping' }).first().waitFor();
    await keyboard.press('j');
    await keyboard.press('j');
    await tab.says('Overview');
    await screenshot(tab.page, 'request-detail');
    expect(await tab.violations()).toEqual([]);
    await tab.choose('audit', /Audit/);
    await tab.page.getByRole('heading', { name: 'Audit' }).waitFor();
    await tab.page.context().close();
  });
});

describe('payload capture, a minute later', () => {
  it(
    'has switched itself off: the page says so, and nothing more is kept',
    async () => {
      await inspector.open('settings');
      await inspector.page
        .getByText('Payloads are being captured')
        .waitFor({ state: 'hidden', timeout: captureEndsWithinMs });
      await service.call('echo', { after: 'capture' });
      await requests('captured:yes');
      await expect.poll(() => row('echo').count()).toBe(1);
      expect(await inspector.page.getByText('Payload capture is on').count()).toBe(0);
      expect(browser.complaints).toEqual([]);
    },
    2 * captureEndsWithinMs,
  );
});
