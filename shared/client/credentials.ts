// What a caller knows about a service: its certificate's fingerprint, and an access token to prove.
// Checked before anything is dialled. Must never echo a token, and never accept one without a fingerprint.
import { GatehouseError } from '../contracts/errors.ts';
import { parseFingerprint } from '../contracts/fingerprint.ts';
import { parseAccessToken } from '../e2ee/access-token.ts';
import type { AccessToken } from '../e2ee/access-token.ts';

/** Both come from the service's administrator, over a way that can be trusted; never from this client. */
export interface ServiceCredentials {
  /** SHA-256 fingerprint of the service's certificate, in any form that a person pastes. */
  readonly e2eeFingerprint?: string | undefined;
  /** `gh_…`. Needs `e2eeFingerprint`. It never leaves this process. */
  readonly accessToken?: string | undefined;
}

/** The same, checked. */
export interface Trust {
  /** 64 lower-case hex digits; null: the certificate is not checked. */
  readonly fingerprint: string | null;
  readonly token: AccessToken | null;
}

/** @throws GatehouseError `fingerprint_required`, `fingerprint_invalid`, `access_token_malformed` */
export function parseCredentials({ e2eeFingerprint, accessToken }: ServiceCredentials): Trust {
  if (accessToken !== undefined && e2eeFingerprint === undefined) {
    throw new GatehouseError(
      'fingerprint_required',
      "An access token is used only where the service's certificate is checked: pass the fingerprint too. " +
        "It comes from the service's administrator. Nothing was sent.",
    );
  }
  return {
    fingerprint: e2eeFingerprint === undefined ? null : parseFingerprint(e2eeFingerprint),
    token: accessToken === undefined ? null : parseAccessToken(accessToken),
  };
}
