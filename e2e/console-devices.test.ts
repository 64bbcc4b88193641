// The console's pages Devices and Documents, in Chromium against a real service, with real devices through a real relay:
// compared and confirmed, let in by a code, watched, ended and revoked; folders published, fetched from and withdrawn.
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Locator } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleBrowser, screenshot } from './support/browser.ts';
import { ConsoleClient } from './support/console-client.ts';
import { ConsolePage } from './support/console-page.ts';
import { DeviceWorld } from './support/device-world.ts';
import { looks, wrongWithEach, type View } from './support/looks.ts';
import { until } from './support/waiting.ts';
import { superadminPassword as password } from './support/world.ts';

let devices: DeviceWorld;
let browser: ConsoleBrowser;
let tab: ConsolePage;
let url: string;
let admin: ConsoleClient;
beforeAll(async () => {
  [devices, browser] = await Promise.all([
    DeviceWorld.start(['--console', '127.0.0.1:0']),
    ConsoleBrowser.open(),
  ]);
  url = String((await devices.world.service.event('ready')).consoleUrl);
  const provider = await browser.person();
  await devices.logIn(await provider.newPage(), 'anna');
  await provider.close();
  browser.complaints.length = 0; // of the provider's own pages
  tab = await ConsolePage.signedIn(browser, { url, password });
  admin = devices.world.home.keep(new ConsoleClient(url));
  await admin.call('console.unlock', { password });
});
afterAll(async () => {
  await browser.close();
  await devices.close();
});

const facts = async (name: string): Promise<Record<string, string>> =>
  (await devices.register(name)).json as Record<string, string>;
const codeOfCall = (name: string): Promise<string | undefined> => devices.refusalOf(name);
const showTab = (name: RegExp): Promise<void> => tab.page.getByRole('tab', { name }).click();
const row = (text: string | RegExp): Locator => tab.page.getByRole('row').filter({ hasText: text });

describe('a device that registers', () => {
  let laptop: Record<string, string>;

  it('waits on the page with both fingerprints, as it shows them itself, beside issuer and subject', async () => {
    await tab.open('devices');
    await tab.says('No device waits');
    laptop = await facts('laptop');
    await tab.says('1 waits to be confirmed');
    await tab.page
      .getByRole('navigation')
      .getByRole('link', { name: /^Devices 1 waits/ })
      .waitFor();
    const card = tab.page.getByRole('region', { name: 'Compare laptop of anna' });
    const shown = (await card.innerText()).replaceAll(/\s/g, '');
    const told = [laptop.deviceFingerprint, laptop.agentFingerprint, 'anna', devices.issuer];
    for (const fact of told) expect(shown).toContain(fact);
    expect(await codeOfCall('laptop')).toBe('device_pending');
  });

  it('says at once where a pasted fingerprint is another one', async () => {
    const [first] = await tab.page.getByLabel('Compare with another').all();
    await first?.fill(laptop.agentFingerprint ?? '');
    await tab.says(/Different/);
    await first?.fill(laptop.deviceFingerprint ?? '');
    await tab.says('Same');
    await first?.fill('');
  });

  it('cannot be confirmed before a person says that they have compared, and is let in afterwards', async () => {
    const confirm = tab.button('Confirm device');
    expect(await confirm.isDisabled()).toBe(true);
    await screenshot(tab.page, 'devices-pending');
    await tab.page.getByLabel(/Both are the same on the device/).check();
    await confirm.click();
    await tab.says('laptop is confirmed and can sign in.');
    await until('the device is let in', async () => (await codeOfCall('laptop')) === undefined);
    expect(
      await admin.audited(`action:device.confirmed subject:${laptop.deviceFingerprint ?? ''}`),
    ).toHaveLength(1);
  });

  it('that is refused is gone, and may register again', async () => {
    await facts('stranger');
    await tab.open('devices', '?show=waiting');
    await tab.says('stranger');
    await tab.button('Refuse …').click();
    await tab.dialog.getByText(/Nothing was open to it/).waitFor();
    await tab.dialog.getByRole('button', { name: 'Refuse device' }).click();
    await tab.says('No device waits');
    expect(await codeOfCall('stranger')).toBe('device_unknown');
  });
});

