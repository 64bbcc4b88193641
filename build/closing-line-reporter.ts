// A Vitest reporter that ends a run with one line a program can read: `12 passed, 0 failed`.
// It counts tests, not files. What broke outside a test (a file that does not load, an unhandled error)
// counts as failed: the line must never look green when the run was not.
import type { Reporter, TestModule, TestSuite } from 'vitest/node';

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** Tests by outcome; each error outside a test adds one to `failed`. A test that never ran is skipped. */
export function tally(modules: readonly TestModule[], unhandledErrors: number): Tally {
  const sum: Tally = { passed: 0, failed: unhandledErrors, skipped: 0 };
  for (const module of modules) {
    sum.failed += errorsOutsideTests(module);
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') sum.passed += 1;
      else if (state === 'failed') sum.failed += 1;
      else sum.skipped += 1;
    }
  }
  return sum;
}

function errorsOutsideTests(module: TestModule): number {
  const count = (part: TestModule | TestSuite): number => part.errors().length;
  return [...module.children.allSuites()].reduce((sum, suite) => sum + count(suite), count(module));
}

/** `N passed, N failed`, and `, N skipped` where any were. */
export function closingLine({ passed, failed, skipped }: Tally): string {
  const counted = `${passed} passed, ${failed} failed`;
  return skipped === 0 ? counted : `${counted}, ${skipped} skipped`;
}

export class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const line = closingLine(tally(modules, unhandledErrors.length));
    // The summary of the default reporter is written at the same moment; this line comes last.
    process.once('exit', () => process.stdout.write(`${line}\n`));
  }
}
