// Terms that a click adds to a filter: the rest stays as it was written, and the whole parses.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestFields } from '../../shared/contracts/filter/fields.ts';
import { parseFilter } from '../../shared/contracts/filter/parse.ts';
import { hasRange, laterThan, withoutRange, withRange, withValue } from './requests-terms.ts';

describe('a value from a click', () => {
  const cases: readonly (readonly [string, string, string, boolean, string])[] = [
    ['', 'rpc', 'ping', false, 'rpc:ping'],
    ['status:ok', 'rpc', 'ping', false, 'status:ok rpc:ping'],
    ['rpc:echo dur>1s', 'rpc', 'ping', false, 'dur>1s rpc:ping'],
    ['rpc:ping', 'rpc', 'ping', true, '-rpc:ping'],
    ['-rpc:ping', 'rpc', 'ping', false, 'rpc:ping'],
    ['-rpc:echo', 'rpc', 'ping', true, '-rpc:echo -rpc:ping'],
    ['-rpc:ping', 'rpc', 'ping', true, '-rpc:ping'],
    ['', 'client', '>x', false, 'client:">x"'],
    ['"disk full"', 'client', 'two words', false, '"disk full" client:"two words"'],
  ];
  it.each(cases)('%j with %s %j (excluded: %s) is %j', (text, field, value, exclude, expected) => {
    expect(withValue(text, field, value, exclude)).toBe(expected);
  });

  it('parses, whatever the value', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 60 }), fc.boolean(), (value, exclude) => {
        fc.pre(value.trim() !== '');
        const text = withValue('status:ok', 'client', value, exclude);
        expect(parseFilter(text, requestFields, { now: 0 })).toHaveProperty('filter');
      }),
    );
  });
});

describe('a range from the chart', () => {
  it('takes the place of what the filter said of time, and can be taken out again', () => {
    const ranged = withRange('since:5m rpc:ping until:1m', 0, 60_000);
    expect(ranged).toBe('rpc:ping since:1970-01-01T00:00:00.000Z until:1970-01-01T00:01:00.000Z');
    expect([hasRange(ranged), withoutRange(ranged), hasRange('rpc:ping')]).toEqual([true, 'rpc:ping', false]);
  });

  it('narrows to later ids with a term that parses', () => {
    const parsed = parseFilter(laterThan('rpc:ping', 17), requestFields, { now: 0 });
    expect(parsed).toHaveProperty('filter.terms.1.values.0.value', 17);
  });
});
