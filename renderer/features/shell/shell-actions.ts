// What can be done from anywhere: going to a page, locking, the palette, the sheet of keys, theme and language.
import Keyboard from '@lucide/svelte/icons/keyboard';
import KeySquare from '@lucide/svelte/icons/key-square';
import Languages from '@lucide/svelte/icons/languages';
import Lock from '@lucide/svelte/icons/lock';
import Search from '@lucide/svelte/icons/search';
import SunMoon from '@lucide/svelte/icons/sun-moon';
import * as m from '../../i18n/compiled/messages.js';
import type { Action } from '../../state/actions.svelte.ts';
import { languageChoices, themeChoices } from '../../state/appearance.svelte.ts';
import type { ConsoleModel } from '../../state/console.svelte.ts';
import { pages } from '../pages.ts';
import { languageName, themeName } from './appearance-names.ts';

/** What the shell opens. */
export interface Openers {
  readonly palette: () => void;
  readonly shortcuts: () => void;
  readonly changePassword: () => void;
}

export function shellActions(console: ConsoleModel, openers: Openers): readonly Action[] {
  return [...pageActions(console), ...consoleActions(console, openers), ...appearanceActions(console)];
}

function pageActions(console: ConsoleModel): readonly Action[] {
  return pages.map(({ id, path, icon, title, shortcut }, index) => ({
    id: `go.${id}`,
    group: 'go',
    icon,
    title: () => m.shell_go_to({ page: title() }),
    keys: [`g ${shortcut}`, `mod+${index + 1}`],
    run: () => console.router.go(path),
  }));
}

function consoleActions(console: ConsoleModel, openers: Openers): readonly Action[] {
  const group = 'console';
  const { palette, shortcuts, changePassword } = openers;
  return [
    { id: 'console.palette', group, icon: Search, title: m.shell_palette, keys: ['mod+k'], run: palette },
    { id: 'console.shortcuts', group, icon: Keyboard, title: m.shell_shortcuts, keys: ['?'], run: shortcuts },
    {
      id: 'console.lock',
      group,
      icon: Lock,
      title: m.shell_lock,
      keys: ['mod+shift+l'],
      run: () => void console.call('console.lock', {}).catch((error: unknown) => console.report(error)),
    },
    {
      id: 'console.changePassword',
      group,
      icon: KeySquare,
      title: m.shell_change_password,
      run: changePassword,
    },
  ];
}

function appearanceActions({ appearance }: ConsoleModel): readonly Action[] {
  const themes = themeChoices.map((theme) => ({
    id: `theme.${theme}`,
    icon: SunMoon,
    title: () => `${m.shell_theme()}: ${themeName(theme)}`,
    run: () => (appearance.theme = theme),
    enabled: () => appearance.theme !== theme,
  }));
  const languages = languageChoices.map((language) => ({
    id: `language.${language}`,
    icon: Languages,
    title: () => `${m.shell_language()}: ${languageName(language)}`,
    run: () => (appearance.language = language),
    enabled: () => appearance.language !== language,
  }));
  return [...themes, ...languages].map((action) => ({ ...action, group: 'console' }));
}
