// A service set up in the page with a relay elsewhere, and what the page says when that relay is lost and comes back. Before
// that, what a person sees who has not signed in: the first run and the lock, in every look.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleBrowser, screenshot } from './support/browser.ts';
import { ConsolePage } from './support/console-page.ts';
import { ConsoleWorld } from './support/console-world.ts';
import { looks, wrongWith } from './support/looks.ts';
import type { Program } from './support/program.ts';

/** Longer than the relay takes to start and `Retry now` to work, in seconds. */
const longWait = 6;

let browser: ConsoleBrowser;
let world: ConsoleWorld;
let locked: ConsoleWorld;
let relay: Program;
let relayUrl: string;
beforeAll(async () => {
  browser = await ConsoleBrowser.open();
  world = await ConsoleWorld.start({ state: 'first_run' });
  locked = await ConsoleWorld.start({ state: 'locked' });
  relay = startRelay('127.0.0.1:0');
  relayUrl = String((await relay.event('ready')).url);
});
afterAll(async () => {
  await browser.close();
  await world.close();
  await locked.close();
});

function startRelay(listen: string): Program {
  const data = world.home.path('relay');
  return world.home.spawn('relay', '--listen', listen, '--data', data, '--domain', 'PROD', '--json');
}

describe.each(Object.entries(looks))('in %s', (name, look) => {
  it('first run and lock are free of what axe knows, and fit their window', async () => {
    const found: Record<string, string[]> = {};
    for (const [view, at] of Object.entries({ 'first-run': world, lock: locked })) {
      const tab = new ConsolePage(await browser.page(at.url, look), at.url);
      await tab.page.locator('input[type=password]').first().waitFor();
      if (view === 'first-run') await tab.page.getByRole('radio').nth(1).check();
      found[view] = await wrongWith(tab, look, `${view}-${name}`);
      await tab.page.context().close();
    }
    expect(found).toEqual({ 'first-run': [], lock: [] });
    expect(browser.complaints).toEqual([]);
  });
});

describe('a first run with a relay elsewhere', () => {
  it('takes its address and an enrolment token, says how strong the password is, and ends in a service that is reached', async () => {
    const data = world.home.path('relay');
    const { token } = await world.home.result('relay', 'enrolment-token', '--data', data);
    const page = await browser.page(world.url);
    const tab = new ConsolePage(page, world.url);
    const password = page.getByLabel('Superadmin password', { exact: true });
    await password.fill('password');
    await tab.says('Too easy to guess');
    await password.fill(world.password);
    await tab.says(/^(Very strong|Strong)$/);
    await page.getByLabel('The same password again').fill(world.password);
    await page.getByRole('radio', { name: /^A relay elsewhere/ }).check();
    expect(await tab.button('Set up').isDisabled()).toBe(true);
    await page.getByLabel('Address of the relay').fill(relayUrl);
    await page.getByRole('textbox', { name: 'Enrolment token' }).fill(String(token));
    await tab.button('Set up').click();
    await page.getByText('The service runs').waitFor({ timeout: 30_000 });
    await tab.says(/^Reachable through the relay/);
    expect(await tab.violations()).toEqual([]);
    await tab.button('Open the console').click();
    await tab.open('connectivity');
    await tab.says('Reachable through the relay');
    await page.getByRole('definition').filter({ hasText: 'PROD' }).getByText('relay’s word').waitFor();
    const user = await world.home.result('relay', 'client-token', '--user', 'anna', '--data', data);
    const file = world.home.secret('client/relay-token', String(user.token));
    const id = await tab.copied(tab.button('Copy service ID'));
    const flags = ['--relay', relayUrl, '--relay-token-file', file, '--json'];
    expect((await world.home.run('call', id, 'ping', ...flags)).json).toMatchObject({
      result: { pong: true },
      request: { clientId: 'anna' },
    });
  });
});

describe('a relay that is lost', () => {
  it('is said so with the cause, is listed with how long that lasted, and is dialled at once by “Retry now”', async () => {
    const tab = await ConsolePage.signedIn(browser, world);
    await tab.says('Reachable through the relay');
    await relay.end('SIGKILL');
    await tab.says('Not reachable');
    await tab.says('Clients cannot reach this service until the relay answers again.');
    const lost = tab.page.getByRole('row').filter({ hasText: 'Disconnected' });
    await expect.poll(() => lost.first().innerText()).toMatch(/wire_closed|relay_unreachable/);
    const seconds = async (): Promise<number> => {
      const text = await tab.page.locator('main').innerText();
      return Number(/Next attempt in (\d+) s/.exec(text)?.[1] ?? 0);
    };
    await expect.poll(seconds, { timeout: 90_000 }).toBeGreaterThan(longWait);
    await screenshot(tab.page, 'relay-lost');
    expect(await tab.violations()).toEqual([]);
    relay = startRelay(new URL(relayUrl).host);
    await relay.event('ready');
    await tab.button('Retry now').click();
    await tab.page.getByText('Reachable through the relay').first().waitFor({ timeout: 3_000 });
    expect(await tab.page.getByRole('row').filter({ hasText: 'Connected' }).count()).toBeGreaterThan(1);
    expect(browser.complaints).toEqual([]);
    expect(readFileSync(world.home.path('service', 'relay.json'), 'utf8')).not.toContain('enrolment');
  });
});
