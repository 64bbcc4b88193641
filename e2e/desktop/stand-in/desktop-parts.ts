// Tray, menus, notifications, key store, displays, shell and session: what the app makes of them is recorded, and a test
// does with them what a person would.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { options, userData } from './options.ts';

export interface MenuItem {
  id?: string;
  label?: string;
  type?: string;
  role?: string;
  enabled?: boolean;
  checked?: boolean;
  click?: (item: MenuItem) => void;
  submenu?: MenuItem[];
}

export class Menu {
  static application: Menu | null = null;
  readonly items: readonly MenuItem[];

  constructor(items: readonly MenuItem[]) {
    this.items = items;
  }

  static buildFromTemplate(template: readonly MenuItem[]): Menu {
    return new Menu(template);
  }

  static setApplicationMenu(menu: Menu): void {
    Menu.application = menu;
  }

  /** As a person chooses it. @throws Error where there is no such item, or it is greyed out */
  choose(id: string): void {
    const item = this.items.flatMap((each) => [each, ...(each.submenu ?? [])]).find((each) => each.id === id);
    if (item === undefined || item.enabled === false) throw new Error(`The menu offers no ${id}.`);
    if (item.type === 'checkbox') item.checked = item.checked !== true;
    item.click?.(item);
  }
}

export class Tray extends EventEmitter {
  static current: Tray | null = null;
  image: unknown;
  toolTip = '';
  menu: Menu | null = null;

  constructor(image: unknown) {
    super();
    this.image = image;
    Tray.current = this;
  }

  setImage(image: unknown): void {
    this.image = image;
  }

  setToolTip(text: string): void {
    this.toolTip = text;
  }

  setContextMenu(menu: Menu): void {
    this.menu = menu;
  }

  destroy(): void {
    Tray.current = null;
  }
}

/** An image is its file here; one that is not there is a defect. */
export const nativeImage = {
  createFromPath(path: string): string {
    if (!existsSync(path)) throw new Error(`There is no image ${path}.`);
    return path;
  },
};

export interface ShownNotification {
  readonly title: string;
  readonly body: string;
}

export const notifications: ShownNotification[] = [];

export class Notification {
  readonly #facts: ShownNotification;

  constructor(facts: ShownNotification) {
    this.#facts = facts;
  }

  show(): void {
    notifications.push(this.#facts);
  }
}

/** The key of the pretended key store lies beside the profile: it stays between runs. */
function keyStoreKey(): Buffer {
  const path = join(userData, 'key-store');
  if (!existsSync(path)) writeFileSync(path, randomBytes(32), { mode: 0o600 });
  return readFileSync(path);
}

export const safeStorage = {
  getSelectedStorageBackend: () => options.keyStore,
  isAsyncEncryptionAvailable: async () => true,
  async encryptStringAsync(text: string): Promise<Buffer> {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', keyStoreKey(), iv);
    return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  },
  async decryptStringAsync(sealed: Buffer): Promise<{ result: string; shouldReEncrypt: boolean }> {
    const decipher = createDecipheriv('aes-256-gcm', keyStoreKey(), sealed.subarray(0, 12));
    decipher.setAuthTag(sealed.subarray(-16));
    const result = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
    return { result: result.toString('utf8'), shouldReEncrypt: false };
  },
};

export const screen = { getAllDisplays: () => options.displays.map((workArea) => ({ workArea })) };

export const openedOutside: string[] = [];
export const shell = { openExternal: async (url: string) => void openedOutside.push(url) };

export const errorBoxes: string[] = [];
export const dialog = { showErrorBox: (_title: string, text: string) => void errorBoxes.push(text) };

export const nativeTheme = { shouldUseDarkColors: false };

type Ask = (contents: null, permission: string, answer: (granted: boolean) => void) => void;
type Check = (contents: null, permission: string) => boolean;

/** Without handlers Electron grants everything; so does this. */
class Session {
  #ask: Ask = (_contents, _permission, answer) => answer(true);
  #check: Check = () => true;
  #device: () => boolean = () => true;

  setPermissionRequestHandler(handler: Ask): void {
    this.#ask = handler;
  }

  setPermissionCheckHandler(handler: Check): void {
    this.#check = handler;
  }

  setDevicePermissionHandler(handler: () => boolean): void {
    this.#device = handler;
  }

  /** What each handler says. */
  async answers(permission: string): Promise<{ asked: boolean; checked: boolean; device: boolean }> {
    const asked = await new Promise<boolean>((resolve) => this.#ask(null, permission, resolve));
    return { asked, checked: this.#check(null, permission), device: this.#device() };
  }
}

export const session = { defaultSession: new Session() };
