// The bench's figures as a table for a person.
import type { Report } from './measure.ts';
import { wayNames } from './ways.ts';

export function formatReport({ rows, ratios, ratioErrors, ratiosToDirect }: Report): string {
  const lines = [
    line('measure', 'unit', ['relay', 'direct', 'openssh']),
    ...rows.map((row) =>
      line(
        row.measure,
        row.unit,
        wayNames.map((name) => figure(row.values[name])),
      ),
    ),
    '',
    line('ratio (above 1 the relay is better)', '', ['to OpenSSH', '±', 'to direct']),
    ...Object.entries(ratios).map(([key, ratio]) =>
      line(
        key,
        '',
        [ratio, ratioErrors[key] ?? NaN, ratiosToDirect[key] ?? NaN].map((value) => value.toFixed(2)),
      ),
    ),
  ];
  return lines.join('\n');
}

function line(name: string, unit: string, cells: readonly string[]): string {
  return [name.padEnd(40), unit.padEnd(11), ...cells.map((cell) => cell.padStart(11))].join(' ').trimEnd();
}

function figure(value: number | undefined): string {
  if (value === undefined) return '-';
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 3);
}
