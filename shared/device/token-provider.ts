// Where an app's OpenID Connect access tokens come from, and who they say the user is. The app cannot verify a token, and
// need not: relay and agent do, and the agent's signature covers the issuer and subject that the app read here.
import { GatehouseError } from '../contracts/errors.ts';
import { fromBase64url, textOf } from './bytes.ts';

export interface TokenProvider {
  /** An access token that is good now. With `renew`, the last one was refused: get another. */
  token(options?: { readonly renew?: boolean }): Promise<string>;
}

export interface TokenUser {
  readonly issuer: string;
  readonly subject: string;
}

/** Issuer and subject of a JWT. @throws GatehouseError `oidc_token_rejected` where it is none */
export function userOf(token: string): TokenUser {
  try {
    const payload = fromBase64url(token.split('.')[1] ?? '');
    const { iss, sub } = Object(JSON.parse(textOf(payload ?? new Uint8Array()))) as Record<string, unknown>;
    if (typeof iss === 'string' && typeof sub === 'string') return { issuer: iss, subject: sub };
  } catch {
    // Told below, without the token.
  }
  const message =
    'The access token is no JWT with issuer and subject. Ask the provider for JWT access tokens.';
  throw new GatehouseError('oidc_token_rejected', message);
}
