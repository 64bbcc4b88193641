// Certificates of the administrator's own, dropped on the page: what is refused and why, what a client sees of the new
// one, and the warning that comes thirty days before its end.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../shared/client/index.ts';
import { ConsoleBrowser, screenshot } from './support/browser.ts';
import { codeOf, ConsolePage, localClient, untilCode } from './support/console-page.ts';
import { ConsoleWorld } from './support/console-world.ts';
import { Openssl } from './support/openssl.ts';

const passphrase = 'of the file';
let browser: ConsoleBrowser;
let world: ConsoleWorld;
let page: ConsolePage;
let client: Client;
let id: string;
let fingerprint: string;
let openssl: Openssl;
beforeAll(async () => {
  browser = await ConsoleBrowser.open();
  world = await ConsoleWorld.start();
  page = await ConsolePage.signedIn(browser, world, { height: 1000 });
  ({ client, serviceId: id, fingerprint } = await localClient(world));
  openssl = new Openssl(world.home);
  openssl.make('short', 'p256', 29);
  openssl.make('long', 'p384', 31);
  openssl.make('weak', 'short-rsa');
  openssl.make('past', 'p256', -1);
  openssl.pkcs12('long', world.home.secret('passphrase', `${passphrase}\n`));
});
afterAll(async () => {
  await browser.close();
  await world.close();
});

const ping = async (): Promise<void> => {
  const service = await client.serviceCloud(id, { e2eeFingerprint: fingerprint });
  try {
    await service.call('ping');
  } finally {
    service.close();
  }
};

/** Lets files go over the place for them, as a person drops them from the desktop. */
async function drop(...names: readonly string[]): Promise<void> {
  const files = names.map((name) => {
    const bytes = readFileSync(openssl.path(name)).toString('base64');
    return { name: basename(name), bytes };
  });
  const transfer = await page.page.evaluateHandle(`(() => {
    const transfer = new DataTransfer();
    for (const { name, bytes } of ${JSON.stringify(files)}) {
      transfer.items.add(new File([Uint8Array.from(atob(bytes), (each) => each.charCodeAt(0))], name));
    }
    return transfer;
  })()`);
  const place = page.dialog.getByRole('group', { name: 'Import a certificate' });
  await place.dispatchEvent('dragover', { dataTransfer: transfer });
  await place.dispatchEvent('drop', { dataTransfer: transfer });
  for (const name of names) await page.dialog.getByText(name, { exact: true }).waitFor();
}

/** As a person chooses files in the browser's own window. */
async function pick(...names: readonly string[]): Promise<void> {
  const asked = page.page.waitForEvent('filechooser');
  await page.dialog.locator('button', { hasText: 'choose files' }).click();
  await (await asked).setFiles(names.map((name) => openssl.path(name)));
  for (const name of names) await page.dialog.getByText(name, { exact: true }).waitFor();
}

async function open(): Promise<void> {
  await page.open('connectivity');
  await page.button('Import …').click();
  await page.dialog.waitFor();
}

async function confirm(): Promise<void> {
  await page.dialog.getByLabel('Superadmin password', { exact: true }).fill(world.password);
  await page.dialog.getByRole('button', { name: 'Import certificate' }).click();
}

describe('a certificate that is dropped on the page', () => {
  it.each([
    ['with a key that is too short', ['weak.pem', 'weak.key']],
    ['that has expired', ['past.pem', 'past.key']],
    ['with the key of another', ['short.pem', 'long.key']],
  ])('%s is refused in words, and clients go on with the old one', async (_what, names) => {
    await open();
    await drop(...names);
    await confirm();
    await page.dialog.getByRole('alert').waitFor();
    await screenshot(page.page, `import-refused-${names.join('-')}`);
    await page.page.keyboard.press('Escape');
    expect(await codeOf(ping())).toBe('resolved');
  });

  it('is not taken with a wrong passphrase, and is with the right one; clients need its fingerprint', async () => {
    await open();
    await drop('long.p12');
    await page.dialog.getByLabel('Passphrase of the file').fill('not that');
    await confirm();
    await page.dialog.getByRole('alert').waitFor();
    await page.dialog.getByLabel('Passphrase of the file').fill(passphrase);
    await confirm();
    await page.says('The certificate has been replaced');
    await screenshot(page.page, 'imported');
    expect(await page.violations()).toEqual([]);
    await page.button('Done').click();
    await untilCode('fingerprint_mismatch', ping);
    const copied = await page.copied(page.button('Copy fingerprint').first());
    fingerprint = copied.replaceAll(/[^0-9a-f]/gi, '').toLowerCase();
    expect(await codeOf(ping())).toBe('resolved');
    await page.says('EC P-384');
  });
});

describe('the end of a certificate', () => {
  it('is no reason for a warning 31 days before', async () => {
    await page.open('connectivity');
    await page.says('EC P-384');
    expect(await page.page.getByText('The certificate expires').count()).toBe(0);
  });

  it('is warned of within 30 days, until it is renewed', async () => {
    await open();
    await pick('short.pem', 'short.key');
    await confirm();
    await page.says('The certificate has been replaced');
    await page.button('Done').click();
    await page.says(/The certificate expires in (28|29) days\. Renew it/);
    await screenshot(page.page, 'expires-soon');
    expect(await page.violations()).toEqual([]);
    await page.button('Renew …').first().click();
    await page.dialog.locator('input[type=password]').fill(world.password);
    await page.button('Renew certificate').click();
    await page.says('The certificate has been replaced');
    await page.button('Done').click();
    await page.page.getByText('The certificate expires').waitFor({ state: 'hidden' });
  });

  it('and every refused file is on record, without what was in it', async () => {
    await page.open('audit', `?filter=${encodeURIComponent('action:certificate.import_failed')}`);
    await expect.poll(() => page.page.getByRole('row').filter({ hasText: 'certificate' }).count()).toBe(4);
    expect(world.home.output).not.toContain(passphrase);
    browser.forgive(/status of 400/);
    expect(browser.complaints).toEqual([]);
  });
});
