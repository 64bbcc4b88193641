// What scripts branch on: one line of JSON for results and errors alike, exit codes, and nothing else on stdout.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { errorCodes, GatehouseError } from '../../shared/contracts/errors.ts';
import type { ErrorCode } from '../../shared/contracts/errors.ts';
import { exitCodeOf } from './exit-codes.ts';
import { makeLogger } from './logger.ts';
import { formatTable, printResult, runAction } from './output.ts';

let out = '';
let err = '';

beforeEach(() => {
  out = err = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += String(text))));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((err += String(text))));
});

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

const failing = (error: unknown) => vi.fn().mockRejectedValue(error);

describe('an error', () => {
  const error = new GatehouseError('fingerprint_mismatch', 'Not it.', {
    details: { expected: 'a', offered: 'b' },
    cause: new Error('inner'),
  });

  it('is one line of JSON on stdout with --json, without stack and cause', async () => {
    await runAction({ json: true }, failing(error));
    expect(JSON.parse(out)).toEqual({
      error: { code: 'fingerprint_mismatch', message: 'Not it.', details: { expected: 'a', offered: 'b' } },
    });
    expect([out.split('\n').length, err, process.exitCode]).toEqual([2, '', 3]);
  });

  it('is a line on stderr for a person', async () => {
    await runAction({}, failing(error));
    expect([out, err, process.exitCode]).toEqual(['', 'gatehouse: Not it. [fingerprint_mismatch]\n', 3]);
  });

  it.each([new TypeError('x is not a function'), 'text', undefined])(
    'that is not ours is a defect: %s',
    async (thrown) => {
      await runAction({ json: true }, failing(thrown));
      expect(JSON.parse(out)).toMatchObject({ error: { code: 'internal' } });
      expect([out.includes('output.test.ts'), process.exitCode]).toEqual([false, 1]);
    },
  );
});

describe('a result', () => {
  it('is one line of JSON with --json, else lines for a person', () => {
    printResult({ a: 1 }, ['x', 'y'], { json: true });
    printResult({ a: 1 }, ['x', 'y'], {});
    expect([out, err]).toEqual(['{"a":1}\nx\ny\n', '']);
  });

  it('as a table has a rule above and below, as wide as its columns', () => {
    expect(
      formatTable([
        ['service_id', 'abcd'],
        ['e2ee_used', 'True, and more'],
      ]),
    ).toEqual([
      '----------  --------------',
      'service_id  abcd',
      'e2ee_used   True, and more',
      '----------  --------------',
    ]);
  });
});

/** The issues' sentences, code by code; whatever they do not name ends in 1. */
const promised: Readonly<Record<number, readonly ErrorCode[]>> = {
  2: ['usage', 'fingerprint_required', 'fingerprint_invalid', 'access_token_malformed', 'settings_invalid'],
  3: ['fingerprint_mismatch', 'AGENT_PUBLIC_KEY_CHANGED', 'AGENT_NOT_AUTHENTIC'],
  4: [
    ...([
      'access_token_required',
      'access_token_rejected',
      'service_not_verified',
      'not_authorised',
    ] as const),
    ...(['oidc_token_required', 'oidc_token_rejected', 'oidc_login_failed'] as const),
    ...(['device_unknown', 'device_pending', 'device_revoked', 'registration_code_invalid'] as const),
  ],
  5: ['e2ee_required', 'e2ee_unavailable'],
  6: ['relay_unreachable', 'service_offline'],
};

it.each(Object.keys(errorCodes) as ErrorCode[])(
  'the exit code of %s is the one that was promised',
  (code) => {
    const [exitCode] = Object.entries(promised).find(([, codes]) => codes.includes(code)) ?? ['1'];
    expect(exitCodeOf(code)).toBe(Number(exitCode));
  },
);

it('a log level that is none is refused with those that are', () => {
  const message = expect.stringContaining('warn');
  expect(() => makeLogger('loud')).toThrow(expect.objectContaining({ code: 'usage', message }));
  expect(makeLogger('silent').level).toBe('silent');
});
