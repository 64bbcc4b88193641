// The desktop app at its edges: quit before there is a page to quit, and a file that goes from the service through the
// window into a person's downloads.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callLineOf, realElectron, runCallLine, setUp, startDesktop } from './desktop/desktop.ts';
import type { Desktop } from './desktop/desktop.ts';
import { quitBeforePage } from './desktop/stand-in-desktop.ts';
import { screenshot } from './support/browser.ts';
import { Home } from './support/home.ts';
import { auditedActions } from './support/request-log.ts';
import { until } from './support/waiting.ts';

const onStandIn = it.skipIf(realElectron !== null);

const home = new Home();
let desktop: Desktop;
let line = '';
beforeAll(async () => {
  desktop = await startDesktop(home);
  await setUp(desktop, { remember: true });
  line = await callLineOf(desktop.page);
  await desktop.page.getByRole('button', { name: 'Open the console' }).click();
});
afterAll(() => home.close());

const log = (): string => home.path('service', 'requests', 'requests.db');
const stops = (): number => auditedActions(log()).filter((action) => action === 'service.stopped').length;

describe('a download', () => {
  it('through the window is the whole export, under its name, and the page says so', async () => {
    const { page } = desktop;
    for (let i = 0; i < 3; i += 1) expect((await runCallLine(home, line)).exitCode).toBe(0);
    await page.getByRole('link', { name: 'Requests' }).click();
    await page.getByRole('row').filter({ hasText: 'ping' }).first().waitFor();
    await page.getByRole('button', { name: 'Export' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('NDJSON').first().click();
    const downloading = page.waitForEvent('download');
    await dialog
      .getByRole('button', { name: /^Export/ })
      .last()
      .click();
    const download = await downloading;
    expect(download.suggestedFilename()).toMatch(/^gatehouse-requests-[\dTZ-]+\.ndjson$/);
    const text = await readFile(await download.path(), 'utf8');
    const names = text
      .trim()
      .split('\n')
      .map((row) => (JSON.parse(row) as { rpcName: string }).rpcName);
    expect(names.filter((name) => name === 'ping')).toHaveLength(3);
    await dialog
      .getByText(/exported|done|finished/i)
      .first()
      .waitFor();
    expect(page.url()).toMatch(new RegExp(`^${desktop.pageUrl}`));
  });

  it('of an export that is not there is an answer in words, and the page stays', async () => {
    const { page } = desktop;
    const [status, text] = await page.evaluate(async () => {
      const answer = await fetch('/exports/00000000-0000-0000-0000-000000000000');
      return [answer.status, await answer.text()] as const;
    });
    expect([status, text]).toEqual([404, expect.stringContaining('no such export')]);
  });
});

describe('quitting before the page is there', () => {
  beforeAll(async () => {
    await desktop.quit();
  });

  onStandIn('waits for a service that is serving already, and stops it in order', async () => {
    const before = stops();
    const code = await quitBeforePage(home, { background: true }, () =>
      until('it serves', async () => (await runCallLine(home, line)).exitCode === 0, 60_000).then(
        () => undefined,
      ),
    );
    expect(code).toBe(0);
    await home.nothingLeft();
    expect(stops()).toBe(before + 1);
  });

  onStandIn('at once leaves no process, and the next start is as any other', async () => {
    expect(await quitBeforePage(home, {}, () => Promise.resolve()), home.output).toBe(0);
    await home.nothingLeft();
    desktop = await startDesktop(home, { background: true });
    await until('it serves', async () => (await runCallLine(home, line)).exitCode === 0, 60_000);
  });
});

describe('a remembered password', () => {
  it('is forgotten by a press, which is offered only as long as there is something to forget', async () => {
    if (!desktop.running) desktop = await startDesktop(home);
    const { page } = desktop;
    const forget = page.getByRole('button', { name: 'Forget', exact: true });
    await page.getByRole('link', { name: 'Settings' }).click();
    await forget.click();
    await page.getByText('Not remembered on this machine').waitFor();
    expect(await forget.count()).toBe(0);
    expect(existsSync(home.path('service', 'remembered-password'))).toBe(false);
    await screenshot(page, 'desktop-settings');
    expect(await desktop.quit()).toBe(0);
  });
});
