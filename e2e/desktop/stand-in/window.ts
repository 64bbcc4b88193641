// BrowserWindow and its WebContents on a page of the stand-in's Chromium. What a window looks like is recorded only.
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { ChromiumPage, toApp } from './chromium-page.ts';
import { chromium } from './machine.ts';
import { ipcHandlers, protocolHandlers } from './registry.ts';
import { options } from './options.ts';
import type { Area } from './options.ts';

export interface Preventable {
  readonly defaultPrevented: boolean;
  preventDefault(): void;
}

/** An event object, as handlers get it. */
export function preventable<T extends object>(facts: T): T & Preventable {
  let prevented = false;
  const event = { ...facts, preventDefault: () => void (prevented = true) };
  return Object.defineProperty(event, 'defaultPrevented', { get: () => prevented }) as T & Preventable;
}

type OpenHandler = (details: { url: string }) => { action: 'allow' | 'deny' };

interface FrameFacts {
  readonly frameTreeNodeId: number;
  readonly parent: null;
  readonly origin: string;
  readonly url: string;
}

export class WebContents extends EventEmitter {
  readonly id = 1;
  readonly opened: { url: string; action: string }[] = [];
  readonly refusedNavigations: string[] = [];
  readonly page: ChromiumPage;
  readonly ready: Promise<void>;
  readonly #preferences: Readonly<Record<string, unknown>>;
  #openHandler: OpenHandler = () => ({ action: 'allow' });
  #destroyed = false;

  constructor(preferences: Readonly<Record<string, unknown>>) {
    super();
    this.#preferences = preferences;
    const preload = readFileSync(String(preferences.preload), 'utf8');
    this.page = new ChromiumPage(chromium(), preload, {
      answer: (request) => protocolHandlers.answer(request),
      mayNavigate: (url, isMainFrame) => this.#mayNavigate(url, isMainFrame),
      onOpen: (url) => {
        this.opened.push({ url, action: this.#openHandler({ url: toApp(url) }).action });
      },
      onNavigated: () => {
        this.emit('did-start-navigation', { isMainFrame: true, isSameDocument: false, url: this.page.url });
      },
      invoke: (channel, args) =>
        ipcHandlers.invoke(channel, { sender: this, senderFrame: this.mainFrame }, args),
    });
    this.ready = this.page.open();
    this.ready.catch(() => undefined); // the app may quit before its window is there
  }

  get mainFrame(): FrameFacts {
    const { url } = this.page;
    return { frameTreeNodeId: 1, parent: null, url, origin: /^[a-z]+:\/\/[^/]*/.exec(url)?.[0] ?? 'null' };
  }

  getLastWebPreferences(): Readonly<Record<string, unknown>> {
    return this.#preferences;
  }

  setWindowOpenHandler(handler: OpenHandler): void {
    this.#openHandler = handler;
  }

  send(channel: string, ...args: readonly unknown[]): void {
    this.page.deliver(channel, args);
  }

  isDestroyed(): boolean {
    return this.#destroyed;
  }

  destroy(): void {
    this.#destroyed = true;
  }

  #mayNavigate(url: string, isMainFrame: boolean): boolean {
    const event = preventable({ url, isMainFrame });
    this.emit('will-frame-navigate', event);
    if (event.defaultPrevented) this.refusedNavigations.push(url);
    return !event.defaultPrevented;
  }
}

interface WindowOptions extends Partial<Area> {
  readonly show?: boolean;
  readonly webPreferences: Readonly<Record<string, unknown>>;
}

export class BrowserWindow extends EventEmitter {
  static readonly all: BrowserWindow[] = [];
  readonly webContents: WebContents;
  #bounds: Area;
  #visible: boolean;
  #maximized = false;
  #minimized = false;
  #destroyed = false;
  focusedTimes = 0;

  constructor({ x = 0, y = 0, width = 800, height = 600, show = true, webPreferences }: WindowOptions) {
    super();
    this.#bounds = { x, y, width, height };
    this.#visible = show;
    this.webContents = new WebContents(webPreferences);
    BrowserWindow.all.push(this);
  }

  async loadURL(url: string): Promise<void> {
    await this.webContents.ready;
    if (options.pageHangs) return new Promise(() => undefined);
    await this.webContents.page.load(url);
  }

  show(): void {
    this.#visible = true;
  }

  hide(): void {
    this.#visible = false;
  }

  focus(): void {
    this.focusedTimes += 1;
  }

  restore(): void {
    this.#minimized = false;
  }

  minimize(): void {
    this.#minimized = true;
  }

  maximize(): void {
    this.#maximized = true;
    this.emit('maximize');
  }

  isVisible(): boolean {
    return this.#visible;
  }

  isMinimized(): boolean {
    return this.#minimized;
  }

  isMaximized(): boolean {
    return this.#maximized;
  }

  isDestroyed(): boolean {
    return this.#destroyed;
  }

  getNormalBounds(): Area {
    return this.#bounds;
  }

  /** As a person moves it and changes its size. */
  setBounds(bounds: Area): void {
    this.#bounds = bounds;
    this.emit('move');
    this.emit('resize');
  }

  /** As a person closes it. Whether it is closed then. */
  close(): boolean {
    const event = preventable({});
    this.emit('close', event);
    if (event.defaultPrevented) return false;
    this.#destroyed = true;
    this.webContents.destroy();
    this.emit('closed');
    return true;
  }
}
