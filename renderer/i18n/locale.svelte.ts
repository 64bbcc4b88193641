// The language that the console speaks, as reactive state: every message and every date read in a template follows a
// change at once. Must not store anything: who chose it, and where that is kept, is the appearance's business.
import { overwriteGetLocale } from './compiled/runtime.js';

export type Locale = 'en' | 'de';

class LocaleState {
  current = $state<Locale>('en');
}

export const locale = new LocaleState();

// Messages ask for the locale at each call, so that a template that reads one depends on it.
overwriteGetLocale(() => locale.current);

/** The first language of a person's list that the console speaks; English where it speaks none of them. */
export function preferredLocale(languages: readonly string[]): Locale {
  for (const language of languages) {
    const base = language.toLowerCase().split('-')[0];
    if (base === 'de' || base === 'en') return base;
  }
  return 'en';
}
