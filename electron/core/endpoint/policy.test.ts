// Every combination of settings and trust: what a session may do.
import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../../shared/contracts/settings.ts';
import { refusal } from './policy.ts';

const table: readonly [requireE2ee: boolean, requireVerification: boolean, ...codes: (string | null)[]][] = [
  // settings        plain                E2EE                      E2EE and verified
  [false, false, null, null, null],
  [true, false, 'e2ee_required', null, null],
  [false, true, 'e2ee_required', 'access_token_required', null],
  [true, true, 'e2ee_required', 'access_token_required', null],
];
const trusts = [
  { e2eeUsed: false, sessionVerified: false },
  { e2eeUsed: true, sessionVerified: false },
  { e2eeUsed: true, sessionVerified: true },
];

describe('refusal', () => {
  it.each(table)(
    'with require_e2ee %s and session verification %s follows the table',
    (e2ee, verify, ...codes) => {
      const settings = {
        ...defaultSettings,
        'service.e2ee.require_e2ee': e2ee,
        'service.e2ee.require_e2ee_session_verification': verify,
      };
      expect(trusts.map((trust) => refusal(trust, settings)?.code ?? null)).toEqual(codes);
    },
  );

  it('requires E2EE and no verification by default', () => {
    expect(trusts.map((trust) => refusal(trust, defaultSettings)?.code ?? null)).toEqual([
      'e2ee_required',
      null,
      null,
    ]);
  });
});
