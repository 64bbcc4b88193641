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

/** `npm test` and `npm run check` end with these; the last line of the whole run. */
function run(test: number, check: number): { ok: boolean; last: string | undefined } {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const script = `#!/bin/sh
if [ "$1" = test ]; then echo "$GATEHOUSE_WYCHEPROOF"; echo '7 passed, ${test} failed'; exit ${test}; fi
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
    expect(run(0, 0)).toEqual({ ok: false, last: '0 passed, 1 failed' });
  });

  it.each([
    ['passes where tests and checks do', 0, 0, true],
    ['fails where a test does', 1, 0, false],
    ['fails where a check does', 0, 1, false],
  ])('names that folder to the tests, and %s', (_what, test, check, ok) => {
    mkdirSync(join(folder, 'shared/vectors/wycheproof'), { recursive: true });
    expect(run(test, check)).toEqual({ ok, last: `7 passed, ${test} failed` });
  });
});
