// The language as tables: what each text means, where a broken one breaks, and that no text whatever throws.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auditFields, requestFields } from './fields.ts';
import type { Filter, ParsedFilter, Term } from './filter.ts';
import { addTerm, formatFilter } from './format.ts';
import { filterLimits } from './limits.ts';
import { parseFilter } from './parse.ts';

const now = Date.UTC(2026, 4, 1, 12);

function parse(text: string): ParsedFilter {
  return parseFilter(text, requestFields, { now });
}

function filterOf(text: string): Filter {
  const parsed = parse(text);
  if ('problem' in parsed) throw new Error(parsed.problem.message);
  return parsed.filter;
}

const word = (text: string, prefix = false) => ({ kind: 'word' as const, text, prefix });
const number = (value: number) => ({ kind: 'number' as const, value });
const yesNo = (value: boolean) => ({ kind: 'yesNo' as const, value });

function field(name: string, values: Extract<Term, { kind: 'field' }>['values'], more = {}): Term {
  return { kind: 'field', field: name, comparison: 'is', values, negated: false, ...more };
}

function text(words: string, negated = false): Term {
  return { kind: 'text', text: words, negated };
}

/** Fields a hostile or hasty person may write, and everything around them. */
const fragments = fc.oneof(
  fc.constantFrom(
    'rpc:',
    '-',
    '"',
    '\\',
    ',',
    'dur>',
    'dur>=',
    'since:',
    '5m',
    '*',
    ' ',
    'e2ee:no',
    '1.5KiB',
  ),
  fc.constantFrom('status:ok', 'id:7', 'until:2026-05-01', '2026-02-30T25:00', '\u00e4', '\ud800', '\n'),
  fc.string({ unit: 'binary', maxLength: 5 }),
);
const anyText = fc.array(fragments, { maxLength: 30 }).map((parts) => parts.join(''));

