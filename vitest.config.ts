// How the tests run: unit tests beside the code in parallel, then whole-system tests one file at a time,
// because those start many processes and the smallest machine that runs them has two cores.
import { defineConfig } from 'vitest/config';
import { ClosingLineReporter } from './build/closing-line-reporter.ts';
import { plugins } from './build/renderer-config.mjs';

/** Test files at a time, each in a process of its own: as many as the smallest machine has cores. */
const unitWorkers = 2;
/** Milliseconds that one unit test, or one of its hooks, may take. */
const unitTimeoutMs = 15_000;
/** Milliseconds that one whole-system test, or one of its hooks, may take. */
const systemTimeoutMs = 60_000;

export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default', new ClosingLineReporter()],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{shared,electron,build}/**/*.test.ts'],
          testTimeout: unitTimeoutMs,
          hookTimeout: unitTimeoutMs,
          maxWorkers: unitWorkers,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        plugins: plugins(),
        resolve: { conditions: ['browser'] },
        test: {
          name: 'renderer',
          include: ['renderer/**/*.test.ts'],
          testTimeout: unitTimeoutMs,
          maxWorkers: unitWorkers,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['e2e/**/*.test.ts'],
          testTimeout: systemTimeoutMs,
          hookTimeout: systemTimeoutMs,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
