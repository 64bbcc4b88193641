// Every page, light and dark, in English and German, wide and narrow: seen (screenshots), read by axe, and walked by
// keyboard alone. The service has real requests of a real client to show.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleBrowser, screenshot } from './support/browser.ts';
import type { PageOptions } from './support/browser.ts';
import { ConsolePage, localClient, pageNames } from './support/console-page.ts';
import { ConsoleWorld } from './support/console-world.ts';

let browser: ConsoleBrowser;
let world: ConsoleWorld;
beforeAll(async () => {
  browser = await ConsoleBrowser.open();
  world = await ConsoleWorld.start();
  const { client, serviceId, fingerprint } = await localClient(world);
  const signedIn = await world.signedIn();
  const { token } = await signedIn.call('tokens.create', { user: 'anna', expiresAt: null });
  const service = await client.serviceCloud(serviceId, { e2eeFingerprint: fingerprint, accessToken: token });
  for (let i = 0; i < 40; i += 1) await service.call('ping');
  await service.call('nothing-of-this-name').catch(() => undefined);
});
afterAll(async () => {
  await browser.close();
  await world.close();
});

const looks: Record<string, PageOptions> = {
  light: { scheme: 'light' },
  dark: { scheme: 'dark' },
  german: { language: 'de-DE' },
  narrow: { width: 900, height: 700, scheme: 'dark', language: 'de-DE' },
};

/** Axe looks at light, dark and narrow in both languages; German in the wide window is the same page with other words. */
const readByAxe = (name: string): boolean => name !== 'german';

describe.each(Object.entries(looks))('in %s', { timeout: 120_000 }, (name, look) => {
  it('every page is free of what axe knows, and fits its window', async () => {
    const tab = await ConsolePage.signedIn(browser, world, look);
    const found: Record<string, string[]> = {};
    for (const page of pageNames) {
      await tab.open(page);
      await tab.settled();
      await screenshot(tab.page, `${page}-${name}`);
      found[page] = readByAxe(name) ? await tab.violations() : [];
      const overflow = await tab.page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      if (overflow !== 0) found[page].push(`is ${String(overflow)} px wider than its window`);
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