describe('parseFilter', () => {
  const meanings: [string, readonly Term[]][] = [
    ['', []],
    [' \t\n ', []],
    ['rpc:ping', [field('rpc', [word('ping')])]],
    ['RPC:Ping', [field('rpc', [word('Ping')])]],
    ['rpc=ping', [field('rpc', [word('ping')])]],
    ['-status:ok', [field('status', [word('SUCCESS')], { negated: true })]],
    ['status:failed,timed_out', [field('status', [word('FAILED'), word('TIMED_OUT')])]],
    ['client:anna*', [field('client', [word('anna', true)])]],
    ['user:*', [field('user', [word('', true)])]],
    ['client:"a*"', [field('client', [word('a*')])]],
    ['client:"anna, b","c"', [field('client', [word('anna, b'), word('c')])]],
    [String.raw`client:"a\"b\\c\d"`, [field('client', [word(String.raw`a"b\c\d`)])]],
    ['e2ee:no verified:YES', [field('e2ee', [yesNo(false)]), field('verified', [yesNo(true)])]],
    ['dur>200ms', [field('dur', [number(200)], { comparison: 'more' })]],
    ['dur:>=1.5s', [field('dur', [number(1500)], { comparison: 'atLeast' })]],
    ['dur<2m', [field('dur', [number(120_000)], { comparison: 'less' })]],
    ['dur<=3', [field('dur', [number(3)], { comparison: 'atMost' })]],
    ['read>64KiB', [field('read', [number(65_536)], { comparison: 'more' })]],
    ['written:1MB,512', [field('written', [number(1_000_000), number(512)])]],
    ['since:5m', [field('since', [number(now - 300_000)])]],
    ['since:7d', [field('since', [number(now - 604_800_000)])]],
    ['until:2026-05-01T10:00:00.5Z', [field('until', [number(Date.UTC(2026, 4, 1, 10) + 500)])]],
    ['until:2026-05-01T10:00+02:00', [field('until', [number(Date.UTC(2026, 4, 1, 8))])]],
    ['since:2026-05-01', [field('since', [number(new Date(2026, 4, 1).getTime())])]],
    ['since:"2026-05-01 09:30"', [field('since', [number(new Date(2026, 4, 1, 9, 30).getTime())])]],
    ['id:7,9', [field('id', [number(7), number(9)])]],
    ['disk', [text('disk')]],
    ['"disk full" -"x"', [text('disk full'), text('x', true)]],
    ['-', [text('-')]],
    ['- disk', [text('-'), text('disk')]],
    ['10:30', [text('10:30')]],
    ['a"b c"', [text('a'), text('b c')]],
  ];

  it.each(meanings)('reads %j', (written, terms) => {
    expect(parse(written)).toEqual({ filter: { terms } });
  });

  const problems: [string, string, number, number][] = [
    ['foo:bar', 'unknown_field', 0, 3],
    ['rpc:ping -foo>1', 'unknown_field', 10, 13],
    ['https://x', 'unknown_field', 0, 5],
    ['constructor:x', 'unknown_field', 0, 11],
    ['dur:fast', 'bad_value', 4, 8],
    ['dur:1,-1', 'bad_value', 6, 8],
    ['dur:1year', 'bad_value', 4, 9],
    ['dur:1constructor', 'bad_value', 4, 16],
    ['e2ee:maybe', 'bad_value', 5, 10],
    ['status:good', 'bad_value', 7, 11],
    ['status:constructor', 'bad_value', 7, 18],
    ['id:1.5', 'bad_value', 3, 6],
    ['since:yesterday', 'bad_value', 6, 15],
    ['since:2026-13-01', 'bad_value', 6, 16],
    ['rpc>a', 'bad_comparison', 3, 4],
    ['since:>=5m', 'bad_comparison', 5, 8],
    ['e2ee<yes', 'bad_comparison', 4, 5],
    ['"disk', 'unclosed_quote', 0, 5],
    ['client:"a\\"', 'unclosed_quote', 7, 11],
    ['a rpc:', 'empty_value', 6, 6],
    ['rpc:a,,b', 'empty_value', 6, 6],
    ['rpc:""', 'empty_value', 4, 6],
    ['"  "', 'empty_value', 0, 4],
    ['x'.repeat(filterLimits.length + 1), 'too_long', filterLimits.length, filterLimits.length + 1],
    ['a '.repeat(filterLimits.terms + 1), 'too_many_terms', 128, 129],
    [`id:${'1,'.repeat(filterLimits.values)}1`, 'too_many_terms', 0, 132],
  ];

  it.each(problems)('refuses %j as %s at its column', (written, reason, column, end) => {
    expect(parse(written)).toEqual({
      problem: {
        code: 'filter_invalid',
        reason,
        column,
        end,
        message: expect.stringMatching(/\.$/) as string,
      },
    });
  });

  it('takes as many terms and values as its limits say', () => {
    expect(filterOf('a '.repeat(filterLimits.terms)).terms).toHaveLength(filterLimits.terms);
    expect(parse(`id:${'1,'.repeat(filterLimits.values - 1)}1`)).toHaveProperty('filter');
  });

  it('knows the fields of the audit log', () => {
    const parsed = parseFilter('action:Token.Revoked -actor:service', auditFields, { now });
    expect(parsed).toMatchObject({ filter: { terms: [{ values: [word('token.revoked')] }, {}] } });
    expect(parseFilter('rpc:x', auditFields, { now })).toHaveProperty('problem.reason', 'unknown_field');
  });

  it('never throws, and names columns that are in the text', () => {
    fc.assert(
      fc.property(anyText, (written) => {
        const parsed = parse(written);
        if (!('problem' in parsed)) return;
        const { column, end } = parsed.problem;
        expect(column >= 0 && column <= end && end <= written.length).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('is quick with the longest hostile text', () => {
    const hostile = ['"\\', ',', '-', 'a:', ' "', '\\"'].map((part) =>
      `rpc:"${part.repeat(2040)}`.slice(0, 4096),
    );
    const started = performance.now();
    for (const written of hostile) parse(written);
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe('formatFilter', () => {
  it('writes what parses into the same terms, and writes that again alike', () => {
    fc.assert(
      fc.property(anyText, (written) => {
        const parsed = parse(written);
        if ('problem' in parsed) return;
        const formatted = formatFilter(parsed.filter);
        if (formatted.length > filterLimits.length) return;
        expect(parse(formatted)).toEqual(parsed);
        expect(formatFilter(filterOf(formatted))).toBe(formatted);
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    ['RPC=ping   -status:ok', 'rpc:ping -status:SUCCESS'],
    ['since:5m dur>=1.5s', 'since:2026-05-01T11:55:00.000Z dur>=1500ms'],
    ['client:"anna","a b",c* e2ee:0', 'client:anna,"a b",c* e2ee:no'],
    ['disk "a b"', '"disk" "a b"'],
  ])('writes %j as %j', (written, formatted) => {
    expect(formatFilter(filterOf(written))).toBe(formatted);
  });

  it('puts a term in the place of those of its field, and leaves what is excluded', () => {
    const filter = filterOf('rpc:a rpc:b -rpc:c "text" since:5m');
    const added = addTerm(filter, field('rpc', [word('d')]));
    expect(formatFilter(added)).toBe('-rpc:c "text" since:2026-05-01T11:55:00.000Z rpc:d');
  });
});
