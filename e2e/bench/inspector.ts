// `npm run bench:inspector`: the inspector over a million rows, in a process of its own as in the service.
// `--rows N` for another number, `--json` for one line of JSON. Figures, not a test: the targets stand beside.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { printFigures } from './figures.ts';
import type { Figure } from './figures.ts';

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

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-inspector-bench-'));
try {
  const program = resolve('electron/core/inspector/bench/measure.ts');
  const output = execFileSync(process.execPath, [program, folder, values.rows], { encoding: 'utf8' });
  printFigures(JSON.parse(output) as Figure[], targets, { rows: Number(values.rows) }, values.json);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
