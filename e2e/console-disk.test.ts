// A disk that is full and a database that somebody else holds, as the page tells of them: what is wrong and what to do,
// nothing that looks as if it had been done, and no row lost once it is mended.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeAll, afterAll, describe, expect, it } from 'vitest';
import type { Service } from '../shared/client/index.ts';
import { ConsoleBrowser, screenshot } from './support/browser.ts';
import { codeOf, ConsolePage, localClient, untilCode } from './support/console-page.ts';
import { ConsoleWorld } from './support/console-world.ts';
import { SmallDisk } from './support/small-disk.ts';
import { auditedActions, loggedRows } from './support/request-log.ts';
import { until } from './support/waiting.ts';

let browser: ConsoleBrowser;
beforeAll(async () => {
  browser = await ConsoleBrowser.open();
});
afterAll(() => browser.close());

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const log = (world: ConsoleWorld): string => join(world.data, 'requests', 'requests.db');

interface Scene {
  readonly world: ConsoleWorld;
  readonly tab: ConsolePage;
  readonly service: Service;
}

async function scene(world: ConsoleWorld): Promise<Scene> {
  const { client, serviceId, fingerprint } = await localClient(world);
  const service = await client.serviceCloud(serviceId, { e2eeFingerprint: fingerprint });
  for (let i = 0; i < 5; i += 1) await service.call('ping');
  const tab = await ConsolePage.signedIn(browser, world);
  cleanUps.push(() => tab.page.context().close());
  await tab.says('Is being written');
  return { world, tab, service };
}

const works = (service: Service): Promise<boolean> =>
  until('calls are answered again', async () => (await codeOf(service.call('ping'))) === 'resolved', 20_000);

/** Each ping that was answered is in the log as such. */
function answeredPings(world: ConsoleWorld): number {
  return loggedRows(log(world)).filter(
    ({ rpc_name: name, status }) => name === 'ping' && status === 'SUCCESS',
  ).length;
}

describe('a request log that another program holds locked', () => {
  it('is said so on the page with what to do, and the service goes on by itself once it is let go', async () => {
    const world = await ConsoleWorld.start();
    cleanUps.push(() => world.close());
    const { tab, service } = await scene(world);
    const holder = new DatabaseSync(log(world));
    holder.exec('BEGIN IMMEDIATE');
    await untilCode('log_unavailable', () => service.call('ping'));
    await tab.says('Cannot be written: the service does no work');
    await tab.says(/another program holds it locked\. End that program/);
    await screenshot(tab.page, 'log-locked');
    expect(await tab.violations()).toEqual([]);
    await tab.open('requests');
    await tab.says('Does no work: the request log cannot be written');
    await tab.page.getByRole('row').filter({ hasText: 'ping' }).first().waitFor();
    await tab.open('settings');
    await tab.page.getByRole('switch', { name: 'Require session verification' }).click();
    await tab.says(/could not be put on record|audit log/i);
    expect(await tab.page.locator('[role=switch][aria-checked=true]').count()).toBe(1);
    await screenshot(tab.page, 'setting-refused');
    holder.exec('ROLLBACK');
    holder.close();
    await works(service);
    await tab.open('connectivity');
    await tab.says('Is being written');
    await until('every answered ping is on record', () => answeredPings(world) === 6);
    await tab.open('audit');
    await tab.says('Request log could not be written');
    await tab.says('Request log could be written again');
    expect(auditedActions(log(world)).filter((action) => action.startsWith('log.'))).toEqual([
      'log.unavailable',
      'log.available',
    ]);
    browser.forgive(/status of 503/);
    expect(browser.complaints).toEqual([]);
  });
});

describe('a disk that is full', () => {
  it('is said so on the page, changes are still put on record in the room kept for them, and nothing is lost', async (context) => {
    let disk: SmallDisk | null = null;
    const prepare: NonNullable<Parameters<typeof ConsoleWorld.start>[0]>['prepare'] = (home) => {
      disk = SmallDisk.mount(home.path('service'), 24);
    };
    const world = await ConsoleWorld.start({ prepare });
    const small = disk as SmallDisk | null;
    cleanUps.push(async () => {
      await world.program.end();
      small?.unmount();
      await world.close();
    });
    if (small === null) return context.skip('needs the right to mount a tmpfs');
    const { tab, service } = await scene(world);
    small.fill(64 * 1024);
    let answered = 5;
    const fill = async (): Promise<string> => {
      const code = await codeOf(service.call('ping'));
      if (code === 'resolved') answered += 1;
      return code;
    };
    await until('the disk is full', async () => (await fill()) === 'log_unavailable', 30_000);
    await tab.says('Cannot be written: the service does no work');
    await tab.says(/the disk is full\. Free some space there/);
    await screenshot(tab.page, 'disk-full');
    await tab.open('access');
    await tab
      .button(/^(New token|Create the first token) …$/)
      .first()
      .click();
    await tab.page.getByLabel('Remote user').fill('anna');
    await tab.button('Create token').click();
    await tab.dialog.getByText(/^gh_/).waitFor();
    await tab.open('audit');
    await tab.says('Access token created');
    await tab.says('Request log could not be written');
    await screenshot(tab.page, 'disk-full-audit');
    small.free();
    await works(service);
    await tab.open('connectivity');
    await tab.says('Is being written');
    await until('every answered ping is on record', () => answeredPings(world) >= answered + 1);
    browser.forgive(/status of (503|500)/);
    expect(browser.complaints).toEqual([]);
  });
});
