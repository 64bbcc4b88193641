// `npm run screenshots`: the pictures of the README, of a real service with real clients, taken anew. Writes
// build/pictures/*.png and every page in light and dark to e2e/screenshots/.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Service } from '../shared/client/index.ts';
import { ConsoleBrowser, screenshot } from './support/browser.ts';
import { ConsolePage, localClient, pageNames } from './support/console-page.ts';
import { ConsoleWorld } from './support/console-world.ts';
import { repository } from './support/home.ts';

const pictures = join(repository, 'build/pictures');
const users = ['anna', 'bernd', 'chiara', 'dmitri'] as const;
const rounds = 60;

/** Calls of several people, some of which fail, so that there is something to see. */
async function makeTraffic(world: ConsoleWorld): Promise<void> {
  const { client, serviceId, fingerprint } = await localClient(world);
  const admin = await world.signedIn();
  const services: Service[] = [];
  for (const user of users) {
    const { token } = await admin.call('tokens.create', { user, expiresAt: null });
    services.push(await client.serviceCloud(serviceId, { e2eeFingerprint: fingerprint, accessToken: token }));
  }
  services.push(await client.serviceCloud(serviceId, { e2eeFingerprint: fingerprint }));
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, service] of services.entries()) {
      if ((round + index) % 3 === 0) await service.call('echo', { round, text: 'x'.repeat(40 * round) });
      else await service.call('ping');
      if ((round * 7 + index) % 29 === 0) await service.call('documents.list').catch(() => undefined);
    }
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

async function takeAll(
  browser: ConsoleBrowser,
  world: ConsoleWorld,
  scheme: 'light' | 'dark',
): Promise<void> {
  const tab = await ConsolePage.signedIn(browser, world, { scheme });
  for (const page of pageNames) {
    await tab.open(page);
    await tab.page.waitForTimeout(1_500);
    await screenshot(tab.page, `${page}-${scheme}`);
  }
}

async function take(browser: ConsoleBrowser, world: ConsoleWorld): Promise<void> {
  const light = await ConsolePage.signedIn(browser, world, { height: 820 });
  const dark = await ConsolePage.signedIn(browser, world, { scheme: 'dark', height: 820 });
  const shoot = async (tab: ConsolePage, name: string): Promise<void> => {
    await tab.page.waitForTimeout(1_500);
    await tab.page.screenshot({ path: join(pictures, `${name}.png`), animations: 'disabled' });
  };
  await light.open('connectivity');
  await shoot(light, 'connectivity');
  await dark.open('requests', `?filter=${encodeURIComponent('rpc:ping,echo')}`);
  await dark.page.getByRole('row').filter({ hasText: 'echo' }).first().click();
  await dark.page.getByRole('tab', { name: 'Timing' }).click();
  await shoot(dark, 'requests');
  await light.open('sessions');
  await shoot(light, 'sessions');
  await light.open('settings');
  await shoot(light, 'settings');
}

mkdirSync(pictures, { recursive: true });
const browser = await ConsoleBrowser.open();
const world = await ConsoleWorld.start();
try {
  await makeTraffic(world);
  await take(browser, world);
  await takeAll(browser, world, 'light');
  await takeAll(browser, world, 'dark');
  console.log(`Pictures of the README are in ${pictures}`);
} finally {
  await browser.close();
  await world.close();
}
