// The console's page Devices while a relay replays requests, in Chromium against a real service: what was refused is
// counted beside the session that it came in.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ConsoleBrowser, screenshot } from './support/browser.ts';
import { ConsolePage } from './support/console-page.ts';
import { DeviceWorld } from './support/device-world.ts';
import { until } from './support/waiting.ts';
import { superadminPassword as password } from './support/world.ts';

let devices: DeviceWorld;
let browser: ConsoleBrowser;
let tab: ConsolePage;
beforeAll(async () => {
  [devices, browser] = await Promise.all([
    DeviceWorld.start(['--console', '127.0.0.1:0']),
    ConsoleBrowser.open(),
  ]);
  const url = String((await devices.world.service.event('ready')).consoleUrl);
  const provider = await browser.person();
  await devices.logIn(await provider.newPage(), 'anna');
  await provider.close();
  await devices.registered('laptop');
  browser.complaints.length = 0; // of the provider's own pages
  tab = await ConsolePage.signedIn(browser, { url, password });
});
afterAll(async () => {
  await browser.close();
  await devices.close();
});

it('replays that the service refused are counted beside their session', async () => {
  devices.proxy.tamper = async (passing, forward) => {
    const answer = await forward();
    if (passing.path.includes('/api/requests')) for (let at = 0; at < 3; at += 1) await forward();
    return answer;
  };
  expect((await devices.device('call', 'laptop', 'ping')).exitCode).toBe(0);
  devices.proxy.tamper = null;
  expect((await devices.device('call', 'laptop', 'ping')).exitCode).toBe(0);
  await tab.open('devices', '?show=sessions');
  await tab.page.getByRole('columnheader', { name: 'Replays refused' }).waitFor();
  const column = await tab.page.getByRole('columnheader').allTextContents();
  const at = column.findIndex((text) => text.includes('Replays refused'));
  const rows = tab.page.getByRole('row').filter({ hasText: 'laptop' });
  const replays = async (): Promise<string[]> => {
    const cells = await rows.all();
    return Promise.all(cells.map(async (row) => (await row.getByRole('cell').nth(at).innerText()).trim()));
  };
  await until('the replays are shown', async () => (await replays()).includes('3'));
  // No other session has had any.
  expect((await replays()).filter((count) => count !== '0')).toEqual(['3']);
  await screenshot(tab.page, 'devices-replays');
  expect(await tab.violations()).toEqual([]);
});
