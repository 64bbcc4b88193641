// Reads the values of a field by its kind: durations to milliseconds, sizes to bytes, times to milliseconds since the
// epoch. Must never guess: what is not of the form is null.
import { valueAliases } from './fields.ts';
import type { Field, TermValue } from './filter.ts';
import type { Piece } from './tokens.ts';

const durationUnits: Readonly<Record<string, number>> = {
  '': 1,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1000,
  mb: 1_000_000,
  gb: 1_000_000_000,
  kib: 1024,
  mib: 1_048_576,
  gib: 1_073_741_824,
};

/** The last millisecond of the year 9999, since the epoch: later years have no four digits. */
const lastTime = 253_402_300_799_999;

const isoTime = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,3})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/i;

const yes: ReadonlySet<string> = new Set(['yes', 'true', 'on', '1']);
const no: ReadonlySet<string> = new Set(['no', 'false', 'off', '0']);

/** @param now milliseconds since the epoch, for ages */
export function readValue(field: Field, piece: Piece, now: number): TermValue | null {
  switch (field.kind) {
    case 'word':
      return readWord(field, piece);
    case 'yesNo':
      return readYesNo(piece.text.toLowerCase());
    case 'duration':
      return numberValue(readQuantity(piece.text, durationUnits, 1000));
    case 'size':
      return numberValue(readQuantity(piece.text, sizeUnits, 1));
    case 'number':
      return numberValue(/^\d{1,15}$/.test(piece.text) ? Number(piece.text) : null);
    case 'time':
      return numberValue(readTime(piece.text, now));
  }
}

/** A star in quotes is a star. Fixed values are brought to their own case. */
function readWord(field: Field, { text, quoted }: Piece): TermValue | null {
  const prefix = !quoted && text.endsWith('*');
  if (prefix) return { kind: 'word', text: text.slice(0, -1), prefix };
  if (field.values === undefined) return { kind: 'word', text, prefix };
  const plain = text.toLowerCase();
  const alias = Object.entries(valueAliases[field.name] ?? {}).find(([name]) => name === plain);
  const known = alias?.[1] ?? field.values.find((value) => value.toLowerCase() === plain);
  return known === undefined ? null : { kind: 'word', text: known, prefix };
}

function readYesNo(plain: string): TermValue | null {
  if (yes.has(plain)) return { kind: 'yesNo', value: true };
  return no.has(plain) ? { kind: 'yesNo', value: false } : null;
}

/** @param parts how many parts of the base unit count: the value is rounded to the next of them */
function readQuantity(text: string, units: Readonly<Record<string, number>>, parts: number): number | null {
  const match = /^(\d{1,16}(?:\.\d{1,20})?)([a-z]{0,3})$/i.exec(text);
  const unit = (match?.[2] ?? '').toLowerCase();
  if (match === null || !Object.hasOwn(units, unit)) return null;
  const value = Number(match[1]) * (units[unit] ?? 1);
  return Math.min(Math.round(value * parts) / parts, Number.MAX_SAFE_INTEGER);
}

/** Without an offset a time is local, and so is a date: its midnight. */
function readTime(text: string, now: number): number | null {
  const age = /^\d+(?:\.\d+)?[a-z]+$/i.test(text) ? readQuantity(text, durationUnits, 1) : null;
  if (age !== null) return Math.max(0, Math.min(now, lastTime) - age);
  if (!isoTime.test(text)) return null;
  const iso = text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T').replace(',', '.').toUpperCase();
  const time = Date.parse(iso);
  return Number.isNaN(time) || time < 0 ? null : Math.min(time, lastTime);
}

function numberValue(value: number | null): TermValue | null {
  return value === null ? null : { kind: 'number', value };
}
