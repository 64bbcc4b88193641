// The example app as a new user walks it, in Chromium: sign in, register, compare, be confirmed, list, download, pull the
// plug half-way and resume, outlive the request limit, be revoked. Relay, service and provider are real processes.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Page } from '@playwright/test';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { axeViolations } from './support/axe.ts';
import { ConsoleBrowser, screenshot } from './support/browser.ts';
import { DeviceWorld, signIn } from './support/device-world.ts';

const requestLimit = 25;

let devices: DeviceWorld;
let browser: ConsoleBrowser;
let page: Page;
beforeAll(async () => {
  [devices, browser] = await Promise.all([DeviceWorld.start(), ConsoleBrowser.open()]);
  const { world } = devices;
  await world.admin('settings', 'set', 'service.device_sessions.max_requests', String(requestLimit));
  for (let at = 1; at <= 12; at += 1)
    devices.publish(`Floor plan ${String(at).padStart(2, '0')}.pdf`, at * 10_000);
  page = await browser.page(devices.page.origin);
});
afterAll(async () => {
  await browser.close();
  await devices.close();
});
afterEach(() => {
  expect(browser.complaints).toEqual([]);
});

/** The page as it is, light and dark. */
async function pictures(name: string): Promise<void> {
  await screenshot(page, `device-app-${name}`);
  await page.emulateMedia({ colorScheme: 'dark' });
  await screenshot(page, `device-app-${name}-dark`);
  expect(await axeViolations(page, 'colours')).toEqual([]);
  await page.emulateMedia({ colorScheme: 'light' });
  expect(await axeViolations(page)).toEqual([]);
}

async function sessionCount(): Promise<string> {
  return (await page.textContent('[data-session=count]')) ?? '';
}

const heading = (text: string | RegExp) => page.getByRole('heading', { name: text });

