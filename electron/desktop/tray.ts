// The tray icon, which stays while the window is closed: the state of the service, and a menu for what is done often.
import { join } from 'node:path';
import { Menu, nativeImage, Tray } from 'electron';
import { trayMenu } from './menus.ts';
import type { MenuActions, TrayMenuState } from './menus.ts';
import { iconOf } from './service-state.ts';
import type { Texts } from './texts.ts';

export interface TrayOptions {
  /** The folder of `tray-<name>.png`. */
  readonly icons: string;
  readonly texts: Texts;
  readonly actions: MenuActions;
}

export class ServiceTray {
  readonly #tray: Tray;
  readonly #options: TrayOptions;
  #shown = '';

  constructor(options: TrayOptions, first: TrayMenuState) {
    this.#options = options;
    this.#tray = new Tray(this.#icon(first));
    this.#tray.on('click', () => options.actions.open());
    this.show(first);
  }

  show(now: TrayMenuState): void {
    const key = JSON.stringify(now);
    if (key === this.#shown) return;
    this.#shown = key;
    const { texts, actions } = this.#options;
    this.#tray.setImage(this.#icon(now));
    this.#tray.setToolTip(`Gatehouse: ${texts.state[now.state]}`);
    this.#tray.setContextMenu(Menu.buildFromTemplate(trayMenu(now, texts, actions)));
  }

  close(): void {
    this.#tray.destroy();
  }

  #icon({ state }: TrayMenuState): Electron.NativeImage {
    return nativeImage.createFromPath(join(this.#options.icons, `tray-${iconOf[state]}.png`));
  }
}
