// The bench in its short version: that it runs, with real programs on all three ways, and prints what it promises.
// It judges no figure: a test that times things fails on a busy machine.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

interface Report {
  readonly rows: readonly { readonly measure: string; readonly values: Readonly<Record<string, number>> }[];
  readonly ratios: Readonly<Record<string, number>>;
}

const measures = ['requests_1', 'requests_64', 'requests_512', 'mib_down', 'mib_up'];

it('measures relay, direct connection and OpenSSH side by side, and prints rows and ratios', async () => {
  const run = promisify(execFile)(process.execPath, ['e2e/bench/main.ts', '--short', '--json']);
  const { rows, ratios } = JSON.parse((await run).stdout) as Report;
  expect(Object.keys(ratios)).toEqual(measures);
  expect(Object.values(ratios).every((ratio) => ratio > 0)).toBe(true);
  for (const measure of measures) {
    const row = rows.find((each) => each.measure === measure);
    expect(Object.keys(row?.values ?? {})).toEqual(['relay', 'direct', 'openssh']);
    expect(Object.values(row?.values ?? {}).every((value) => value > 0)).toBe(true);
  }
  const rest = [
    'setup p50',
    'memory per idle session at the service',
    'memory per idle session at the relay',
  ];
  expect(rows.map((row) => row.measure)).toEqual(expect.arrayContaining(rest));
});
