// The desktop app around one installation: what starts, in what order, and how it stops. The window is a view of it:
// closing that changes nothing, and only quitting drains the service.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { app, ipcMain, Menu, Notification, protocol, safeStorage, session } from 'electron';
import type { Logger } from 'pino';
import { Console } from '../core/api/console.ts';
import type { ConsoleSession } from '../core/api/console-session.ts';
import { Installation } from '../core/installation.ts';
import type { ConsoleHost } from '../core/ports.ts';
import type { CallName } from '../../shared/contracts/console/calls.ts';
import { asGatehouseError } from '../../shared/contracts/errors.ts';
import { scheme } from './address.ts';
import { ConsoleEntry } from './console-entry.ts';
import { openKeyVault } from './key-vault.ts';
import { autostartItem, backgroundSwitch, startCommand, systemLoginItem } from './login-item.ts';
import type { LoginItem } from './login-item.ts';
import { applicationMenu } from './menus.ts';
import type { MenuActions, TrayMenuState } from './menus.ts';
import { noticeTeller } from './notices.ts';
import { answerPage } from './page-files.ts';
import { relayStarter } from './relay-process.ts';
import { serviceState } from './service-state.ts';
import { textsFor } from './texts.ts';
import type { Texts } from './texts.ts';
import { ServiceTray } from './tray.ts';
import { denyPermissions } from './window-guard.ts';
import { ConsoleWindow } from './window.ts';

/** Of this file when it is built: the folder with the page, the preload, the relay and the icons. */
const built = import.meta.dirname;

interface Parts {
  readonly installation: Installation;
  readonly console: Console;
  readonly session: ConsoleSession;
  readonly texts: Texts;
  readonly logger: Logger;
}

export class DesktopApp {
  readonly #parts: Parts;
  readonly #loginItem: LoginItem = makeLoginItem();
  readonly #tray: ServiceTray;
  readonly #unfollow: () => void;
  #window: ConsoleWindow | null = null;
  #stopping: Promise<void> | null = null;
  #stopped = false;

  private constructor(parts: Parts) {
    this.#parts = parts;
    const { texts } = parts;
    const actions = this.#actions();
    Menu.setApplicationMenu(Menu.buildFromTemplate(applicationMenu(texts, actions, process.platform)));
    this.#tray = new ServiceTray({ icons: join(built, 'icons'), texts, actions }, this.#trayState());
    const update = (): void => this.#tray.show(this.#trayState());
    this.#unfollow = parts.installation.listen({ onPhase: update, onRelayState: update });
  }

  /** Takes the data folder; call when Electron is ready. @throws GatehouseError `data_folder_in_use`, `storage_failed` */
  static async open(dataFolder: string, logger: Logger): Promise<DesktopApp> {
    denyPermissions(session.defaultSession);
    const texts = textsFor(app.getLocale());
    const host = await makeHost(dataFolder, texts, logger);
    const installation = await Installation.open({ dataFolder, host, logger });
    const console = new Console({ installation, setupKey: null, logger });
    const own = console.openSession({ source: 'desktop', place: 'desktop' });
    return new DesktopApp({ installation, console, session: own, texts, logger });
  }

  /** Starts the service where its password is remembered, and shows the page. @throws what Electron throws */
  async begin(): Promise<void> {
    try {
      await this.#begin();
    } catch (error) {
      if (this.#stopping === null) throw error; // else the window has gone before its page was there
    }
  }

  show(): void {
    if (this.#stopping === null) this.#window?.show();
  }

  /** Holds up `before-quit` until the service has drained, then quits for good. */
  quitAfterDraining(event: { preventDefault(): void }): void {
    if (this.#stopped) return;
    event.preventDefault();
    this.#stopping ??= this.#stop().finally(() => {
      this.#stopped = true;
      app.quit();
    });
  }

  async #begin(): Promise<void> {
    const { console, session: own } = this.#parts;
    protocol.handle(scheme, (request) =>
      answerPage(request, {
        folder: join(built, 'renderer'),
        openExport: (id) => console.openExport(own, id),
      }),
    );
    this.#window = await ConsoleWindow.make({
      stateFile: join(app.getPath('userData'), 'window.json'),
      preload: join(built, 'preload.cjs'),
      icon: join(built, 'icons', 'window.png'),
      quitting: () => this.#stopped,
    });
    new ConsoleEntry(ipcMain, this.#window.contents, {
      call: (name, args, signal) => console.call(name, args, { session: own, signal }),
      subscribe: (topic, tell) => console.subscribe(own, topic, tell),
      refused: (subject, error) => console.refused(own.actor, subject, error),
    });
    const unlocked = await this.#unlockRemembered();
    if (this.#stopping !== null) return;
    await this.#window.load();
    if (!app.commandLine.hasSwitch(backgroundSwitch) || !unlocked) this.show();
  }

  /** Whether the service starts without anybody typing the password. */
  async #unlockRemembered(): Promise<boolean> {
    const { installation } = this.#parts;
    if (installation.state.phase !== 'locked') return false;
    const password = await installation.host.keyVault.recall();
    return password !== null && (await this.#call('console.unlock', { password }));
  }

  /** Whether it was done; a refusal is on record. */
  async #call(name: CallName, args: object): Promise<boolean> {
    const { console, session: own } = this.#parts;
    const { signal } = new AbortController();
    return 'result' in (await console.call(name, args, { session: own, signal }));
  }

  #actions(): MenuActions {
    return {
      open: () => this.show(),
      retry: () => void this.#call('connectivity.retryNow', {}),
      lock: () => void this.#call('console.lock', {}),
      quit: () => app.quit(),
      openAtLogin: (on) => void this.#openAtLogin(on),
    };
  }

  async #openAtLogin(on: boolean): Promise<void> {
    try {
      await this.#loginItem.set(on);
    } catch (error) {
      const { code, message } = asGatehouseError(error);
      this.#parts.logger.error({ code }, message);
    }
    this.#tray.show(this.#trayState());
  }

  #trayState(): TrayMenuState {
    return { state: serviceState(this.#parts.installation), opensAtLogin: this.#loginItem.isOn() };
  }

  async #stop(): Promise<void> {
    const { installation, console, logger } = this.#parts;
    try {
      await this.#window?.keepState();
      await installation.stop();
    } catch (error) {
      const { code, message } = asGatehouseError(error);
      logger.error({ code }, message);
    } finally {
      console.close();
      this.#unfollow();
      this.#tray.close();
    }
  }
}

async function makeHost(dataFolder: string, texts: Texts, logger: Logger): Promise<ConsoleHost> {
  return {
    kind: 'desktop',
    version: app.getVersion(),
    keyVault: await openKeyVault(safeStorage, dataFolder, process.platform, texts),
    startLocalRelay: relayStarter(join(built, 'built-in-relay.mjs'), () => {
      logger.warn('The built-in relay has stopped by itself; it is started again.');
    }),
    notify: noticeTeller(texts, (title, body) => new Notification({ title, body }).show()),
    callCommand: app.isPackaged ? 'gatehouse call' : 'npm run -s gatehouse -- call',
    trial: false,
  };
}

function makeLoginItem(): LoginItem {
  if (process.platform !== 'linux') return systemLoginItem(app);
  const config = process.env.XDG_CONFIG_HOME ?? join(homedir(), '.config');
  return autostartItem(config, startCommand(app, process.env, process.execPath));
}