describe('a registration code', () => {
  it('is shown once, counts down, lets one device in without comparing, and says when it was used', async () => {
    await tab.open('devices');
    await tab.button('Registration code …').click();
    await tab.dialog.getByText(/for 10 minutes/).waitFor();
    await tab.dialog.getByRole('button', { name: 'Make code' }).click();
    await tab.dialog.getByText(/Good for (9 min|10 min)/).waitFor();
    const code = await tab.dialog.getByLabel('Registration code', { exact: true }).innerText();
    await tab.dialog.getByRole('button', { name: 'Show QR code' }).click();
    expect(await tab.qrCode('QR code of the registration code')).toBe(code);
    await screenshot(tab.page, 'devices-code');
    expect(await tab.violations()).toEqual([]);
    const registered = await devices.register('tablet', `${code}\n`);
    expect(registered.json).toMatchObject({ status: 'confirmed', proved: true });
    await tab.dialog.getByText(/^Used/).waitFor();
    expect(await tab.dialog.innerText()).not.toContain(code);
    await tab.dialog.getByRole('button', { name: 'Close' }).last().click();
    await showTab(/^Devices/);
    await row('tablet').getByRole('button', { name: 'tablet', exact: true }).click();
    await tab.says('by a registration code');
    expect(await codeOfCall('tablet')).toBeUndefined();
  });
});

describe('device sessions', () => {
  it('are listed with age and requests to their limits, and ended', async () => {
    await showTab(/^Sessions/);
    await row('laptop').first().getByText('1 of 1,000').waitFor();
    await row('laptop')
      .first()
      .getByText(/ s of 15 min/)
      .waitFor();
    const before = await row('laptop').count();
    await row('laptop')
      .first()
      .getByRole('button', { name: /^End the session/ })
      .click();
    await tab.dialog.getByText(/Its keys are gone at once/).waitFor();
    await tab.dialog.getByRole('button', { name: 'End session' }).click();
    await tab.says('The session is ended.');
    await until('the session is gone', async () => (await row('laptop').count()) === before - 1);
    expect(await admin.audited('action:device.session_ended')).toHaveLength(1);
  });

  it('count as a layer of their own on Connectivity', async () => {
    await tab.open('connectivity');
    await tab.page.getByRole('listitem').filter({ hasText: 'Device sessions' }).getByText(/live/).waitFor();
  });

  it('have their own facts in the inspector, and lead there from the device', async () => {
    await tab.open('devices', '?show=devices');
    await row('laptop').getByRole('button', { name: 'laptop', exact: true }).click();
    await tab.page.getByRole('link', { name: 'Show its requests' }).click();
    await tab.page.waitForURL(/device%3A|device:/);
    await tab.page.getByRole('row').filter({ hasText: 'ping' }).first().click();
    await tab.page.getByRole('tab', { name: 'Encryption' }).click();
    const panel = tab.page.getByRole('tabpanel');
    await panel.getByText('Device session').first().waitFor();
    for (const word of ['anna', devices.issuer]) await panel.getByText(word).first().waitFor();
    await screenshot(tab.page, 'request-detail-device');
    expect(await tab.violations()).toEqual([]);
  });
});

describe('documents', () => {
  it('are listed, found by name, and say who fetched which version', async () => {
    const plan = devices.publish('plan.bin', 20_000);
    devices.publish('other.bin', 10);
    const { home } = devices.world;
    const fetched = await devices.device(
      'download',
      'laptop',
      'Plans',
      plan.name,
      '--output',
      home.path('got'),
    );
    expect(fetched.exitCode).toBe(0);
    await tab.open('documents');
    await row('other.bin').waitFor();
    await tab.page.getByRole('searchbox', { name: 'Find documents by name' }).fill('PLAN');
    await until('it is searched', async () => (await row('other.bin').count()) === 0);
    await row('plan.bin').getByRole('button').click();
    const detail = tab.page.getByRole('complementary', { name: 'plan.bin' });
    await detail.getByText(plan.sha256.slice(0, 12)).first().waitFor();
    await detail.getByText('fetched 1 time').waitFor();
    await detail.getByText('Fetched · laptop').waitFor();
    await showTab(/^Who fetched what/);
    await row('plan.bin').getByText('anna').waitFor();
  });

  it('of a folder are published from the page and withdrawn again; both are on record', async () => {
    const folder = devices.world.home.path('contracts');
    mkdirSync(folder);
    writeFileSync(`${folder}/contract.pdf`, 'contract');
    await tab.open('documents');
    await tab.button('Publish folder …').click();
    await tab.dialog.getByLabel('Folder').fill(devices.world.data);
    await tab.dialog.getByRole('button', { name: 'Publish folder' }).click();
    await tab.dialog.getByText('collection_folder_invalid').waitFor();
    browser.forgive(/status of 400/);
    await tab.dialog.getByLabel('Folder').fill(folder);
    await tab.dialog.getByLabel('Name of the collection').fill('Contracts');
    await tab.dialog.getByLabel('Allow uploads').check();
    await screenshot(tab.page, 'documents-publish');
    await tab.dialog.getByRole('button', { name: 'Publish folder' }).click();
    await tab.says('Contracts is published.');
    await row('contract.pdf').waitFor();
    await tab.button('Remove …').click();
    await tab.dialog.getByText('The folder itself and everything in it stays as it is.').waitFor();
    await tab.dialog.getByRole('button', { name: 'Remove collection' }).click();
    await tab.says('Contracts is no longer published.');
    expect(await admin.audited('subject:Contracts')).toHaveLength(2);
  });
});

