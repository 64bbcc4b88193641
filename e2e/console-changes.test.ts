// What an administrator changes in the page, and what becomes of a live client of the real service by it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client, Service } from '../shared/client/index.ts';
import { wordsOfFingerprint } from '../shared/contracts/fingerprint-words.ts';
import { parseFingerprint } from '../shared/contracts/fingerprint.ts';
import { ConsoleBrowser } from './support/browser.ts';
import { codeOf, ConsolePage, localClient, untilCode } from './support/console-page.ts';
import { ConsoleWorld } from './support/console-world.ts';
import { until } from './support/waiting.ts';

let browser: ConsoleBrowser;
let world: ConsoleWorld;
let page: ConsolePage;
let client: Client;
let id: string;
let fingerprint: string;
beforeAll(async () => {
  browser = await ConsoleBrowser.open();
  world = await ConsoleWorld.start();
  page = await ConsolePage.signedIn(browser, world);
  ({ client, serviceId: id, fingerprint } = await localClient(world));
});
afterAll(async () => {
  await browser.close();
  await world.close();
});

const ping = async (): Promise<void> => {
  const service = await client.serviceCloud(id, { e2eeFingerprint: fingerprint });
  await service.call('ping');
  service.close();
};

describe('the page Connectivity', () => {
  it('renews the certificate: both fingerprints side by side, and the client with the old one refuses', async () => {
    const live = await client.serviceCloud(id, { e2eeFingerprint: fingerprint });
    await page.open('connectivity');
    await page.button('Renew …').click();
    await page.dialog.locator('input[type=password]').fill('not the password');
    await page.button('Renew certificate').click();
    await page.dialog.getByText('The superadmin password is wrong.').waitFor();
    expect(await codeOf(ping())).toBe('resolved');
    await page.dialog.locator('input[type=password]').fill(world.password);
    await page.button('Renew certificate').click();
    await page.says('The certificate has been replaced');
    const shown = await page.dialog.locator('.hex').allInnerTexts();
    const [old, renewed] = shown.map((text) => text.replaceAll(/\s/g, ''));
    expect(old).toBe(fingerprint);
    await page.button('Done').click();
    await untilCode('fingerprint_mismatch', () => ping());
    // Live sessions go on with the certificate they were made with, and the page counts them.
    expect(await codeOf(live.call('ping'))).toBe('resolved');
    await page.says(/1 live session still runs on an earlier certificate/);
    browser.forgive(/status of 40[13]/);
    const copied = await page.copied(page.button('Copy fingerprint').first());
    fingerprint = copied.replaceAll(/[^0-9a-f]/gi, '').toLowerCase();
    expect(fingerprint).toBe(renewed);
    expect(await codeOf(ping())).toBe('resolved');
    live.close();
  });

  it('shows the same fingerprint as hex, as words with a checksum, and as a QR code that a camera reads, each to copy', async () => {
    await page.open('connectivity');
    const words = await wordsOfFingerprint(fingerprint);
    const shows = async (): Promise<boolean> => {
      await page
        .button(/^Words/)
        .first()
        .click();
      const texts = await Promise.all(words.map((word) => page.page.getByText(word).first().isVisible()));
      return texts.every(Boolean);
    };
    await until('all words are shown', shows); // the page may be drawn anew right after the renewal
    expect(await page.copied(page.button('Copy words'))).toBe(words.join(' '));
    await page
      .button(/^QR code/)
      .first()
      .click();
    const read = await page.qrCode('QR code of the fingerprint');
    expect(parseFingerprint(read ?? '')).toBe(fingerprint);
    await page.button('Copy QR code').click();
    await page.button('Copied').waitFor();
    expect(await page.copiedQrCode()).toBe(read);
  });
});

describe('the page Settings', () => {
  const toggle = (name: string) => page.page.getByRole('switch', { name });
  /** Of a client that was told to use no E2EE. */
  let plain: Service;

  it('turns E2EE off with the password, says what that opens, and a client without E2EE gets in', async () => {
    const plaintext = await localClient(world, { useE2eeDefault: 'never', onWarning: () => undefined });
    plain = await plaintext.client.serviceCloud(id);
    expect(await codeOf(plain.call('ping'))).toBe('e2ee_required');
    await page.open('settings');
    await toggle('Require end-to-end encryption').click();
    await page.says(/This opens: .*(in the clear|without encryption|without E2EE)/);
    await page.dialog.locator('input[type=password]').fill(world.password);
    await page.button('Turn off').click();
    await page.dialog.waitFor({ state: 'hidden' });
    await untilCode('resolved', () => plain.call('ping'));
  });

  it('turns session verification on, and E2EE with it, which it says; live clients with neither are out', async () => {
    const live = await client.serviceCloud(id, { e2eeFingerprint: fingerprint });
    await page.open('settings');
    await toggle('Require session verification').click();
    await page.says('E2EE was turned on too: session verification only runs inside it.');
    await page.page.locator('[role=switch][aria-checked=true]').nth(1).waitFor();
    await untilCode('access_token_required', () => live.call('ping'));
    await untilCode('e2ee_required', () => plain.call('ping'));
    live.close();
  });

  it('asks for the password before it turns it off, and says what that opens', async () => {
    await page.open('settings');
    await toggle('Require session verification').click();
    await page.says(/This opens: clients without an access token/);
    expect(await codeOf(ping())).toBe('access_token_required');
    await page.dialog.locator('input[type=password]').fill(world.password);
    await page.button('Turn off').click();
    await page.dialog.waitFor({ state: 'hidden' });
    expect(await codeOf(ping())).toBe('resolved');
  });
});

