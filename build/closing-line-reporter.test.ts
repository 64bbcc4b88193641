// The closing line, from a real Vitest run on small test files of its own.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const reporter = fileURLToPath(new URL('closing-line-reporter.ts', import.meta.url));
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gatehouse-reporter-'));
  const config = `import { ClosingLineReporter } from ${JSON.stringify(reporter)};
export default { test: { globals: true, reporters: ['default', new ClosingLineReporter()] } };`;
  writeFileSync(join(root, 'vitest.config.mjs'), config);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

const pass = `it('a', () => {});`;
const fail = `it('b', () => { throw new Error('b'); });`;

const runs: readonly (readonly [why: string, status: number, line: string, files: readonly string[]])[] = [
  ['all passed', 0, '2 passed, 0 failed', [pass, pass]],
  ['one failed', 1, '2 passed, 1 failed', [pass + fail, pass]],
  [
    'some were skipped',
    0,
    '1 passed, 0 failed, 2 skipped',
    [`${pass} it.skip('s', () => {}); it.todo('t');`],
  ],
  ['a file does not load', 1, '1 passed, 1 failed', [pass, `throw new Error('load');`]],
  [
    'a hook fails',
    1,
    '0 passed, 1 failed, 1 skipped',
    [`describe('d', () => { beforeAll(() => { throw 1; }); ${pass} })`],
  ],
  [
    'an error is unhandled',
    1,
    '1 passed, 1 failed',
    [`it('a', () => { void Promise.reject(new Error('u')); });`],
  ],
  ['there are no tests', 1, '0 passed, 0 failed', []],
];

it.each(runs)('is the last line and tells the truth where %s', (_why, status, line, files) => {
  for (const [index, text] of files.entries()) writeFileSync(join(root, `${index}.test.mjs`), text);
  const run = spawnSync(process.execPath, [vitest, 'run'], { cwd: root, encoding: 'utf8' });
  expect(run.stdout.trimEnd().split('\n').at(-1)).toBe(line);
  expect(run.status).toBe(status);
});
