import { describe, expect, it } from 'vitest';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { compilePattern, patternBudgetMs, runPattern } from './pattern-rule.ts';

describe('a pattern is refused that', () => {
  it.each([
    ['repeats a repetition', '(a+)+b'],
    ['repeats a repetition without capturing', '(?:a*)*b'],
    ['repeats it deep inside', '((?:(a+)b)c)+'],
    ['repeats an optional part', '(a?){20}b'],
    ['repeats alternatives', '(a|a)*b'],
    ['repeats alternatives in a group in it', '((a|ab)c)+'],
    ['looks ahead', 'a(?=b)'],
    ['looks ahead for what is not', 'a(?!b)'],
    ['looks behind', '(?<=a)b'],
    ['refers back', '(a)\\1'],
    ['refers back by name', '(?<x>a)\\k<x>'],
    ['has a named group', '(?<x>a)'],
    ['has flags of its own', '(?i:a)'],
    ['matches nothing', 'a*'],
    ['matches nothing by alternative', 'a|'],
    ['has too many repetitions without bound', 'a+b+c+d+e+'],
    ['takes cubic time', '\\d*\\d*\\d*x'],
    ['takes cubic time on letters of its own', '[xq]*[xq]*[xq]*[xq]*y'],
    ['repeats too often', 'a{1001}'],
    ['repeats too often at most', 'a{1,5000}'],
    ['is too long', 'a'.repeat(257)],
    ['does not close a group', '(a'],
    ['closes a group too much', 'a)'],
    ['does not close a class', '[a'],
    ['begins with a repetition', '*a'],
    ['repeats twice', 'a{2}{3}'],
    ['ends in a backslash', 'a\\'],
    ['is empty', ''],
  ])('%s', (_why, pattern) => {
    const start = performance.now();
    const refused = (): unknown => compilePattern(pattern);
    expect(refused).toThrow(GatehouseError);
    expect(refused).toThrow(expect.objectContaining({ code: 'capture_rule_invalid' }));
    expect(performance.now() - start).toBeLessThan(20 * patternBudgetMs);
  });
});

describe('a pattern', () => {
  it.each([
    ['\\d{4}-\\d{4}', 'x 1234-5678 y', [[2, 11]]],
    ['DE\\d{20}|x', 'DE89370400440532013000', [[0, 22]]],
    ['[\\w.+-]+@[\\w-]+\\.[a-z]{2,}', 'mail anna@example.org!', [[5, 21]]],
    [
      'sk_(?:live|test)_\\w+',
      'sk_live_abc sk_test_d',
      [
        [0, 11],
        [12, 21],
      ],
    ],
    [
      'a',
      'aaab a',
      [
        [0, 3],
        [5, 6],
      ],
    ],
    ['\\u00e4|\\x41', 'Aä', [[0, 2]]],
    ['\\[x\\]', '[x]', [[0, 3]]],
    ['a+?b', 'aab', [[0, 3]]],
  ])('%s finds its matches in %s', (source, text, spans) => {
    const found = runPattern(compilePattern(source), text, patternBudgetMs);
    expect(found.map(({ start, end }) => [start, end])).toEqual(spans);
  });

  it('is stopped by the clock where its check did not foresee a text', () => {
    const pattern = compilePattern('[\\w.+-]+@[\\w-]+');
    const start = performance.now();
    expect(() => runPattern(pattern, 'k'.repeat(8_000_000), patternBudgetMs)).toThrow(
      expect.objectContaining({ code: 'capture_rule_invalid' }),
    );
    expect(performance.now() - start).toBeLessThan(20 * patternBudgetMs);
  });

  it.each([0, 1, 1000, 1024, 2000, 2040, 2047, 2048, 2049, 3000, 4090, 5000])(
    'finds a match behind %i characters, wherever it is looked at in parts',
    (before) => {
      const text = `${'-'.repeat(before)}sk_${'x'.repeat(900)}${'-'.repeat(3000)}`;
      const spans = runPattern(compilePattern('sk_x+'), text, patternBudgetMs);
      expect(spans).toMatchObject([{ start: before, end: before + 903 }]);
    },
  );

  it.each([100, 1500, 2040])('that goes on and on, %i characters in, takes all of it', (before) => {
    const text = `${'-'.repeat(before)}sk_${'x'.repeat(20_000)}`;
    const spans = runPattern(compilePattern('sk_x+'), text, patternBudgetMs);
    expect(spans).toMatchObject([{ start: before, end: text.length }]);
  });

  it('keeps no text when it has run', () => {
    const pattern = compilePattern('abc');
    runPattern(pattern, 'some secret abc', patternBudgetMs);
    expect(runPattern(pattern, '', patternBudgetMs)).toEqual([]);
  });
});
