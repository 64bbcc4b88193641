// The example app as `gatehouse relay --trial-app` serves it, in Chromium: its own origin with its own headers, no service
// named beforehand. Elsewhere the app is walked from an origin of the specs'; here it is the one that a new user starts.
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import type { Page } from '@playwright/test';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ConsoleBrowser } from './support/browser.ts';
import { signIn } from './support/device-world.ts';
import { World } from './support/world.ts';

const content = randomBytes(300_000);
let world: World;
let browser: ConsoleBrowser;
let page: Page;
beforeAll(async () => {
  const trial = ['--trial-idp', '127.0.0.1:0', '--trial-app', '127.0.0.1:0'];
  [world, browser] = await Promise.all([World.start({ relay: trial }), ConsoleBrowser.open()]);
  const { oidcIssuer, oidcAudience, appUrl } = world.relay.events[0] as Record<string, string>;
  await world.admin('settings', 'set', 'service.oidc.audience', String(oidcAudience));
  await world.admin('settings', 'set', 'service.oidc.issuer', String(oidcIssuer));
  mkdirSync(world.home.path('published'));
  writeFileSync(world.home.path('published', 'Plan.pdf'), content);
  await world.admin('collection', 'add', 'Plans', world.home.path('published'));
  page = await browser.page(String(appUrl));
});
afterAll(async () => {
  await browser.close();
  await world.close();
});
afterEach(() => {
  expect(browser.complaints).toEqual([]);
});

it('asks a new user for the service, and for nothing that the relay knows', async () => {
  await page.getByRole('heading', { name: 'Where is your service?' }).waitFor();
  const { oidcIssuer = '' } = world.relay.events[0] as Record<string, string>;
  expect(await page.getByLabel('Issuer').inputValue()).toBe(oidcIssuer);
  await page.locator('#serviceId').fill(world.serviceId);
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await page.textContent('main')).toContain(world.serviceId);
});

it('signs in, registers, is confirmed, and downloads what was published', async () => {
  const { origin } = new URL(page.url());
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL((url) => url.origin !== origin);
  await signIn(page, 'anna', /^http:\/\/127\.0\.0\.1:\d+\/(\?|$)/);
  await page.getByRole('button', { name: 'Register this browser' }).click();
  browser.forgive(/fonts\.googleapis|ERR_NAME_NOT_RESOLVED|404/); // the provider's own pages
  const cards = page.locator('[data-fingerprint]');
  await cards.nth(1).waitFor();
  await world.admin('device', 'confirm', (await cards.nth(1).getAttribute('data-fingerprint')) ?? '');
  await page.getByRole('button', { name: 'Download Plan.pdf' }).click();
  browser.forgive(/403/); // while it was pending
  await page.locator('.download[data-state=done]').waitFor();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Save' }).click(),
  ]);
  const saved = await buffer(await download.createReadStream());
  expect(createHash('sha256').update(saved).digest('hex')).toBe(
    createHash('sha256').update(content).digest('hex'),
  );
});
