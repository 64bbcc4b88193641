// The session protocol in a real browser: Project Wycheproof's cases, the protocol's own vectors, and keys in IndexedDB.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DevicePage } from '../shared/testing/device-page.ts';
import { tallyLine, wycheproofFiles, type WycheproofFile } from '../shared/testing/wycheproof.ts';
import { ConsoleBrowser } from './support/browser.ts';
import { repository } from './support/home.ts';
import { ScriptOrigin } from './support/script-origin.ts';

const folder = process.env.GATEHOUSE_WYCHEPROOF;

let served: ScriptOrigin;
let browser: ConsoleBrowser;
let page: Page;
beforeAll(async () => {
  served = await ScriptOrigin.start('shared/testing/device-page.ts');
  browser = await ConsoleBrowser.open();
  page = await browser.page(served.origin);
});
afterAll(async () => {
  await browser.close();
  await served.close();
});

describe('the session protocol in Chromium', () => {
  it('makes the very vectors that the files hold: „werden von allen modernen Browsern unterstützt“', async () => {
    const made = await page.evaluate(() => (globalThis as unknown as Window).devicePage.deviceVectors());
    expect(Object.keys(made)).toHaveLength(6);
    for (const [name, content] of Object.entries(made)) {
      expect(content).toEqual(vector(name));
    }
  });

  it('keeps private keys in IndexedDB over a reload, and lets nobody read them', async () => {
    const fingerprint = await page.evaluate(() => (globalThis as unknown as Window).devicePage.keepKey());
    await page.reload();
    const found = await page.evaluate(() => (globalThis as unknown as Window).devicePage.findKey());
    expect(found).toEqual({
      fingerprint,
      agent: (vector('device-identity.json') as { agent: { fingerprint: string } }).agent.fingerprint,
      serviceId: 'abcd-efgh-ijkl',
      signs: true,
      extractable: false,
      exported: 'device_keys_missing',
    });
    expect(browser.complaints).toEqual([]);
  });
});

describe('Project Wycheproof in Chromium', () => {
  if (folder === undefined) {
    it('did not run: GATEHOUSE_WYCHEPROOF names no folder', () => {
      process.stdout.write('wycheproof (Chromium): did not run, GATEHOUSE_WYCHEPROOF is not set\n');
    });
    return;
  }
  it.each(Object.entries(wycheproofFiles) as [WycheproofFile, number][])(
    'every case of %s comes out as stated',
    async (file, cases) => {
      const text = readFileSync(join(folder, file), 'utf8');
      const tally = await page.evaluate(
        ([name, json]) => (globalThis as unknown as Window).devicePage.runWycheproof(name, json),
        [file, text] as const,
      );
      process.stdout.write(`${tallyLine(tally)} (Chromium)\n`);
      expect(tally.wrong).toEqual([]);
      expect(tally.ran).toBe(cases);
      expect(tally.valid + tally.invalid + tally.refused).toBe(cases);
      expect(tally.refused).toBe(file === 'aes_gcm_test.json' ? 250 : 0);
    },
  );
});

interface Window {
  readonly devicePage: DevicePage;
}

function vector(name: string): unknown {
  return JSON.parse(readFileSync(join(repository, 'shared/testing/vectors', name), 'utf8'));
}
