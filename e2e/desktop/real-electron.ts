// The built app in a real Electron, driven by Playwright. What the operating system shows (tray, menus, notifications)
// cannot be steered there; the specs that need it run on the stand-in alone.
import { _electron } from '@playwright/test';
import { repository } from '../support/home.ts';
import type { Home } from '../support/home.ts';
import type { Desktop } from './desktop.ts';
import { foldersOf } from './options.ts';
import type { DesktopOptions } from './options.ts';

export async function startElectron(
  home: Home,
  executablePath: string,
  options: DesktopOptions,
): Promise<Desktop> {
  const args = [repository, ...foldersOf(home, options).switches, '--no-sandbox'];
  const env = Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const app = await _electron.launch({
    executablePath,
    args,
    env: { ...env, GATEHOUSE_HOME: home.folder, XDG_CONFIG_HOME: home.path('.config') },
  });
  const page = await app.firstWindow();
  const child = app.process();
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return {
    page,
    pageUrl: 'app://gatehouse/',
    standIn: null,
    get running() {
      return child.exitCode === null && child.signalCode === null;
    },
    closeWindow: () => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close()),
    isVisible: () =>
      app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible() === true),
    startAgain: async () => {
      await home.execute(executablePath, args).exit();
    },
    quit: async () => {
      await app.evaluate(({ app: electron }) => electron.quit());
      return ended;
    },
  };
}
