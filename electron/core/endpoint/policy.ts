// What a session may do under the current settings: one pure function, asked at each request and again
// whenever the settings change.
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { e2eeRequired } from '../../../shared/contracts/settings.ts';
import type { Settings } from '../../../shared/contracts/settings.ts';

/** What the policy looks at. */
export interface SessionTrust {
  readonly e2eeUsed: boolean;
  readonly sessionVerified: boolean;
}

/** The one RPC that answers everybody: without it nobody could learn what is required. */
export const openRpc = 'capabilities';

/** Why this session may do nothing but `capabilities`; null where it may. */
export function refusal(trust: SessionTrust, settings: Readonly<Settings>): GatehouseError | null {
  if (!trust.e2eeUsed && e2eeRequired(settings)) {
    return new GatehouseError(
      'e2ee_required',
      'This service answers through end-to-end encryption only. Call it with its fingerprint, or with E2EE switched on.',
    );
  }
  const mustVerify = settings['service.e2ee.require_e2ee_session_verification'];
  if (mustVerify && !trust.sessionVerified) {
    return new GatehouseError(
      'access_token_required',
      "This service answers verified sessions only. Get an access token from the service's administrator and pass it together with the fingerprint.",
    );
  }
  return null;
}
