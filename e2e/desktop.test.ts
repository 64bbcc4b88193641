// The desktop app as a person has it: from the first run through the window to a call, the closed window, the tray, the
// second start, the next start, and the end. Main, preload, IPC and page are those of the build.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { login } from '../shared/client/index.ts';
import type { Service } from '../shared/client/index.ts';
import { callBridge, callLineOf, listenToTopics, password, topicsHeard } from './desktop/desktop.ts';
import { realElectron, runCallLine, setUp, startDesktop } from './desktop/desktop.ts';
import type { Desktop } from './desktop/desktop.ts';
import { Home } from './support/home.ts';
import { RunningEcho } from './support/running-echo.ts';
import { until } from './support/waiting.ts';

/** What only the stand-in can steer: trays, menus, notifications, displays, key stores. */
const onStandIn = it.skipIf(realElectron !== null);

function standInOf(desktop: Desktop): NonNullable<Desktop['standIn']> {
  if (desktop.standIn === null) throw new Error('This spec is for the stand-in.');
  return desktop.standIn;
}

/** The service of a `gatehouse call` line, as a client of the library opens it. */
async function openLine(home: Home, line: string): Promise<Service> {
  const words = line.split(' ').map((word) => word.replaceAll("'", ''));
  const after = (word: string): string => words[words.indexOf(word) + 1] ?? '';
  const relayToken = readFileSync(after('--relay-token-file'), 'utf8').trim();
  const client = home.keep(await login({ relay: after('--relay'), relayToken }));
  return client.serviceCloud(after('call'), { e2eeFingerprint: after('--fingerprint') });
}

describe('a first session', () => {
  const home = new Home();
  let desktop: Desktop;
  let line = '';
  beforeAll(async () => {
    desktop = await startDesktop(home);
  });
  afterAll(() => home.close());

  onStandIn('begins with a tray that says that nothing is set up', async () => {
    const standIn = standInOf(desktop);
    expect(await standIn.trayItem('state')).toBe('Not set up yet');
    expect((await standIn.state()).tray?.image).toMatch(/tray-locked\.png$/);
  });

  it('goes from the first run to a service that a real client calls', async () => {
    await setUp(desktop);
    line = await callLineOf(desktop.page);
    await until('a client gets its answer', async () => {
      const { exitCode } = await runCallLine(home, line);
      return exitCode === 0;
    });
    const { json } = await runCallLine(home, line);
    expect(json).toMatchObject({
      result: { pong: true },
      request: { e2ee: { e2eeUsed: true, verifiedBy: 'fingerprint' } },
    });
  });

  it('tells the page of what happens by itself', async () => {
    const { page } = desktop;
    await listenToTopics(page);
    await page.getByRole('button', { name: 'Open the console' }).click();
    await page.getByRole('button', { name: 'Measure now' }).click();
    await until('topics arrive', async () => (await topicsHeard(page)).includes('connectivity'));
    await page.getByRole('link', { name: 'Requests' }).click();
    await runCallLine(home, line);
    await until('a request is told', async () => (await topicsHeard(page)).includes('requests'));
  });

  onStandIn('shows in the tray that the service is online', async () => {
    const standIn = standInOf(desktop);
    await until('the tray says so', async () => (await standIn.trayItem('state')) === 'Online');
    const { tray } = await standIn.state();
    expect(tray?.toolTip).toBe('Gatehouse: Online');
    expect(tray?.image).toMatch(/tray-online\.png$/);
  });

  it('goes on serving when the window is closed', async () => {
    await desktop.closeWindow();
    expect(await desktop.isVisible()).toBe(false);
    const { exitCode, json } = await runCallLine(home, line);
    expect([exitCode, json.result]).toMatchObject([0, { pong: true }]);
  });

  it('shows its window when it is started a second time, which ends at once', async () => {
    await desktop.startAgain();
    await until('the window is shown', () => desktop.isVisible());
    expect(desktop.running).toBe(true);
  });

  onStandIn('locks from the tray without ending the service', async () => {
    await standInOf(desktop).ask('choose', 'tray', 'lock');
    await desktop.page.getByRole('heading', { name: 'The console is locked' }).waitFor();
    expect((await runCallLine(home, line)).exitCode).toBe(0);
    await desktop.page.getByLabel('Superadmin password', { exact: true }).fill(password);
    await desktop.page.getByRole('button', { name: 'Unlock' }).click();
    await desktop.page.getByRole('heading', { name: 'The console is locked' }).waitFor({ state: 'detached' });
  });

  it('quits with 0 once what runs has ended, and leaves no process', async () => {
    const echo = await RunningEcho.start(await openLine(home, line));
    const quitting = desktop.quit();
    await echo.say('said while it drains');
    echo.finish(' and the end');
    expect(await echo.end(5_000)).toBeNull();
    expect(echo.received).toContain('and the end');
    expect(await quitting).toBe(0);
    await home.nothingLeft();
    expect((await runCallLine(home, line)).exitCode).not.toBe(0);
    expect(home.output).not.toContain(password);
  });

  it('asks for the password at the next start, and serves at the same address', async () => {
    desktop = await startDesktop(home);
    await desktop.page.getByRole('heading', { name: 'The service is locked' }).waitFor();
    await desktop.page.getByLabel('Superadmin password', { exact: true }).fill(password);
    await desktop.page.getByRole('button', { name: 'Unlock' }).click();
    await until('the old line works', async () => (await runCallLine(home, line)).exitCode === 0, 60_000);
    expect(await desktop.quit()).toBe(0);
  });
});

