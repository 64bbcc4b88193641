// Values that strangers choose must come out bounded, whatever they are.
import { describe, expect, it } from 'vitest';
import { encodeBegin, encodeFinish, encodeRejection, maxTextLength } from './rows.ts';
import { sampleOutcome, sampleRejection, sampleRow } from './sample-rows.ts';

const none: ReadonlySet<string> = new Set();

describe('encoding rows', () => {
  it('cuts long text to its limit and marks the cut', () => {
    const [, values] = encodeBegin(sampleRow(1, { rpcName: 'x'.repeat(1_000_000) }), none);
    expect(values[1]).toBe(`${'x'.repeat(maxTextLength - 1)}…`);
  });

  it.each([
    ['NaN', NaN, 0],
    ['infinite', Infinity, Number.MAX_SAFE_INTEGER],
    ['negative', -1, 0],
    ['fractional', 12.9, 12],
    ['beyond safe integers', 2 ** 60, Number.MAX_SAFE_INTEGER],
  ])('stores a byte count that is %s as a whole number in range', (_name, given, stored) => {
    const [, values] = encodeFinish(1, { ...sampleOutcome, bytesRead: given, bytesWritten: given });
    expect(values.slice(1, 3)).toEqual([stored, stored]);
  });

  it('keeps a duration to the microsecond', () => {
    expect(encodeFinish(1, { ...sampleOutcome, durationMs: 1.23456 })[1][0]).toBe(1.235);
  });

  it('sends a certificate with a begin only while it is new, with a rejection always', () => {
    const row = sampleRow(1);
    expect(encodeBegin(row, none)[2]).toEqual([row.certificate!.sha256, row.certificate!.pem]);
    expect(encodeBegin(row, new Set([row.certificate!.sha256]))[2]).toBeNull();
    expect(encodeRejection(sampleRejection(), 1)[2]).not.toBeNull();
  });

  it('gives a request that was rejected after its begin its code as the reason', () => {
    const outcome = { ...sampleOutcome, status: 'REJECTED', errorCode: 'e2ee_required' } as const;
    expect(encodeFinish(1, outcome)[1].slice(3, 5)).toEqual(['e2ee_required', 'e2ee_required']);
    expect(encodeFinish(1, { ...outcome, status: 'FAILED' })[1].slice(3)).toEqual(['e2ee_required', 1]);
  });
});