describe('limits and issuer', () => {
  it('are changed on the page Settings within their bounds, and each change is on record', async () => {
    await tab.open('settings');
    const field = tab.page.getByRole('textbox', { name: 'Most requests of a device session' });
    await field.fill('1001');
    await tab.says('A whole number within these bounds');
    await field.fill('500');
    await tab.says(/Live device sessions end at once/);
    await field.press('Enter');
    await tab.says('Most requests of a device session: 1,000 requests → 500 requests');
    const audience = tab.page.getByRole('textbox', { name: 'Audience' });
    await audience.fill('12345');
    await tab.says(/Tokens for the present audience are rejected/);
    await tab.button('Discard').click();
    expect(await admin.audited('subject:service.device_sessions.max_requests')).toHaveLength(1);
  });
});

const views: readonly View[] = [
  ['waiting', 'devices', '?show=waiting', null],
  ['list', 'devices', '?show=devices', 'laptop'],
  ['sessions', 'devices', '?show=sessions', null],
  ['collections', 'documents', '', 'plan.bin'],
  ['fetches', 'documents', '?show=fetches', null],
];

describe.each(Object.entries(looks))('in %s', (name, look) => {
  it('each view of both pages is free of what axe knows, and fits its window', async () => {
    if (name === 'light') await facts('phone');
    await devices.device('call', 'laptop', 'ping');
    const seen = await ConsolePage.signedIn(browser, { url, password }, look);
    const found = await wrongWithEach(seen, views, [name, look]);
    expect(found).toEqual(Object.fromEntries(views.map(([view]) => [view, []])));
    expect(browser.complaints).toEqual([]);
    await seen.page.context().close();
  });
});

describe('by keyboard alone', () => {
  it('a person goes to both pages, moves, opens and closes, and finds their keys on the sheet', async () => {
    await tab.open('connectivity');
    const { keyboard } = tab.page;
    await keyboard.press('g');
    await keyboard.press('d');
    await tab.page.getByRole('heading', { name: 'Devices', level: 1 }).waitFor();
    await keyboard.press('2');
    await keyboard.press('j');
    await tab.page.getByRole('complementary').waitFor();
    await keyboard.press('Delete');
    await tab.dialog.getByText(/is refused from now on/).waitFor();
    await keyboard.press('Escape');
    await keyboard.press('Escape');
    await until(
      'the details are closed',
      async () => (await tab.page.getByRole('complementary').count()) === 0,
    );
    await keyboard.press('?');
    await tab.dialog.getByText('New registration code').waitFor();
    await keyboard.press('Escape');
    await keyboard.press('g');
    await keyboard.press('o');
    await row('plan.bin').waitFor();
    await keyboard.press('j');
    await tab.page.getByRole('complementary').waitFor();
  });
});

describe('revoking a device', () => {
  it('says its effect first, ends its sessions at once, and is final', async () => {
    await devices.device('call', 'laptop', 'ping');
    await tab.open('devices', '?show=devices');
    await row('laptop').getByRole('button', { name: 'Revoke laptop of anna' }).click();
    await tab.dialog.getByText(/live sessions? ends? at once/).waitFor();
    await tab.dialog.getByText(/can never be used again/).waitFor();
    await screenshot(tab.page, 'devices-revoke');
    await tab.dialog.getByRole('button', { name: 'Revoke device' }).click();
    await tab.says(/The device is revoked; [1-9]\d* sessions? (was|were) ended/);
    expect(await codeOfCall('laptop')).toBe('device_revoked');
    await row('laptop').getByText('Revoked').waitFor();
    expect(
      await row('laptop')
        .getByRole('button', { name: /^Revoke/ })
        .count(),
    ).toBe(0);
    expect(browser.complaints).toEqual([]);
  });
});
