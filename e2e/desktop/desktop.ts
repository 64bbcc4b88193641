// The desktop app as a test handles it: started on folders of its own, its page as Playwright sees it, and what a person
// does outside the page. On a real Electron where there is one, on the stand-in where not.
import type { Page } from '@playwright/test';
import type { ConsoleBridge } from '../../shared/contracts/console/transport.ts';
import type { Home } from '../support/home.ts';
import { until } from '../support/waiting.ts';
import { electronBinary, ranOn } from './electron-binary.ts';
import type { DesktopOptions } from './options.ts';
import { startElectron } from './real-electron.ts';
import { startStandIn } from './stand-in-desktop.ts';
import type { StandInDesktop } from './stand-in-desktop.ts';

export interface Desktop {
  readonly page: Page;
  readonly running: boolean;
  /** As the app wants its page to be addressed. */
  readonly pageUrl: string;
  /** Steering that no real Electron has; null there. */
  readonly standIn: StandInDesktop | null;
  closeWindow(): Promise<void>;
  isVisible(): Promise<boolean>;
  /** Starts the app a second time, and resolves when that has ended. */
  startAgain(): Promise<void>;
  /** As from the menu; resolves with the exit code. */
  quit(): Promise<number | null>;
}

export const realElectron = electronBinary();
process.stderr.write(`${ranOn(realElectron)}\n`);

/** Resolves when its page is there. */
export async function startDesktop(home: Home, options: DesktopOptions = {}): Promise<Desktop> {
  const desktop =
    realElectron === null
      ? await startStandIn(home, options)
      : await startElectron(home, realElectron, options);
  await desktop.page.waitForSelector('#app :first-child');
  return desktop;
}

export const password = 'correct horse battery staple';

/** The first run as a person walks it. */
export async function setUp({ page }: Desktop, { remember = false } = {}): Promise<void> {
  await page.getByLabel('Superadmin password', { exact: true }).fill(password);
  await page.getByLabel('The same password again').fill(password);
  if (remember) await page.getByLabel('Remember the password on this computer').check();
  await page.getByRole('button', { name: 'Set up', exact: true }).click();
  await page.getByRole('heading', { name: 'The service runs' }).waitFor({ timeout: 30_000 });
}

/** A call through the bridge, as the page makes it. */
export function callBridge(page: Page, name: string, args: unknown = {}): Promise<unknown> {
  return page.evaluate(
    ([id, callName, callArgs]) => {
      const { gatehouse } = globalThis as unknown as { gatehouse: ConsoleBridge };
      return gatehouse.call(id, callName as 'console.lock', callArgs);
    },
    [Math.floor(Math.random() * 1e9), name, args] as const,
  );
}

/** The `gatehouse call` line of the console, run as a person would paste it. */
export async function callLineOf(page: Page): Promise<string> {
  return until('the call line is shown', async () => {
    const text = await page.locator('body').innerText();
    return /call [a-z2-7]{4}-[^\n]*--fingerprint [0-9a-f]{64}/.exec(text)?.[0];
  });
}

/** Runs that line. */
export function runCallLine(home: Home, line: string): ReturnType<Home['run']> {
  return home.run(...line.split(' ').map((part) => part.replaceAll("'", '')), '--json');
}

/** From now on the page keeps the names of the topics that it is told. */
export async function listenToTopics(page: Page): Promise<void> {
  await page.evaluate(() => {
    const own = globalThis as unknown as { gatehouse: ConsoleBridge; heard: string[] };
    own.heard = [];
    own.gatehouse.onTopic(({ topic }) => own.heard.push(topic));
  });
}

export function topicsHeard(page: Page): Promise<string[]> {
  return page.evaluate(() => (globalThis as unknown as { heard: string[] }).heard);
}
