// Where a test steers the stand-in: JSON lines over a Unix socket, one answer a question.
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { app } from './app.ts';
import { errorBoxes, Menu, notifications, openedOutside, session, Tray } from './desktop-parts.ts';
import type { MenuItem } from './desktop-parts.ts';
import { devToolsPort } from './machine.ts';
import { options } from './options.ts';
import type { Area } from './options.ts';
import { ipcHandlers, protocolHandlers } from './registry.ts';
import { BrowserWindow } from './window.ts';

/** A sender as a test makes it up; what it leaves out is as the real window has it. */
export interface ForgedSender {
  readonly contents?: 'other';
  readonly frame?: 'none' | 'child' | 'other';
  readonly origin?: string;
}

export interface DesktopState {
  readonly devToolsPort: number;
  readonly window: { readonly visible: boolean; readonly bounds: Area; readonly focusedTimes: number } | null;
  readonly tray: {
    readonly toolTip: string;
    readonly image: string;
    readonly items: readonly MenuItem[];
  } | null;
  readonly applicationMenu: readonly MenuItem[];
  readonly notifications: readonly { readonly title: string; readonly body: string }[];
  readonly openedOutside: readonly string[];
  readonly opened: readonly { readonly url: string; readonly action: string }[];
  readonly refusedNavigations: readonly string[];
  readonly errorBoxes: readonly string[];
  readonly channels: readonly string[];
  readonly privileged: unknown;
}

function state(): DesktopState {
  const [window] = BrowserWindow.all;
  const tray = Tray.current;
  return {
    devToolsPort,
    window:
      window === undefined
        ? null
        : {
            visible: window.isVisible(),
            bounds: window.getNormalBounds(),
            focusedTimes: window.focusedTimes,
          },
    tray:
      tray === null
        ? null
        : { toolTip: tray.toolTip, image: String(tray.image), items: tray.menu?.items ?? [] },
    applicationMenu: Menu.application?.items ?? [],
    notifications,
    openedOutside,
    opened: window?.webContents.opened ?? [],
    refusedNavigations: window?.webContents.refusedNavigations ?? [],
    errorBoxes,
    channels: ipcHandlers.channels,
    privileged: protocolHandlers.privileged,
  };
}

function theWindow(): BrowserWindow {
  const [window] = BrowserWindow.all;
  if (window === undefined) throw new Error('There is no window.');
  return window;
}

function forge(
  channel: string,
  message: unknown,
  { contents, frame, origin }: ForgedSender,
): Promise<unknown> {
  const { webContents } = theWindow();
  const real = webContents.mainFrame;
  const frames = {
    real: { ...real, origin: origin ?? real.origin },
    none: null,
    child: { ...real, frameTreeNodeId: 2, parent: real },
    other: { ...real, frameTreeNodeId: 3 },
  };
  const sender = contents === 'other' ? { id: 2, mainFrame: real } : webContents;
  return ipcHandlers.invoke(channel, { sender, senderFrame: frames[frame ?? 'real'] }, [message]);
}

async function fetchPage(url: string, method: string): Promise<unknown> {
  const response = await protocolHandlers.answer(new Request(url, { method }));
  const body = await response.text();
  return { status: response.status, headers: Object.fromEntries(response.headers), body };
}

/** What a test may ask for, by name. */
const deeds = {
  state,
  choose: (menu: 'tray' | 'application', id: string) => {
    (menu === 'tray' ? Tray.current?.menu : Menu.application)?.choose(id);
  },
  clickTray: () => Tray.current?.emit('click'),
  closeWindow: () => theWindow().close(),
  minimizeWindow: () => theWindow().minimize(),
  setBounds: (bounds: Area) => theWindow().setBounds(bounds),
  permission: (name: string) => session.defaultSession.answers(name),
  fetchPage,
  forge,
  quit: () => app.quit(),
} as const;

export type Deeds = typeof deeds;

async function answer(line: string): Promise<string> {
  const { id, name, args } = JSON.parse(line) as { id: number; name: keyof Deeds; args: never[] };
  try {
    const deed: (...given: never[]) => unknown = deeds[name];
    return JSON.stringify({ id, value: (await deed(...args)) ?? null });
  } catch (error) {
    return JSON.stringify({ id, error: String(error) });
  }
}

function serve(socket: Socket): void {
  socket.on('error', () => undefined); // the test has gone
  createInterface({ input: socket }).on('line', (line) => {
    void answer(line).then((text) => socket.write(`${text}\n`));
  });
}

export function listenForTest(): void {
  createServer(serve).listen(options.control).unref();
}
