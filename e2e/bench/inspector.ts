// `npm run bench:inspector`: the inspector over a million rows, in a process of its own as in the service.
// `--rows N` for another number, `--json` for {"machine":…,"figures":[…]}. Figures, not a test: the targets stand beside.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly p50: number;
  readonly p95: number;
  readonly samples: number;
}

/** What the console is to reach, on p95 in milliseconds (ingest: rows a second at least). */
const targets: Readonly<Record<string, string>> = {
  ingest: '>= 50000',
  'first rows of a filter': '<= 50',
  'first rows of a full-text search': '<= 100',
  'page anywhere, by time': '<= 20',
  'page anywhere, by another key': '<= 20',
};

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '1000000' }, json: { type: 'boolean', default: false } },
});

function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function table(figures: readonly Figure[]): string {
  const line = (cells: readonly string[]) =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(54) : cell.padStart(11))).join('');
  return [
    line(['measure', 'unit', 'p50', 'p95', 'target', 'samples']),
    ...figures.map(({ name, unit, p50, p95, samples }) =>
      line([name, unit, number(p50), number(p95), targets[name] ?? '', String(samples)]),
    ),
  ].join('\n');
}

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-inspector-bench-'));
try {
  const program = resolve('electron/core/inspector/bench/measure.ts');
  const output = execFileSync(process.execPath, [program, folder, values.rows], { encoding: 'utf8' });
  const figures = JSON.parse(output) as Figure[];
  const machine = {
    cores: availableParallelism(),
    load: loadavg().map((load) => Math.round(load * 10) / 10),
  };
  const report = { rows: Number(values.rows), machine, figures };
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : `${table(figures)}\n`);
  if (!values.json) {
    process.stdout.write(`${values.rows} rows; ${machine.cores} cores, load ${machine.load.join(' ')}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