describe('the page Access', () => {
  it('makes a token that works and ends in time, shows it once, says when it was used, and revokes it under a live session', async () => {
    await page.open('access');
    await page
      .button(/^(New token|Create the first token) …$/)
      .first()
      .click();
    await page.page.getByLabel('Remote user').fill('anna');
    await page.page.getByLabel('Expires').selectOption('7');
    await page.button('Create token').click();
    const accessToken = await page.copied(page.button('Copy token'));
    expect(accessToken).toMatch(/^gh_[a-z0-9]+_[\w-]{43}$/);
    await page.button('Show QR code').click();
    expect(await page.qrCode('QR code of the access token')).toBe(accessToken);
    await page.dialog.getByRole('button', { name: 'Done' }).click();
    await page.page.getByText(accessToken).waitFor({ state: 'detached' });
    expect(await page.page.content()).not.toContain(accessToken);
    const row = page.page.getByRole('row').filter({ hasText: accessToken.split('_')[1] ?? '' });
    expect(await row.innerText()).toMatch(/in (6|7) days/);
    await row.getByText('Not on record').waitFor();
    const live = await client.serviceCloud(id, { e2eeFingerprint: fingerprint, accessToken });
    expect(await codeOf(live.call('ping'))).toBe('resolved');
    await row.getByText('Not on record').waitFor({ state: 'detached' });
    await page.button(/^Revoke token .* of anna$/).click();
    await page.dialog.getByRole('button', { name: 'Revoke token' }).click();
    await untilCode('access_token_rejected', () => live.call('ping'));
    const again = client.serviceCloud(id, { e2eeFingerprint: fingerprint, accessToken });
    expect(await codeOf(again)).toBe('access_token_rejected');
    live.close();
  });
});

describe('the page Sessions', () => {
  it('shows who is connected, and ends one', async () => {
    const live = await client.serviceCloud(id, { e2eeFingerprint: fingerprint });
    for (let sent = 0; sent < 6; sent += 1) await live.call('ping');
    await page.open('sessions');
    // By its requests: sessions of before may stand there for a second still.
    await page.page
      .getByRole('row')
      .filter({ hasText: /TLSv1\.3\s*7/ })
      .click();
    await page.page.getByRole('columnheader', { name: 'Who, and client (relay’s word)' }).waitFor();
    const facts = await page.page.getByRole('complementary').innerText();
    for (const fact of ['local (relay’s word)', 'TLSv1.3', 'TLS_AES_', 'Encrypted, not verified', 'HTTP/2'])
      expect(facts).toContain(fact);
    expect(facts).toMatch(/Requests\s+7\s/);
    await page.button('End session …').click();
    await page.dialog.getByText(/local \(relay’s word\)/).waitFor();
    await page.dialog.getByRole('button', { name: 'End session' }).click();
    await page.says('The session has ended.');
    live.close();
  });
});

describe('the page Audit', () => {
  it('has every one of these changes with who, old and new, and nothing was complained about', async () => {
    await page.open('audit', `?filter=${encodeURIComponent('actor:"administrator*"')}`);
    await page.open('audit');
    for (const what of [
      'Certificate renewed',
      'Setting changed',
      'Access token created',
      'Access token revoked',
      'Session ended',
    ]) {
      await page.says(what);
    }
    await page.open('audit', `?filter=${encodeURIComponent('action:token.rejected')}`);
    await page.page.getByRole('row').filter({ hasText: 'local (relay’s word)' }).first().waitFor();
    await page.open('audit', `?filter=${encodeURIComponent('action:settings.changed')}`);
    const changes = page.page.getByRole('row').filter({ hasText: 'service.e2ee' });
    await expect.poll(() => changes.count()).toBe(4);
    expect((await changes.allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' '))).toEqual(
      [
        'require_e2ee_session_verification true false',
        'require_e2ee_session_verification false true',
        'require_e2ee false true',
        'require_e2ee true false',
      ].map((change): unknown => {
        return expect.stringContaining(`service.e2ee.${change} administrator (browser 127.0.0.1`);
      }),
    );
    expect(browser.complaints).toEqual([]);
  });
});
