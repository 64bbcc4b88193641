// Verifies OpenID Connect access tokens (JWT, RFC 7519 and RFC 9068) against one issuer and one audience. What
// comes out is the subject, which the relay says is the client's name; the service verifies the same token again.
// It must accept no algorithm that a token picks by itself: the list below is all there is (RFC 8725, section 3.1).
import { createHash } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import type { Logger } from 'pino';
import { maxOidcTokenLength } from '../../contracts/device-api.ts';
import { GatehouseError } from '../../contracts/errors.ts';
import { IssuerKeys } from './issuer-keys.ts';
import type { LocalJWKSet } from './issuer-keys.ts';
import { checkIssuer } from './issuer-url.ts';

export interface OidcOptions {
  readonly issuer: string;
  readonly audience: string;
  /** Least time between two fetches of the issuer's keys, in milliseconds. Default 30,000. */
  readonly coolDownMs?: number | undefined;
  /** Age at which the issuer's keys are fetched again, in milliseconds. Default 10 minutes. */
  readonly maxAgeMs?: number | undefined;
  /** Milliseconds since 1970; default the clock. */
  readonly now?: (() => number) | undefined;
  readonly logger: Logger;
}

export interface OidcUser {
  /** 1 to 255 printable ASCII characters (OpenID Connect Core 1.0, section 2). */
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Asymmetric alone: an issuer's public key must never do as a shared secret. */
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];
/** How far the issuer's clock may be off, in seconds. */
const clockToleranceSeconds = 5;
const fetchTimeoutMs = 5000;
/** Verified tokens that are remembered, so that each is verified once and not with each request. */
const maxRemembered = 4096;

export class OidcVerifier {
  readonly #options: OidcOptions;
  readonly #now: () => number;
  readonly #keys: IssuerKeys;
  /** By SHA-256 of the token, the oldest first. */
  readonly #remembered = new Map<string, OidcUser>();
  /** Counts the changes of the issuer's keys. */
  #generation = 0;

  /** @throws GatehouseError `usage` for an issuer that is no safe URL, or no audience */
  constructor(options: OidcOptions) {
    if (options.audience.length === 0 || options.audience.length > 512) {
      throw new GatehouseError('usage', 'An OIDC audience has 1 to 512 characters.');
    }
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#keys = new IssuerKeys({
      issuer: checkIssuer(options.issuer),
      maxAgeMs: options.maxAgeMs ?? 10 * 60_000,
      coolDownMs: options.coolDownMs ?? 30_000,
      timeoutMs: fetchTimeoutMs,
      now: this.#now,
      onChanged: () => {
        this.#generation += 1;
        this.#remembered.clear();
      },
      onProblem: ({ code, message }) => {
        options.logger.warn({ code, reason: message }, 'the keys of the OIDC issuer were not renewed');
      },
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
    if (known !== undefined && this.#now() < known.expiresAt) return known;
    const generation = this.#generation;
    const user = await this.#verifyWith(keys, token);
    if (generation === this.#generation) this.#remember(digest, user);
    return user;
  }

  async #verifyWith(keys: LocalJWKSet, token: string): Promise<OidcUser> {
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

  async #check(keys: LocalJWKSet, token: string): Promise<OidcUser> {
    const { issuer, audience } = this.#options;
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms,
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(this.#now()),
      requiredClaims: ['sub', 'exp'],
    });
    const { sub, exp } = payload;
    if (typeof sub !== 'string' || !/^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/.test(sub))
      throw rejected();
    return { subject: sub, expiresAt: (exp ?? 0) * 1000 };
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
