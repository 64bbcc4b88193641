// Two tabs, two languages of the same person, and a service that dies under them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleBrowser } from './support/browser.ts';
import { ConsolePage } from './support/console-page.ts';
import { ConsoleWorld } from './support/console-world.ts';

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

describe('two tabs', () => {
  it('see each other’s changes at once, and are locked together', async () => {
    const first = await ConsolePage.signedIn(browser, world);
    const second = new ConsolePage(await first.page.context().newPage(), world.url);
    await second.open('settings');
    await first.open('settings');
    const toggle = (page: ConsolePage) =>
      page.page.getByRole('switch', { name: 'Require session verification' });
    await toggle(first).click();
    await second.page.locator('[role=switch][aria-checked=true]').nth(1).waitFor();
    await first.choose('lock', /Lock console/);
    await first.says('The console is locked');
    await second.says('The console is locked');
    expect(world.program.running).toBe(true);
    browser.forgive(/WebSocket|status of 401/);
    expect(browser.complaints).toEqual([]);
    await first.page.context().close();
  });
});

describe('a service that is killed under an open tab', () => {
  it('is missed in words, with what was shown before, and the tab goes on once it is back', async () => {
    const tab = await ConsolePage.signedIn(browser, world);
    await tab.open('connectivity');
    await tab.says('Reachable through the relay');
    await world.program.end('SIGKILL');
    await tab.says(/does not answer/);
    expect(await tab.page.getByRole('heading', { name: 'Connectivity' }).isVisible()).toBe(true);
    await world.restart();
    await tab.page.locator('input[type=password]').waitFor({ timeout: 45_000 });
    await tab.unlock(world.password);
    await tab.says('Reachable through the relay');
  });
});
