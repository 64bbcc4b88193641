// What the window may not do: leave its page, open another window, use a permission, or run without its sandbox.
// Links to the outside go to the person's browser, for an allow-list of addresses.
import type { Session, Shell, WebContents, WebPreferences } from 'electron';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { origin } from './address.ts';

/** Pages that the console links to, each with all that is below it. */
const externalPages = ['https://www.rfc-editor.org/rfc/', 'https://github.com/hashicorp/yamux/'] as const;

export const securePreferences = {
  sandbox: true,
  contextIsolation: true,
  nodeIntegration: false,
  nodeIntegrationInSubFrames: false,
  nodeIntegrationInWorker: false,
  webSecurity: true,
  webviewTag: false,
} as const satisfies WebPreferences;

/** Denies every permission, asked for or looked up, and every device. */
export function denyPermissions(session: Session): void {
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
}

/** Keeps the window on its page. */
export function denyNavigation(contents: WebContents, shell: Pick<Shell, 'openExternal'>): void {
  contents.setWindowOpenHandler(({ url }) => {
    if (isExternalPage(url)) void shell.openExternal(url);
    return { action: 'deny' };
  });
  contents.on('will-frame-navigate', (event) => {
    if (!staysHere(event.url, event.isMainFrame)) event.preventDefault();
  });
  contents.on('will-redirect', (event) => {
    if (!staysHere(event.url, event.isMainFrame)) event.preventDefault();
  });
  contents.on('will-attach-webview', (event) => event.preventDefault());
}

function staysHere(url: string, isMainFrame: boolean): boolean {
  return isMainFrame && url.startsWith(`${origin}/`);
}

/** Compared after parsing: `https://github.com.example/` and user names in front of a host are others. */
export function isExternalPage(text: string): boolean {
  const address = URL.parse(text)?.href;
  return externalPages.some((page) => address?.startsWith(page) === true);
}

/**
 * What the window really runs with. Electron has the method and does not document it; where a version should lose it,
 * the preload's own check of sandbox and isolation remains.
 * @throws GatehouseError `internal` where a preference is another one
 */
export function assertPreferences(contents: WebContents): void {
  const read: unknown = Reflect.get(contents, 'getLastWebPreferences');
  if (typeof read !== 'function') return;
  const actual = (read as () => WebPreferences | null).call(contents);
  for (const [name, wanted] of Object.entries(securePreferences)) {
    const value: unknown = actual === null ? undefined : Reflect.get(actual, name);
    if ((value ?? false) !== wanted)
      throw new GatehouseError('internal', `The window runs with ${name} ${String(value)}.`);
  }
}
