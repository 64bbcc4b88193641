// The OpenID Connect issuer as openid-client speaks to it: discovered by its URL (OpenID Connect Discovery 1.0), for a
// public client without a secret. Plain http is for loopback alone. Must never put a token or a code into an error.
import * as oidc from 'openid-client';
import { GatehouseError } from '../../contracts/errors.ts';
import { isLoopbackHost } from '../../net/dial.ts';

export interface IssuerOptions {
  /** `https://…`, or `http://` on loopback; exactly as the issuer names itself. */
  readonly issuer: string;
  /** A public client at the issuer: no secret, redirects to `http://127.0.0.1/callback` (RFC 8252 section 7.3). */
  readonly clientId: string;
  /** The resource that tokens are for (RFC 8707), where the issuer wants it named. */
  readonly resource?: string | undefined;
  /** Default `openid offline_access`. */
  readonly scope?: string | undefined;
}

/** Of each request to the issuer, in seconds. */
const requestTimeoutSeconds = 10;
const maxTextLength = 512;

/** @throws GatehouseError `usage`, `oidc_login_failed` */
export async function discoverIssuer({ issuer, clientId }: IssuerOptions): Promise<oidc.Configuration> {
  const url = parseIssuerUrl(issuer);
  if (clientId === '' || clientId.length > maxTextLength) {
    throw new GatehouseError('usage', 'The client id is the one that the issuer knows this program by.');
  }
  const execute = url.protocol === 'http:' ? [oidc.allowInsecureRequests] : [];
  const options = { execute, timeout: requestTimeoutSeconds };
  try {
    return await oidc.discovery(url, clientId, undefined, oidc.None(), options);
  } catch (cause) {
    throw signInError('The issuer cannot be asked what it offers. Check its URL, and the way to it.', cause);
  }
}

/** @throws GatehouseError `usage` */
export function parseIssuerUrl(text: string): URL {
  const url = text.length > maxTextLength ? null : URL.parse(text.trim());
  if (url?.username !== '' || url.password !== '') {
    throw new GatehouseError('usage', "This is no issuer's URL. It looks like https://login.example.");
  }
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname))) return url;
  throw new GatehouseError('usage', "An issuer's URL starts with https:// (or http:// on loopback).");
}

/** What every grant is asked with. */
export function grantParameters({ scope = 'openid offline_access', resource }: IssuerOptions): {
  readonly scope: string;
  readonly resource?: string;
} {
  return resource === undefined ? { scope } : { scope, resource };
}

/** `oidc_login_failed` with the issuer's own code where it gave one (`access_denied`, `invalid_grant`, …). */
export function signInError(message: string, cause: unknown): GatehouseError {
  if (cause instanceof GatehouseError) return cause;
  const reason = reasonOf(cause);
  const text = reason === null ? message : `${message} The issuer said: ${reason}.`;
  return new GatehouseError('oidc_login_failed', text, { cause, details: { reason } });
}

/** OAuth error codes alone: descriptions are the issuer's prose, and could hold anything. */
function reasonOf(cause: unknown): string | null {
  const isAnswer =
    cause instanceof oidc.ResponseBodyError || cause instanceof oidc.AuthorizationResponseError;
  return isAnswer && /^[a-z_]{1,64}$/.test(cause.error) ? cause.error : null;
}
