// Completion at every kind of caret; `|` marks it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completeFilter } from './complete.ts';
import { requestFields } from './fields.ts';

function complete(marked: string) {
  const caret = marked.indexOf('|');
  return completeFilter(marked.replace('|', ''), caret, requestFields);
}

describe('completeFilter', () => {
  const names: [string, number, number, string[]][] = [
    ['st|', 0, 2, ['status:']],
    ['-re|', 1, 3, ['read:']],
    ['rpc:ping CLI|', 9, 12, ['client:']],
    ['us|er:anna', 0, 5, ['user:']],
    ['x|', 0, 1, []],
  ];
  it.each(names)('offers names for %j', (marked, start, end, candidates) => {
    expect(complete(marked)).toMatchObject({ kind: 'field', start, end, candidates, dynamic: false });
  });

  it('offers every name where nothing is typed', () => {
    expect(complete('rpc:ping |')?.candidates).toHaveLength(requestFields.length);
  });

  const values: [string, string, number, number, string[], boolean][] = [
    ['status:fa|', 'status', 7, 9, ['FAILED'], false],
    ['status:failed,o|', 'status', 14, 15, ['ok'], false],
    ['e2ee:|', 'e2ee', 5, 5, ['yes', 'no'], false],
    ['rpc:pi|ng', 'rpc', 4, 8, [], true],
    ['client:"an|na"', 'client', 7, 13, [], true],
    ['since:1|', 'since', 6, 7, ['15m', '1h'], false],
    ['dur>2|', 'dur', 4, 5, ['200ms'], false],
    ['id:|', 'id', 3, 3, [], false],
  ];
  it.each(values)('offers values for %j', (marked, field, start, end, candidates, dynamic) => {
    expect(complete(marked)).toMatchObject({ kind: 'value', field, start, end, candidates, dynamic });
  });

  it('gives the typed part without its quote', () => {
    expect(complete('client:"an|na"')?.prefix).toBe('an');
  });

  it.each(['"disk fu|ll"', 'foo:b|', '|-x'])('offers nothing for %j', (marked) => {
    expect(complete(marked)).toBeNull();
  });

  it('never throws, and replaces a range about the caret', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.nat(40), (text, at) => {
        const caret = Math.min(at, text.length);
        const found = completeFilter(text, caret, requestFields);
        if (found !== null) expect(found.start <= caret && caret <= found.end).toBe(true);
      }),
    );
  });
});
