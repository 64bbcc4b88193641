// `npm run bench:devices`: device sessions beside plain HTTPS through the same relay, in one run, on loopback.
// `--json` prints {"rows":[…]}; `--short` is the quick version that only proves that it runs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureDevices } from './device-measures.ts';
import type { DevicePlan, DeviceRow } from './device-measures.ts';
import { setUpDevices } from './device-setting.ts';
import { Programs } from './programs.ts';

const full: DevicePlan = {
  rounds: 6,
  rateMs: 1500,
  warmUpMs: 8000,
  mebibytes: 128,
  starts: 30,
  sessions: 10_000,
};
const short: DevicePlan = { rounds: 1, rateMs: 300, warmUpMs: 150, mebibytes: 8, starts: 3, sessions: 200 };

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, short: { type: 'boolean', default: false } },
});

function table(rows: readonly DeviceRow[]): string {
  const number = (value: number | null): string => (value === null ? '' : value.toFixed(value < 100 ? 2 : 0));
  const lines = rows.map(({ measure, unit, session, plain, ratio, goal }) =>
    [
      measure.padEnd(44),
      `${number(session)} ${unit}`.padStart(14),
      plain === null ? ''.padStart(14) : `${number(plain)} ${unit}`.padStart(14),
      number(ratio).padStart(8),
      `  ${goal ?? ''}`,
    ].join(''),
  );
  const head = `${'measure'.padEnd(44)}${'session'.padStart(14)}${'plain HTTPS'.padStart(14)}${'ratio'.padStart(8)}  goal`;
  return [head, ...lines].join('\n');
}

const programs = new Programs(mkdtempSync(join(tmpdir(), 'gatehouse-bench-')));
try {
  const setting = await setUpDevices(programs);
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  const rows = await measureDevices(setting, values.short ? short : full, tell);
  process.stdout.write(values.json ? `${JSON.stringify({ rows })}\n` : `${table(rows)}\n`);
} finally {
  await programs.stop();
  rmSync(programs.folder, { recursive: true, force: true });
}
