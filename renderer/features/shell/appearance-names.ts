// The names of the themes and languages that can be chosen. A language is named in itself.
import * as m from '../../i18n/compiled/messages.js';
import type { LanguageChoice, ThemeChoice } from '../../state/appearance.svelte.ts';

const themes: Readonly<Record<ThemeChoice, () => string>> = {
  system: m.shell_theme_system,
  light: m.shell_theme_light,
  dark: m.shell_theme_dark,
};

export function themeName(theme: ThemeChoice): string {
  return themes[theme]();
}

export function languageName(language: LanguageChoice): string {
  return { system: m.shell_language_system(), en: 'English', de: 'Deutsch' }[language];
}
