// Opening at login: the system's login items where Electron has them, on Linux an XDG autostart entry, written whole
// or not at all.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { App } from 'electron';
import { removeFileIfThere, writeFileAtomic } from '../../shared/storage/atomic-file.ts';

/** Started so, the app stays in the tray. */
export const backgroundSwitch = 'background';

export interface LoginItem {
  isOn(): boolean;
  /** @throws GatehouseError `storage_failed` */
  set(on: boolean): Promise<void>;
}

/** What starts this app again: a program and its arguments. */
export type StartCommand = readonly [program: string, ...args: string[]];

export function systemLoginItem(app: App): LoginItem {
  return {
    isOn: () => app.getLoginItemSettings().openAtLogin,
    set: async (on) => app.setLoginItemSettings({ openAtLogin: on, args: [`--${backgroundSwitch}`] }),
  };
}

/** `configFolder`: XDG_CONFIG_HOME, or ~/.config. */
export function autostartItem(configFolder: string, command: StartCommand): LoginItem {
  const path = join(configFolder, 'autostart', 'gatehouse.desktop');
  return {
    isOn: () => existsSync(path),
    set: async (on) => {
      if (!on) return removeFileIfThere(path);
      await mkdir(dirname(path), { recursive: true });
      await writeFileAtomic(path, autostartEntry(command), { mode: 0o644 });
    },
  };
}

/** Desktop Entry Specification 1.5. */
export function autostartEntry([program, ...args]: StartCommand): string {
  const exec = [program, ...args, `--${backgroundSwitch}`].map(quoted).join(' ');
  return [
    '[Desktop Entry]',
    'Type=Application',
    'Version=1.5',
    'Name=Gatehouse',
    `Exec=${exec.replaceAll('\\', '\\\\')}`,
    'Terminal=false',
    'X-GNOME-Autostart-enabled=true',
    '',
  ].join('\n');
}

/** An argument as Exec takes it, before the escapes of a string value; `%` would begin a field code. */
function quoted(argument: string): string {
  const escaped = argument.replaceAll(/(["`$\\])/g, String.raw`\$1`).replaceAll('%', '%%');
  return /^[\w./=-]+$/.test(argument) ? argument : `"${escaped}"`;
}

/** An AppImage is started through its own file, not through where it is mounted. */
export function startCommand(app: App, env: NodeJS.ProcessEnv, execPath: string): StartCommand {
  if (env.APPIMAGE !== undefined) return [env.APPIMAGE];
  return app.isPackaged ? [execPath] : [execPath, app.getAppPath()];
}
