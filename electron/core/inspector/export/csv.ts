// CSV as RFC 4180 has it: CRLF, quotes where they are needed, doubled inside. A text that a spreadsheet would take for a
// formula gets an apostrophe in front: strangers choose names here. Pure.
import type { RecordValue } from './record.ts';

/** What makes a spreadsheet compute a cell (OWASP, "CSV Injection"). */
const formula = /^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/;

const special = /[",\r\n]/;

export function csvRow(values: readonly RecordValue[]): string {
  return `${values.map(csvCell).join(',')}\r\n`;
}

function csvCell(value: RecordValue): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const safe = formula.test(value) ? `'${value}` : value;
  return special.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
