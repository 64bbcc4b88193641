// How the tests run: unit tests beside the code, then whole-system tests, which start programs of their own; of both, one
// file more at a time than the smallest machine has cores, since they wait for a third of their time. A whole-system file has
// a folder, ports and processes of its own, so it minds no other beside it; what it waits for, it waits for by asking.
import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';
import { ClosingLineReporter } from './build/closing-line-reporter.ts';
import { plugins } from './build/renderer-config.mjs';

/** Test files at a time, each in a process of its own. */
const workers = 3;
/** Milliseconds that one unit test, or one of its hooks, may take. */
const unitTimeoutMs = 30_000;
/** Milliseconds that one whole-system test, or one of its hooks, may take. */
const systemTimeoutMs = 120_000;

/** Files that take much longer than others of their size: begun first, or one worker waits for the other at the end. */
const slow = /\/e2e\/(console-(devices|pages|life)|bench)\.test\.ts$/;

/** `npm run test:clone` alone: it fetches all packages from the registry. */
const freshClone = 'e2e/start.test.ts';
const notNow = process.env.GATEHOUSE_FRESH_CLONE === '1' ? [] : [freshClone];

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification): boolean => slow.test(moduleId);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: SlowFirst },
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
          maxWorkers: workers,
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
          maxWorkers: workers,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: ['e2e/**/*.test.ts'],
          exclude: notNow,
          testTimeout: systemTimeoutMs,
          hookTimeout: systemTimeoutMs,
          maxWorkers: workers,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