describe.skipIf(realElectron !== null)('what the desktop remembers', () => {
  let home: Home;
  beforeAll(() => {
    home = new Home();
  });
  afterAll(() => home.close());

  it('is no password where the key store is basic_text, and it says why', async () => {
    const desktop = await startDesktop(home, { data: 'basic', profile: 'basic-p', keyStore: 'basic_text' });
    await desktop.page.getByText('No key store of the operating system is running').waitFor();
    expect(await desktop.page.getByLabel('Remember the password on this computer').isDisabled()).toBe(true);
    const refused = await callBridge(desktop.page, 'console.setup', {
      password,
      relay: { kind: 'local' },
      remember: true,
    });
    expect(JSON.stringify(refused)).not.toContain(password);
    expect(existsSync(home.path('basic', 'remembered-password'))).toBe(false);
    expect(await desktop.quit()).toBe(0);
  });

  it('is the password, sealed, where there is a real key store: the next start serves without asking', async () => {
    const folders = { data: 'kept', profile: 'kept-p' };
    const first = await startDesktop(home, folders);
    await setUp(first, { remember: true });
    const line = await callLineOf(first.page);
    expect(await first.quit()).toBe(0);
    const file = home.path('kept', 'remembered-password');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file).includes(password)).toBe(false);

    const second = await startDesktop(home, { ...folders, background: true });
    await until('it serves', async () => (await runCallLine(home, line)).exitCode === 0, 60_000);
    expect(await second.isVisible()).toBe(false);
    expect(await second.quit()).toBe(0);
  });

  it('is where the window was, unless no display shows that place any more', async () => {
    const folders = { data: 'place', profile: 'place-p' };
    const bounds = { x: 2000, y: 120, width: 1100, height: 700 };
    const two = [
      { x: 0, y: 0, width: 1920, height: 1080 },
      { x: 1920, y: 0, width: 1920, height: 1080 },
    ];
    const boundsAt = async (displays: typeof two): Promise<unknown> => {
      const desktop = standInOf(await startDesktop(home, { ...folders, displays }));
      const { window } = await desktop.state();
      await desktop.ask('setBounds', bounds);
      await desktop.quit();
      return window?.bounds;
    };
    expect(await boundsAt(two)).toMatchObject({ width: 1280, height: 800 });
    expect(await boundsAt(two)).toEqual(bounds);
    expect(await boundsAt(two.slice(0, 1))).toMatchObject({ x: 0, width: 1280, height: 800 });
  });

  it('is whether it opens at login, as an autostart entry', async () => {
    const desktop = standInOf(await startDesktop(home, { data: 'login', profile: 'login-p' }));
    const entry = join(home.path('.config'), 'autostart', 'gatehouse.desktop');
    await desktop.ask('choose', 'tray', 'login');
    await until('the entry is there', () => existsSync(entry));
    expect(readFileSync(entry, 'utf8')).toMatch(
      /^\[Desktop Entry\]\nType=Application\n[^]*\nExec=\S+.* --background\n/,
    );
    const checked = async (): Promise<unknown> =>
      (await desktop.state()).tray?.items.find(({ id }) => id === 'login')?.checked;
    await until('the menu shows it', async () => (await checked()) === true);
    await desktop.ask('choose', 'tray', 'login');
    await until('the entry is gone', () => !existsSync(entry));
    await desktop.quit();
  });
});
