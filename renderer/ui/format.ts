// Numbers, sizes, durations and times as the chosen language writes them (Intl). Each function reads the reactive
// locale, so a template that calls it follows a change. Must never round a duration to nothing: 0.4 ms stays 0.4 ms.
import { locale } from '../i18n/locale.svelte.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const cache = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat>();

function cached<F extends Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat>(
  key: string,
  make: (language: string) => F,
): F {
  const full = `${locale.current} ${key}`;
  const known = cache.get(full);
  if (known !== undefined) return known as F;
  const made = make(languageTag());
  cache.set(full, made);
  return made;
}

/** English dates in the form that cannot be misread (27 Nov 2026). */
function languageTag(): string {
  return locale.current === 'en' ? 'en-GB' : 'de-DE';
}

export function formatNumber(value: number, fractionDigits = 0): string {
  const options = { minimumFractionDigits: 0, maximumFractionDigits: fractionDigits };
  return cached(`n${fractionDigits}`, (tag) => new Intl.NumberFormat(tag, options)).format(value);
}

/** A share of 1 as a percentage. */
export function formatPercent(share: number, fractionDigits = 0): string {
  const options = { style: 'percent', maximumFractionDigits: fractionDigits } as const;
  return cached(`p${fractionDigits}`, (tag) => new Intl.NumberFormat(tag, options)).format(share);
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Bytes in binary units, three figures at most: `512 B`, `1.4 KiB`, `38 MiB`. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), byteUnits.length - 1);
  const value = bytes / 1024 ** power;
  return `${formatNumber(value, power === 0 || value >= 100 ? 0 : 1)} ${byteUnits[power] ?? 'B'}`;
}

/** Milliseconds as a duration: `0.4 ms`, `38 ms`, `1.2 s`, `4 min 12 s`, `3 h 5 min`, `12 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 10) return `${formatNumber(ms, 1)} ms`;
  if (ms < SECOND) return `${formatNumber(ms)} ms`;
  if (ms < MINUTE) return `${formatNumber(ms / SECOND, ms < 10 * SECOND ? 2 : 1)} s`;
  if (ms < HOUR) return pair(Math.floor(ms / MINUTE), 'min', Math.floor((ms % MINUTE) / SECOND), 's');
  if (ms < DAY) return pair(Math.floor(ms / HOUR), 'h', Math.floor((ms % HOUR) / MINUTE), 'min');
  return pair(Math.floor(ms / DAY), 'd', Math.floor((ms % DAY) / HOUR), 'h');
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  const first = `${formatNumber(large)} ${largeUnit}`;
  return small === 0 ? first : `${first} ${formatNumber(small)} ${smallUnit}`;
}

/** `27 Nov 2026, 11:35:02`. */
export function formatDateTime(at: number): string {
  const options = { dateStyle: 'medium', timeStyle: 'medium' } as const;
  return cached('dt', (tag) => new Intl.DateTimeFormat(tag, options)).format(at);
}

export function formatDate(at: number): string {
  return cached('d', (tag) => new Intl.DateTimeFormat(tag, { dateStyle: 'medium' })).format(at);
}

/** `11:35:02`, or `11:35:02.123` with milliseconds. */
export function formatTime(at: number, milliseconds = false): string {
  const plain = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const;
  if (!milliseconds) return cached('t', (tag) => new Intl.DateTimeFormat(tag, plain)).format(at);
  const exact = { ...plain, fractionalSecondDigits: 3 } as const;
  return cached('tm', (tag) => new Intl.DateTimeFormat(tag, exact)).format(at);
}

/** The exact time with its zone, for the text on hover. */
export function formatExact(at: number): string {
  const options = { dateStyle: 'full', timeStyle: 'long' } as const;
  return cached('x', (tag) => new Intl.DateTimeFormat(tag, options)).format(at);
}

const steps: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, ms: number])[] = [
  ['year', 365 * DAY],
  ['month', 30 * DAY],
  ['day', DAY],
  ['hour', HOUR],
  ['minute', MINUTE],
];

/** `now`, `12 seconds ago`, `in 3 days`: in whole units, towards zero. */
export function formatRelative(at: number, now: number): string {
  const format = cached('r', (tag) => new Intl.RelativeTimeFormat(tag, { numeric: 'auto' }));
  const distance = at - now;
  for (const [unit, ms] of steps) {
    if (Math.abs(distance) >= ms) return format.format(Math.trunc(distance / ms), unit);
  }
  return format.format(Math.trunc(distance / SECOND), 'second');
}