describe('a new user', () => {
  it('is told where they go, and that a real app comes from elsewhere', async () => {
    await heading('Sign in').waitFor();
    expect(await page.textContent('footer')).toContain('an origin that the relay does not control');
    expect(await page.textContent('main')).toContain(devices.world.serviceId);
    await pictures('sign-in');
  });

  it('signs in at the issuer, by keyboard, and leaves neither code nor token behind', async () => {
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.origin !== devices.page.origin);
    await signIn(page, 'anna', /^http:\/\/127\.0\.0\.1:\d+\/(\?|$)/);
    await heading('Register this browser').waitFor();
    browser.forgive(/fonts\.googleapis|ERR_NAME_NOT_RESOLVED|404/); // the provider's own pages
    expect(page.url()).toBe(`${devices.page.origin}/`);
    const storage = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
    expect(storage).not.toMatch(/eyJ|verifier/);
    await pictures('register');
  });

  it('registers, and compares both fingerprints while the device is pending', async () => {
    await page.getByRole('button', { name: 'Register this browser' }).click();
    await heading(/Compare the fingerprints/).waitFor();
    const cards = await page.locator('[data-fingerprint]').all();
    const shown = await Promise.all(cards.map((card) => card.getAttribute('data-fingerprint')));
    const list = await devices.world.admin('device', 'list');
    expect(list).toMatchObject({
      agentFingerprint: shown[0],
      devices: [{ fingerprint: shown[1], status: 'pending' }],
    });
    const groups = await page.locator('.groups').first().locator('span').allTextContents();
    expect(groups.join('')).toBe(shown[0]);
    expect(await page.locator('.words').first().locator('li').count()).toBe(24);
    for (const fact of [devices.issuer, 'anna'])
      expect(await page.locator('main').innerText()).toContain(fact);
    await pictures('pending');
    await devices.confirm(shown[1] ?? '');
    await heading('Documents').nth(1).waitFor();
    browser.forgive(/403/); // what it was told while it was pending
  });

  it('holds a private key that cannot be read', async () => {
    const keys = await page.evaluate<unknown>(readKeys);
    expect(keys).toEqual([{ extractable: false, usages: ['sign'] }]);
  });

  it('lists documents and searches them', async () => {
    await page.getByText('12 shown').waitFor();
    await page.getByLabel('Search').fill('plan 03');
    await page.getByText('1 shown').waitFor();
    await pictures('documents');
    await page.getByLabel('Search').fill('');
    await page.getByText('12 shown').waitFor();
  });

  it('is asked once, not before each request, whether it may talk to the relay', async () => {
    const network = await page.context().newCDPSession(page);
    const sent: string[] = [];
    network.on('Network.requestWillBeSent', ({ request }) => {
      if (request.url.includes('/api/requests')) sent.push(request.method);
    });
    await network.send('Network.enable');
    for (const [search, found] of Object.entries({ 'plan 04': 1, 'plan 0': 9, 'plan 1': 3, '': 12 })) {
      await page.getByLabel('Search').fill(search);
      await page.getByText(`${found} shown`).waitFor();
    }
    await network.detach();
    expect(sent.filter((each) => each === 'POST').length).toBeGreaterThanOrEqual(4);
    expect(sent.filter((each) => each === 'OPTIONS').length).toBeLessThanOrEqual(1);
  });

  it('downloads with a progress bar, and saves what the service has', async () => {
    const { sha256 } = devices.publish('Site.bin', 5_000_000);
    await list('Site');
    await page.getByRole('button', { name: 'Download Site.bin' }).click();
    expect(await saved('Site.bin')).toBe(sha256);
    expect(await bar('Site.bin')).toBe(1);
  });

  it('goes on where it stopped after the plug was pulled half-way', async () => {
    const { sha256 } = devices.publish('Survey.bin', 60_000_000);
    await list('Survey');
    devices.proxy.pullPlugAfter(20_000_000);
    await page.getByRole('button', { name: 'Download Survey.bin' }).click();
    const resume = page.getByRole('button', { name: 'Resume: Survey.bin' });
    await resume.waitFor();
    browser.forgive(/ERR_|Failed to load resource/);
    const share = await bar('Survey.bin');
    expect([share > 0.2, share < 0.5]).toEqual([true, true]);
    await pictures('paused');
    devices.proxy.pullPlugAfter(null);
    await resume.click();
    await page.locator('.download[data-state=done]', { hasText: 'Survey.bin' }).waitFor();
    expect(await page.textContent('.download:has-text("Survey.bin")')).toMatch(/of it from before/);
    await pictures('done');
    expect(await saved('Survey.bin')).toBe(sha256);
    browser.forgive(/ERR_|Failed to load resource/);
  });

  it('sees how old the session is and how many requests it has had', async () => {
    const strip = page.getByRole('region', { name: 'Session' });
    await strip.getByText(/^\d\d?:\d\d of 15:00$/).waitFor();
    expect(await page.textContent('[data-session=requests]')).toMatch(
      new RegExp(`^[1-9]\\d* of ${requestLimit}$`),
    );
  });

  it('outlives the limit of requests: the page starts another session by itself', async () => {
    const before = await sessionCount();
    for (let at = 0; at < requestLimit; at += 1) {
      await list(`plan ${String((at % 9) + 1).padStart(2, '0')}`);
    }
    expect(await sessionCount()).not.toBe(before);
    expect(await sessionCount()).toMatch(/number \d+ since/);
  });

  it('is told when it is revoked, and gets nothing more', async () => {
    const { devices: known } = (await devices.world.admin('device', 'list')) as { devices: { id: string }[] };
    await devices.world.admin('device', 'revoke', known[0]?.id ?? '');
    await page.getByLabel('Search').fill('plan');
    await page.locator('[data-code=device_revoked]').waitFor();
    await pictures('revoked');
    browser.forgive(/Failed to load resource/);
  });
});

/** In the page, whose types are not those of a spec: what WebCrypto says of each private key in IndexedDB. */
const readKeys = `(async () => {
  const of = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
  const [found] = await indexedDB.databases();
  const database = await of(indexedDB.open(found.name));
  const kept = await of(database.transaction('device-keys').objectStore('device-keys').getAll());
  return kept.map(({ keys: { privateKey } }) => ({ extractable: privateKey.extractable, usages: privateKey.usages }));
})()`;

/** What the progress bar of a download shows, 0 to 1. */
function bar(name: string): Promise<number> {
  const progress = page.getByRole('progressbar', { name: `Download of ${name}` });
  return progress.evaluate((element: object) => (element as { position: number }).position);
}

/** Types a search, and waits for its list. */
async function list(search: string): Promise<void> {
  await Promise.all([
    page.waitForResponse((response) => response.url().includes('/api/requests')),
    page.getByLabel('Search').fill(search),
  ]);
}

/** The SHA-256 of what “Save” hands over. */
async function saved(name: string): Promise<string> {
  const row = page.locator('.download', { hasText: name });
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    row.getByRole('link', { name: 'Save' }).click(),
  ]);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(await download.path()) as AsyncIterable<Buffer>)
    hash.update(chunk);
  return hash.digest('hex');
}
