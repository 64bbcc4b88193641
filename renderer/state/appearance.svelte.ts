// Theme and language: what the person chose (kept in this browser), and what follows from it. `system` follows the
// machine while the page is open. Must keep nothing else in the browser's storage.
import { locale, preferredLocale } from '../i18n/locale.svelte.ts';
import type { Locale } from '../i18n/locale.svelte.ts';

export type ThemeChoice = 'system' | 'light' | 'dark';
export type LanguageChoice = 'system' | Locale;

export const themeChoices = ['system', 'light', 'dark'] as const satisfies readonly ThemeChoice[];
export const languageChoices = ['system', 'en', 'de'] as const satisfies readonly LanguageChoice[];

const themeKey = 'gatehouse.theme';
const languageKey = 'gatehouse.language';

export interface AppearanceChange {
  readonly name: 'language' | 'theme';
  readonly old: string;
  readonly value: string;
}

export class Appearance {
  #theme = $state<ThemeChoice>('system');
  #language = $state<LanguageChoice>('system');
  #systemDark = $state(false);
  readonly #page: Window;
  readonly #tell: (change: AppearanceChange) => void;

  /** `tell` is told of each choice that is another than before. */
  constructor(page: Window, tell: (change: AppearanceChange) => void) {
    this.#page = page;
    this.#tell = tell;
    this.#theme = chosen(themeChoices, read(page, themeKey));
    this.#language = chosen(languageChoices, read(page, languageKey));
    const dark = page.matchMedia('(prefers-color-scheme: dark)');
    this.#systemDark = dark.matches;
    dark.addEventListener('change', () => (this.#systemDark = dark.matches));
    page.addEventListener('languagechange', () => this.#apply());
    this.#apply();
  }

  get theme(): ThemeChoice {
    return this.#theme;
  }

  set theme(choice: ThemeChoice) {
    const old = this.#theme;
    this.#theme = choice;
    this.#changed(themeKey, { name: 'theme', old, value: choice });
  }

  get language(): LanguageChoice {
    return this.#language;
  }

  set language(choice: LanguageChoice) {
    const old = this.#language;
    this.#language = choice;
    this.#changed(languageKey, { name: 'language', old, value: choice });
  }

  /** Whether the page is dark now: for what CSS does not reach (charts). */
  get dark(): boolean {
    return this.#theme === 'system' ? this.#systemDark : this.#theme === 'dark';
  }

  #changed(key: string, change: AppearanceChange): void {
    write(this.#page, key, change.value);
    this.#apply();
    if (change.old !== change.value) this.#tell(change);
  }

  #apply(): void {
    const root = this.#page.document.documentElement;
    if (this.#theme === 'system') delete root.dataset.theme;
    else root.dataset.theme = this.#theme;
    locale.current =
      this.#language === 'system' ? preferredLocale(this.#page.navigator.languages) : this.#language;
    root.lang = locale.current;
  }
}

function chosen<T extends string>(choices: readonly (T | 'system')[], stored: string | null): T | 'system' {
  return choices.find((choice) => choice === stored) ?? 'system';
}

/** A browser may refuse storage altogether: then the choice lasts as long as the page. */
function read(page: Window, key: string): string | null {
  try {
    return page.localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(page: Window, key: string, value: string): void {
  try {
    page.localStorage.setItem(key, value);
  } catch {
    // Nothing to do: the page has the choice already.
  }
}
