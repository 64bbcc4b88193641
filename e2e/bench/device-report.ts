// The figures of device sessions as tables for people, a client each.
import type { DeviceRow } from './device-measures.ts';

/** In the order in which they are printed; null is what no client has part in. */
const tables: readonly (readonly [string | null, string])[] = [
  ['chromium', 'An app in a browser: a page in Chromium'],
  [
    'node',
    'A program in Node: the harsher reference, and without goals, since a plain request takes it a small part of the time\n' +
      'that it takes a browser. The session start alone has its goal here: no page can time a TLS handshake.',
  ],
  [null, 'The agent'],
];

export function printed(rows: readonly DeviceRow[]): string {
  return tables
    .map(([client, title]) => {
      const own = rows.filter((row) => row.client === client);
      return `${title}\n${[head, ...own.map(line)].join('\n')}\n`;
    })
    .join('\n');
}

const head = columns('measure', 'session', 'plain HTTPS', 'ratio', 'goal');

function line({ measure, unit, session, plain, ratio, ratioError, goal }: DeviceRow): string {
  const beside = plain === null ? '' : `${number(plain)} ${unit}`;
  return columns(
    measure,
    `${number(session)} ${unit}`,
    beside,
    ratio === null || ratioError === null ? '' : `${number(ratio)} ± ${number(ratioError)}`,
    goal ?? '',
  );
}

function columns(measure: string, session: string, plain: string, ratio: string, goal: string): string {
  const figures = session.padStart(14) + plain.padStart(14) + ratio.padStart(14);
  return `${measure.padEnd(44)}${figures}  ${goal}`.trimEnd();
}

function number(value: number): string {
  return value.toFixed(value < 100 ? 2 : 0);
}
