// A time of another day as short as a column takes it: `27/11, 11:35:02`.
import { locale } from '../../i18n/locale.svelte.ts';

const options = {
  day: '2-digit',
  month: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
} as const;

const formats = {
  en: new Intl.DateTimeFormat('en-GB', options),
  de: new Intl.DateTimeFormat('de-DE', options),
};

export function formatDayTime(at: number): string {
  return formats[locale.current].format(at);
}
