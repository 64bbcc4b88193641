// From a printed URL to a first call, as a new administrator does it: in a browser, with a pointer and a clipboard.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleBrowser, screenshot } from './support/browser.ts';
import { ConsolePage } from './support/console-page.ts';
import { ConsoleWorld } from './support/console-world.ts';

let browser: ConsoleBrowser;
let world: ConsoleWorld;
beforeAll(async () => {
  browser = await ConsoleBrowser.open();
  world = await ConsoleWorld.start({ state: 'first_run' });
});
afterAll(async () => {
  await browser.close();
  await world.close();
});

describe('a first run in a browser', () => {
  it('goes from the printed URL to a call that works, and ends in the console', async () => {
    const page = await browser.page(world.url);
    const { password } = world;
    const [first, second] = [
      page.locator('input[type=password]').nth(0),
      page.locator('input[type=password]').nth(1),
    ];
    await first.waitFor();
    // The key is in the address bar's history and over shoulders no longer than it takes to read it.
    expect(page.url()).not.toContain('setup');
    await screenshot(page, 'first-run');
    const start = page.getByRole('button', { name: 'Set up', exact: true });
    await first.fill('short');
    expect(await start.isDisabled()).toBe(true);
    await first.fill(password);
    await second.fill('something else');
    expect(await start.isDisabled()).toBe(true);
    await second.fill(password);
    await start.click();
    await page.getByText('The service runs').waitFor({ timeout: 30_000 });
    await screenshot(page, 'first-run-done');
    const copy = page.getByRole('button', { name: 'Copy command' });
    const line = await new ConsolePage(page, world.url).copied(copy);
    expect(line).toMatch(/ call [a-z2-7-]{14} ping .*--fingerprint [0-9a-f]{64}/);
    const called = world.home.execute('/bin/sh', ['-c', `${line} --json`]);
    expect(await called.exit()).toEqual({ code: 0, signal: null });
    expect(called.events).toMatchObject([
      { result: { pong: true }, request: { e2ee: { verifiedBy: 'fingerprint' } } },
    ]);
    await page.getByRole('button', { name: 'Open the console' }).click();
    await page.getByRole('navigation').first().waitFor();
    await page.goto(`${new URL(world.url).origin}/#/requests`);
    await page.getByRole('row').filter({ hasText: 'ping' }).first().waitFor();
    expect(browser.complaints).toEqual([]);
  });

  it('cannot be done again with the same URL', async () => {
    const page = await browser.page(world.url);
    await page.locator('input[type=password]').waitFor();
    expect(await page.getByRole('button', { name: 'Set up', exact: true }).count()).toBe(0);
    expect(await page.locator('input[type=password]').count()).toBe(1);
  });
});
