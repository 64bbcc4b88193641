// Signing in at an OpenID Connect issuer: authorization code with PKCE (RFC 7636) through the person's own browser on a
// loopback redirect (RFC 8252), or a device code (RFC 8628) where there is no browser. The password never comes near
// this program. State, nonce, PKCE and the issuer's name in the answer (RFC 9207) are all checked, by openid-client.
import * as oidc from 'openid-client';
import { GatehouseError } from '../../contracts/errors.ts';
import { discoverIssuer, grantParameters, signInError } from './issuer.ts';
import type { IssuerOptions } from './issuer.ts';
import { LoopbackRedirect, signInPatienceMs } from './loopback.ts';
import type { Redirected } from './loopback.ts';
import { tokenSetOf } from './tokens.ts';
import type { TokenSet } from './tokens.ts';

export interface DeviceCode {
  /** Where the person goes, on any machine. */
  readonly verificationUri: string;
  /** With the code in it, where the issuer offers that. */
  readonly verificationUriComplete: string | null;
  readonly userCode: string;
}

export interface SsoLoginOptions extends IssuerOptions {
  /** Shows `url` to the person: opens their browser, or prints it. It works once. */
  readonly openBrowser: (url: string) => void | Promise<void>;
  /** Given: no browser and no redirect; shows the code. */
  readonly onDeviceCode?: ((code: DeviceCode) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @throws GatehouseError `usage`, `oidc_login_failed`, `timeout`, `cancelled` */
export async function ssoLogin(options: SsoLoginOptions): Promise<TokenSet> {
  const config = await discoverIssuer(options);
  const { onDeviceCode } = options;
  return onDeviceCode === undefined
    ? byBrowser(config, options)
    : byDeviceCode(config, options, onDeviceCode);
}

async function byBrowser(config: oidc.Configuration, options: SsoLoginOptions): Promise<TokenSet> {
  const redirect = await LoopbackRedirect.listen();
  try {
    const checks = {
      pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
      expectedState: oidc.randomState(),
      expectedNonce: oidc.randomNonce(),
      idTokenExpected: true,
    };
    const authorization = oidc.buildAuthorizationUrl(config, {
      ...grantParameters(options),
      redirect_uri: redirect.redirectUri,
      ...consent(options),
      code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: checks.expectedState,
      nonce: checks.expectedNonce,
    });
    await options.openBrowser(redirect.sendTo(authorization, checks.expectedState));
    const came = await redirect.redirected(options.signal ?? new AbortController().signal);
    return await redeem(config, came, checks, options.resource);
  } finally {
    await redirect.close();
  }
}

/** A refresh token is given where the person has said so (OpenID Connect Core section 11). */
function consent(options: SsoLoginOptions): { prompt?: string } {
  return grantParameters(options).scope.split(' ').includes('offline_access') ? { prompt: 'consent' } : {};
}

async function redeem(
  config: oidc.Configuration,
  { url, answer }: Redirected,
  checks: oidc.AuthorizationCodeGrantChecks,
  resource: string | undefined,
): Promise<TokenSet> {
  let failed = true;
  try {
    const more = resource === undefined ? {} : { resource };
    const tokens = tokenSetOf(await oidc.authorizationCodeGrant(config, url, checks, more));
    failed = false;
    return tokens;
  } catch (cause) {
    throw signInError('Signing in did not work. Try again.', cause);
  } finally {
    answer(failed);
  }
}

async function byDeviceCode(
  config: oidc.Configuration,
  options: SsoLoginOptions,
  show: (code: DeviceCode) => void,
): Promise<TokenSet> {
  const patience = AbortSignal.timeout(signInPatienceMs);
  const signal = options.signal === undefined ? patience : AbortSignal.any([options.signal, patience]);
  try {
    const started = await oidc.initiateDeviceAuthorization(config, grantParameters(options));
    show({
      verificationUri: started.verification_uri,
      verificationUriComplete: started.verification_uri_complete ?? null,
      userCode: started.user_code,
    });
    const more = options.resource === undefined ? {} : { resource: options.resource };
    return tokenSetOf(await oidc.pollDeviceAuthorizationGrant(config, started, more, { signal }));
  } catch (cause) {
    if (options.signal?.aborted === true) {
      throw new GatehouseError('cancelled', 'Signing in was cancelled.', { cause });
    }
    if (patience.aborted) {
      throw new GatehouseError('timeout', 'Nobody entered the code within five minutes. Try again.', {
        cause,
      });
    }
    throw signInError('Signing in with a code did not work. Try again.', cause);
  }
}
