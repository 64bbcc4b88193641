// A time as short as a column of a long list takes it: of today to the millisecond, of another day with the day.
import { locale } from '../i18n/locale.svelte.ts';
import { formatTime } from './format.ts';

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

/** `11:35:02.123`, or `27/11, 11:35:02` where it was not today. */
export function formatShort(at: number): string {
  return isToday(at) ? formatTime(at, true) : formatDayTime(at);
}

export function formatDayTime(at: number): string {
  return formats[locale.current].format(at);
}

const dayMs = 86_400_000;
/** Start of this day, renewed when it is over. */
let today = startOfDay();

function isToday(at: number): boolean {
  if (Date.now() - today >= dayMs) today = startOfDay();
  return at >= today;
}

function startOfDay(): number {
  return new Date().setHours(0, 0, 0, 0);
}
