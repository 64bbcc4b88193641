// .ci/run in a checkout of its own, with an npm that does what the case says: what makes a commit bad.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-ci-'));
  mkdirSync(join(folder, 'checkout/.ci'), { recursive: true });
  cpSync('.ci/run', join(folder, 'checkout/.ci/run'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What npm ends with; of the fresh clone's tests also null: they end without a word. */
interface Ends {
  readonly test?: number;
  readonly clone?: number | null;
  readonly check?: number;
}

/** The last line of the whole run. */
function run({ test = 0, clone = 0, check = 0 }: Ends): { ok: boolean; last: string | undefined } {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const script = `#!/bin/sh
if [ "$1" = test ]; then echo "$GATEHOUSE_WYCHEPROOF"; echo '7 passed, ${test} failed, 2 skipped'; exit ${test}; fi
if [ "$2" = test:clone ]; then ${clone === null ? 'exit 1' : `echo '1 passed, ${clone} failed'; exit ${clone}`}; fi
exit ${check}
`;
  writeFileSync(join(bin, 'npm'), script);
  chmodSync(join(bin, 'npm'), 0o755);
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };
  const lines = (text: unknown) => String(text).trim().split('\n');
  try {
    const printed = execFileSync(join(folder, 'checkout/.ci/run'), {
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(lines(printed)).toContain(join(folder, 'shared/vectors/wycheproof'));
    return { ok: true, last: lines(printed).at(-1) };
  } catch (error) {
    return { ok: false, last: lines((error as { stdout: unknown }).stdout).at(-1) };
  }
}

describe('.ci/run', () => {
  it('fails without the folder of third-party vectors', () => {
    expect(run({})).toEqual({ ok: false, last: '0 passed, 1 failed' });
  });

  it.each<[string, Ends, string]>([
    ['passes where all of them do', {}, '8 passed, 0 failed, 2 skipped'],
    ['fails where a test does', { test: 1 }, '8 passed, 1 failed, 2 skipped'],
    ['fails where one of a fresh clone does', { clone: 1 }, '8 passed, 1 failed, 2 skipped'],
    [
      'fails where those of a fresh clone do not come to an end',
      { clone: null },
      '7 passed, 1 failed, 2 skipped',
    ],
    ['fails where a check does', { check: 1 }, '8 passed, 0 failed, 2 skipped'],
  ])('names that folder to the tests, and %s', (_what, ends, last) => {
    mkdirSync(join(folder, 'shared/vectors/wycheproof'), { recursive: true });
    expect(run(ends)).toEqual({ ok: Object.keys(ends).length === 0, last });
  });
});
