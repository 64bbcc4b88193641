// What a test says of the app that it starts, and the folders and switches that come of it.
import type { Home } from '../support/home.ts';
import type { Area } from './stand-in/options.ts';

export interface DesktopOptions {
  /** Folder names in the home: another start on the same ones is another run of the same app. */
  readonly data?: string;
  readonly profile?: string;
  readonly background?: boolean;
  // Of the stand-in alone:
  readonly locale?: string;
  readonly displays?: readonly Area[];
  readonly keyStore?: string;
  readonly pageHangs?: boolean;
}

export interface DesktopFolders {
  readonly data: string;
  readonly profile: string;
  readonly switches: readonly string[];
}

export function foldersOf(home: Home, options: DesktopOptions): DesktopFolders {
  const data = home.path(options.data ?? 'service');
  const profile = home.path(options.profile ?? 'profile');
  const background = options.background === true ? ['--background'] : [];
  return { data, profile, switches: [`--user-data-dir=${profile}`, `--data=${data}`, ...background] };
}
