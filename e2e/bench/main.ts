// `npm run bench`: the relay beside a direct connection and OpenSSH, in one run, on loopback.
// The ways take turns within each round, so that a machine that changes its speed changes it for all.
// `--json` prints {"rows":[…],"ratios":{…}}; `--short` is the quick version that only proves that it runs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measure } from './measure.ts';
import { Programs } from './programs.ts';
import { formatReport } from './report.ts';
import { setUp } from './ways.ts';

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, short: { type: 'boolean', default: false } },
});

const programs = new Programs(mkdtempSync(join(tmpdir(), 'gatehouse-bench-')));
try {
  const setting = await setUp(programs);
  const report = await measure(setting, values.short, (line) => process.stderr.write(`${line}\n`));
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : `${formatReport(report)}\n`);
  for (const load of Object.values(setting.loads)) await load.stop();
} finally {
  await programs.stop();
  rmSync(programs.folder, { recursive: true, force: true });
}
