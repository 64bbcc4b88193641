// The promises that scripts and people rely on: the line that says how a request was protected, and exit codes.
import { expect, it } from 'vitest';
import { errorCodes, type ErrorCode } from '../../shared/contracts/errors.ts';
import { protectionLine } from './call-run.ts';
import { exitCodeOf } from './exit-codes.ts';

it.each([
  [
    { e2eeUsed: true, verifiedBy: 'fingerprint', sessionVerified: true } as const,
    /encrypted · fingerprint verified · session verified$/,
  ],
  [
    { e2eeUsed: true, verifiedBy: 'fingerprint', sessionVerified: false } as const,
    /fingerprint verified · session not verified$/,
  ],
  [{ e2eeUsed: true, verifiedBy: 'none', sessionVerified: false } as const, /fingerprint NOT verified/],
  [{ e2eeUsed: false, verifiedBy: 'none', sessionVerified: false } as const, /^NOT end-to-end encrypted/],
])('how a request was protected is one honest line', (e2ee, line) => {
  expect(protectionLine({ ...e2ee, plaintextReason: undefined })).toMatch(line);
});

it('every exit code is the promised one', () => {
  const promised: Partial<Record<ErrorCode, number>> = {
    usage: 2,
    fingerprint_required: 2,
    fingerprint_mismatch: 3,
    access_token_required: 4,
    access_token_rejected: 4,
    not_authorised: 4,
    service_not_verified: 4,
    e2ee_required: 5,
    relay_unreachable: 6,
    service_offline: 6,
    downgrade_detected: 1,
    e2ee_handshake_failed: 1,
    truncated: 1,
    timeout: 1,
    internal: 1,
  };
  for (const [code, exitCode] of Object.entries(promised))
    expect([code, exitCodeOf(code as ErrorCode)]).toEqual([code, exitCode]);
  for (const code of Object.keys(errorCodes))
    expect([1, 2, 3, 4, 5, 6]).toContain(exitCodeOf(code as ErrorCode));
});
