// Which exit code each error ends a command with. Scripts branch on these; they are a promise.
import type { ErrorCode } from '../../shared/contracts/errors.ts';

/** 2 usage · 3 fingerprint · 4 not allowed or not verified · 5 E2EE required · 6 not reachable · 1 otherwise. */
const exitCodes: Partial<Record<ErrorCode, number>> = {
  usage: 2,
  fingerprint_required: 2,
  fingerprint_invalid: 2,
  access_token_malformed: 2,
  settings_invalid: 2,
  fingerprint_mismatch: 3,
  access_token_required: 4,
  access_token_rejected: 4,
  service_not_verified: 4,
  not_authorised: 4,
  oidc_token_required: 4,
  oidc_token_rejected: 4,
  oidc_login_failed: 4,
  device_unknown: 4,
  device_pending: 4,
  device_revoked: 4,
  registration_code_invalid: 4,
  AGENT_PUBLIC_KEY_CHANGED: 3,
  AGENT_NOT_AUTHENTIC: 3,
  e2ee_required: 5,
  e2ee_unavailable: 5,
  relay_unreachable: 6,
  service_offline: 6,
};

export function exitCodeOf(code: ErrorCode): number {
  return exitCodes[code] ?? 1;
}
