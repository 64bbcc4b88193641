// The inspector against real requests: what a filter shows, what a detail says, and that an export, opened again, is
// exactly what was filtered.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleBrowser } from './support/browser.ts';
import { ConsolePage, localClient } from './support/console-page.ts';
import { ConsoleWorld } from './support/console-world.ts';
import { loggedRows } from './support/request-log.ts';

let browser: ConsoleBrowser;
let world: ConsoleWorld;
let tab: ConsolePage;
let fingerprint: string;
beforeAll(async () => {
  browser = await ConsoleBrowser.open();
  world = await ConsoleWorld.start();
  const local = await localClient(world);
  fingerprint = local.fingerprint;
  const service = await local.client.serviceCloud(local.serviceId, { e2eeFingerprint: fingerprint });
  for (let i = 0; i < 12; i += 1) await service.call('ping');
  for (let i = 0; i < 5; i += 1) await service.call('echo', { i });
  for (let i = 0; i < 3; i += 1) await service.call('no-such-rpc').catch(() => undefined);
  tab = await ConsolePage.signedIn(browser, world);
});
afterAll(async () => {
  await browser.close();
  await world.close();
});

const rows = () => tab.page.locator('[role=row]').filter({ hasText: /ping|echo|no-such-rpc|capabilities/ });

async function filtered(filter: string): Promise<void> {
  await tab.open('requests', `?filter=${encodeURIComponent(filter)}`);
}

describe('a filter', () => {
  it.each([
    ['rpc:ping', 12],
    ['rpc:echo,no-such-rpc', 8],
    ['-rpc:ping -rpc:capabilities', 8],
    ['status:rejected', 3],
    ['rpc:ping e2ee:no', 0],
    ['error:rpc_unknown', 3],
  ])('%s shows %i requests and counts them', async (filter, count) => {
    await filtered(filter);
    await expect.poll(() => rows().count(), { timeout: 10_000 }).toBe(count);
    if (count > 0) await tab.says(`${String(count)} requests`);
    else await tab.says('No request matches this filter');
  });

  it('with an error says where, and keeps what was shown', async () => {
    await filtered('rpc:ping colour:red');
    await tab.says(/Column 10.*There is no field “colour”/);
  });

  it('that is huge is refused in words and not cut, and each refusal is on record', async () => {
    await filtered(`rpc:ping ${'x'.repeat(5000)}`);
    await tab.says(/Column 4097.*The filter is too long/);
    await tab.open('audit', `?filter=${encodeURIComponent('action:console.call_refused')}`);
    const refused = tab.page.getByRole('row').filter({ hasText: 'requests.page' });
    await expect.poll(() => refused.count()).toBe(2);
    await refused.first().click();
    await tab.says('console_call_malformed');
    await refused.last().click();
    await tab.says('filter_invalid');
  });
});

describe('the list', () => {
  it('labels whom the relay calls the client as the relay’s word', async () => {
    await filtered('rpc:ping');
    await rows().first().waitFor();
    await tab.page.getByRole('columnheader', { name: 'Client (relay’s word)' }).waitFor();
  });
});

describe('the detail', () => {
  it('says how the request was protected, and where its time went', async () => {
    await filtered('rpc:ping');
    await rows().first().click();
    await tab.page.getByRole('tab', { name: 'Encryption' }).click();
    await tab.says('TLSv1.3');
    expect((await tab.page.locator('main').innerText()).replaceAll(/\s/g, '')).toContain(fingerprint);
    await tab.page.getByRole('tab', { name: 'Timing' }).click();
    await tab.says('Handler');
  });
});

describe('an export', () => {
  it.each(['NDJSON', 'CSV', 'HAR'])('as %s, opened again, has exactly what was filtered', async (format) => {
    await filtered('rpc:echo');
    await tab.button('Export').first().click();
    await tab.dialog.getByText(format).first().click();
    const downloading = tab.page.waitForEvent('download');
    await tab.dialog
      .getByRole('button', { name: /^Export/ })
      .last()
      .click();
    const text = await readFile(await (await downloading).path(), 'utf8');
    const logged = loggedRows(join(world.data, 'requests', 'requests.db'));
    const echoes = logged.filter((row) => row.rpc_name === 'echo').map((row) => row.id);
    expect(echoes).toHaveLength(5);
    expect(idsOf(format, text)).toEqual(echoes.reverse());
    await tab.page.keyboard.press('Escape');
  });

  it('leaves nothing to complain about', () => {
    browser.forgive(/status of 400/);
    expect(browser.complaints).toEqual([]);
  });
});

/** The number of each request in the export, in its order; throws where it is not well-formed. */
function idsOf(format: string, text: string): unknown[] {
  if (format === 'NDJSON')
    return text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: number }).id);
  if (format === 'CSV') {
    const [head = '', ...lines] = text.trim().split('\r\n');
    expect(head).toMatch(/^\ufeff?id,/);
    return lines.map((line) => Number(line.split(',')[0]));
  }
  const { log } = JSON.parse(text) as { log: { version: string; entries: { _gatehouse: { id: number } }[] } };
  expect(log.version).toBe('1.2');
  return log.entries.map(({ _gatehouse: { id } }) => id);
}
