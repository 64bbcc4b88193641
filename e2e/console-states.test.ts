// Every page of the console while there is nothing to show, and after its service has gone: each says so in words, with the
// next step where there is one, and shows what it knew.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleBrowser } from './support/browser.ts';
import { ConsolePage, pageNames } from './support/console-page.ts';
import type { PageName } from './support/console-page.ts';
import { ConsoleWorld } from './support/console-world.ts';
import { looks, wrongWith } from './support/looks.ts';

/** What a page says where nobody has called yet, and what it offers to do then. */
const empty: Readonly<Record<Exclude<PageName, 'settings'>, readonly [words: string, next: string]>> = {
  connectivity: ['No live session to tell from', 'Copy line'],
  requests: ['No requests yet', 'Copy call line'],
  sessions: ['Nobody is connected', 'How clients connect'],
  access: ['No remote user has access yet', 'Create the first token …'],
  devices: ['No device can sign in', 'Set issuer and audience'],
  documents: ['No folder is published', 'Publish folder …'],
  audit: ['No entry matches this filter', 'Clear filter'],
};

let browser: ConsoleBrowser;
let world: ConsoleWorld;
beforeAll(async () => {
  browser = await ConsoleBrowser.open();
  world = await ConsoleWorld.start();
});
afterAll(async () => {
  await browser.close();
  await world.close();
});

describe('a service that nobody has called yet', () => {
  it.each(['light', 'narrow'])('has on every page words for that, and the next step (%s)', async (name) => {
    const look = { ...looks[name], axe: 'all', language: 'en-GB' } as const;
    const tab = await ConsolePage.signedIn(browser, world, look);
    const found: Record<string, string[]> = {};
    for (const [page, [words, next]] of Object.entries(empty)) {
      await tab.open(page as PageName, page === 'audit' ? '?filter=subject:nothing-of-this-name' : '');
      await tab.says(words);
      await tab.page.locator('main').locator('button, a').filter({ hasText: next }).first().waitFor();
      found[page] = await wrongWith(tab, look, `${page}-empty-${name}`);
    }
    expect(found).toEqual(Object.fromEntries(Object.keys(empty).map((page) => [page, []])));
    expect(browser.complaints).toEqual([]);
    await tab.page.context().close();
  });
});

describe('a service that has gone', () => {
  it('is missed on every page, where nothing can be changed until it is back', async () => {
    const tab = await ConsolePage.signedIn(browser, world);
    for (const page of pageNames) await tab.open(page);
    await world.program.end('SIGKILL');
    for (const page of pageNames) {
      await tab.open(page);
      await tab.says(/What you see is as of then; nothing can be changed/);
      const able = tab.page.locator('main button.primary:enabled, main [role=switch]:enabled');
      expect([page, await able.count()]).toEqual([page, 0]);
    }
    expect(await tab.violations()).toEqual([]);
    await world.restart();
    await tab.page.locator('input[type=password]').waitFor({ timeout: 45_000 });
  });
});
