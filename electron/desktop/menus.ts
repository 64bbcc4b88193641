// The menus, as templates: what they say and what they call. Pure, so that a test can read them.
import type { MenuItemConstructorOptions } from 'electron';
import type { ServiceState } from './service-state.ts';
import type { Texts } from './texts.ts';

export interface MenuActions {
  open(): void;
  retry(): void;
  lock(): void;
  quit(): void;
  openAtLogin(on: boolean): void;
}

export interface TrayMenuState {
  readonly state: ServiceState;
  readonly opensAtLogin: boolean;
}

const serving: ReadonlySet<ServiceState> = new Set(['online', 'connecting', 'offline']);

export function trayMenu(
  { state, opensAtLogin }: TrayMenuState,
  texts: Texts,
  actions: MenuActions,
): MenuItemConstructorOptions[] {
  return [
    { id: 'state', label: texts.state[state], enabled: false },
    { type: 'separator' },
    { id: 'open', label: texts.open, click: () => actions.open() },
    { id: 'retry', label: texts.retry, enabled: serving.has(state), click: () => actions.retry() },
    { id: 'lock', label: texts.lock, enabled: serving.has(state), click: () => actions.lock() },
    { type: 'separator' },
    {
      id: 'login',
      type: 'checkbox',
      label: texts.openAtLogin,
      checked: opensAtLogin,
      click: (item) => actions.openAtLogin(item.checked),
    },
    { id: 'quit', label: texts.quit, click: () => actions.quit() },
  ];
}

export function applicationMenu(
  texts: Texts,
  actions: MenuActions,
  platform: NodeJS.Platform,
): MenuItemConstructorOptions[] {
  const app: MenuItemConstructorOptions = {
    label: 'Gatehouse',
    submenu: [
      ...(platform === 'darwin' ? [{ role: 'about' } as const, { type: 'separator' } as const] : []),
      { id: 'lock', label: texts.lock, accelerator: 'CmdOrCtrl+Shift+L', click: () => actions.lock() },
      { id: 'retry', label: texts.retry, click: () => actions.retry() },
      { type: 'separator' },
      { id: 'quit', label: texts.quit, accelerator: 'CmdOrCtrl+Q', click: () => actions.quit() },
    ],
  };
  return [app, editMenu(texts), viewMenu(texts), windowMenu(texts)];
}

function editMenu(texts: Texts): MenuItemConstructorOptions {
  return {
    label: texts.edit,
    submenu: [
      { role: 'undo', label: texts.undo },
      { role: 'redo', label: texts.redo },
      { type: 'separator' },
      { role: 'cut', label: texts.cut },
      { role: 'copy', label: texts.copy },
      { role: 'paste', label: texts.paste },
      { role: 'selectAll', label: texts.selectAll },
    ],
  };
}

function viewMenu(texts: Texts): MenuItemConstructorOptions {
  return {
    label: texts.view,
    submenu: [
      { role: 'zoomIn', label: texts.zoomIn },
      { role: 'zoomOut', label: texts.zoomOut },
      { role: 'resetZoom', label: texts.actualSize },
      { type: 'separator' },
      { role: 'togglefullscreen', label: texts.fullScreen },
    ],
  };
}

function windowMenu(texts: Texts): MenuItemConstructorOptions {
  return {
    label: texts.window,
    submenu: [{ role: 'close', label: texts.closeWindow, accelerator: 'CmdOrCtrl+W' }],
  };
}
