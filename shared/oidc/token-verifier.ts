// Verifies OpenID Connect access tokens (JWT, RFC 7519 and RFC 9068) against one issuer and one audience, for the relay and
// for the service alike: the service verifies again what the relay has, since a hostile relay would say anything.
// It must accept no algorithm that a token picks by itself: the list below is all there is (RFC 8725, section 3.1).
import { createHash } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import { maxOidcTokenLength } from '../contracts/device-api.ts';
import { GatehouseError } from '../contracts/errors.ts';
import type { KeySet, KeySource } from './issuer-keys.ts';

export interface TokenVerifierOptions {
  readonly issuer: string;
  readonly audience: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** `onChanged` is to be called when what was verified with the earlier keys counts no more. */
  readonly keys: (onChanged: () => void) => KeySource;
}

/** Somebody whom the issuer vouches for. */
export interface OidcUser {
  readonly issuer: string;
  /** 1 to 255 printable ASCII characters (OpenID Connect Core 1.0, section 2). */
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Asymmetric alone: an issuer's public key must never do as a shared secret. */
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];
/** How far the issuer's clock may be off, in seconds. */
const clockToleranceSeconds = 5;
/** Verified tokens that are remembered, so that each is verified once and not with each request. */
const maxRemembered = 4096;

export class TokenVerifier {
  readonly #options: TokenVerifierOptions;
  readonly #keys: KeySource;
  /** By SHA-256 of the token, the oldest first. */
  readonly #remembered = new Map<string, OidcUser>();
  /** Counts the changes of the issuer's keys. */
  #generation = 0;

  constructor(options: TokenVerifierOptions) {
    this.#options = options;
    this.#keys = options.keys(() => {
      this.#generation += 1;
      this.#remembered.clear();
    });
  }

  /**
   * Whose token this is.
   * @throws GatehouseError `oidc_token_rejected`, the same for every reason but expiry; `oidc_unavailable`
   */
  async verify(token: string): Promise<OidcUser> {
    if (token.length > maxOidcTokenLength || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) throw rejected();
    const keys = await this.#keys.current();
    const digest = createHash('sha256').update(token).digest('base64url');
    const known = this.#remembered.get(digest);
    if (known !== undefined && this.#options.now() < known.expiresAt) return known;
    const generation = this.#generation;
    const user = await this.#verifyWith(keys, token);
    if (generation === this.#generation) this.#remember(digest, user);
    return user;
  }

  async #verifyWith(keys: KeySet, token: string): Promise<OidcUser> {
    try {
      return await this.#check(keys, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw asRejection(error);
    }
    const newer = await this.#keys.newerThan(keys);
    if (newer === null) throw rejected();
    return this.#check(newer, token).catch((error: unknown) => {
      throw asRejection(error);
    });
  }

  async #check(keys: KeySet, token: string): Promise<OidcUser> {
    const { issuer, audience } = this.#options;
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms,
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(this.#options.now()),
      requiredClaims: ['sub', 'exp'],
    });
    const { sub, exp } = payload;
    if (typeof sub !== 'string' || !/^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/.test(sub))
      throw rejected();
    return { issuer, subject: sub, expiresAt: (exp ?? 0) * 1000 };
  }

  #remember(digest: string, user: OidcUser): void {
    this.#remembered.set(digest, user);
    if (this.#remembered.size <= maxRemembered) return;
    const [oldest] = this.#remembered.keys();
    if (oldest !== undefined) this.#remembered.delete(oldest);
  }
}

function asRejection(error: unknown): GatehouseError {
  if (error instanceof GatehouseError) return error;
  if (error instanceof errors.JWTExpired) {
    return new GatehouseError(
      'oidc_token_rejected',
      'The access token has expired. Refresh it, or sign in again.',
    );
  }
  return rejected(error);
}

function rejected(cause?: unknown): GatehouseError {
  const message =
    'The access token is not accepted: its signature, issuer, audience or time is wrong. Sign in again.';
  return new GatehouseError('oidc_token_rejected', message, { cause });
}
