// Verifies the OpenID Connect access tokens (JWT, RFC 7519 and RFC 9068) of device calls against the service's own issuer
// and audience: the relay verified them too, and a hostile relay would say anything. It must accept no algorithm that a
// token picks by itself (RFC 8725, section 3.1), and nothing at all where issuer or audience is not set.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { errors, jwtVerify } from 'jose';
import { maxOidcTokenLength } from '../../../shared/contracts/device-api.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { OidcKeys, pinnedKeysFile } from './oidc-keys.ts';
import type { KeySet } from './oidc-keys.ts';

export interface OidcSettings {
  readonly issuer: string;
  readonly audience: string;
}

export interface OidcVerifierOptions {
  readonly dataFolder: string;
  /** As set at this moment. */
  readonly settings: () => OidcSettings;
  /** Milliseconds since 1970; default the clock. */
  readonly now?: (() => number) | undefined;
  /** Milliseconds of a clock that only goes forward; for the age of keys. */
  readonly steadyNow?: (() => number) | undefined;
  readonly maxAgeMs?: number | undefined;
  readonly coolDownMs?: number | undefined;
}

/** Somebody whom the issuer vouches for. */
export interface OidcUser {
  readonly issuer: string;
  /** 1 to 255 printable ASCII characters (OpenID Connect Core 1.0, section 2). */
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

interface Configured extends OidcSettings {
  readonly keys: OidcKeys;
}

/** Asymmetric alone: an issuer's public key must never do as a shared secret. */
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];
/** How far the issuer's clock may be off, in seconds. */
const clockToleranceSeconds = 5;
/** Verified tokens that are remembered, so that each is verified once and not with each request. */
const maxRemembered = 4096;

export class OidcVerifier {
  readonly #options: OidcVerifierOptions;
  readonly #now: () => number;
  #configured: Configured | null = null;
  /** By SHA-256 of the token, the oldest first. */
  readonly #remembered = new Map<string, OidcUser>();
  /** Counts the changes of keys and settings. */
  #generation = 0;

  constructor(options: OidcVerifierOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Whose token this is.
   * @throws GatehouseError `oidc_not_configured`, `oidc_token_rejected`, the same for every reason but expiry;
   *   `oidc_unavailable`
   */
  async verify(token: string): Promise<OidcUser> {
    const configured = this.#current();
    if (token.length > maxOidcTokenLength || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) throw rejected();
    const keySet = await configured.keys.current();
    const digest = createHash('sha256').update(token).digest('base64url');
    const known = this.#remembered.get(digest);
    if (known !== undefined && this.#now() < known.expiresAt) return known;
    const generation = this.#generation;
    const user = await this.#verifyWith(configured, keySet, token);
    if (generation === this.#generation) this.#remember(digest, user);
    return user;
  }

  /** Of the settings of this moment. */
  #current(): Configured {
    const { issuer, audience } = this.#options.settings();
    if (issuer === '' || audience === '') throw notConfigured();
    const known = this.#configured;
    if (known?.issuer === issuer && known.audience === audience) return known;
    this.#forget();
    const keys = new OidcKeys({
      issuer,
      pinned: join(this.#options.dataFolder, pinnedKeysFile),
      maxAgeMs: this.#options.maxAgeMs ?? 10 * 60_000,
      coolDownMs: this.#options.coolDownMs ?? 30_000,
      now: this.#options.steadyNow ?? (() => performance.now()),
      onChanged: () => this.#forget(),
    });
    this.#configured = { issuer, audience, keys };
    return this.#configured;
  }

  #forget(): void {
    this.#generation += 1;
    this.#remembered.clear();
  }

  async #verifyWith(configured: Configured, keySet: KeySet, token: string): Promise<OidcUser> {
    try {
      return await this.#check(keySet, token, configured);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw asRejection(error);
    }
    const newer = await configured.keys.newerThan(keySet);
    if (newer === null) throw rejected();
    return this.#check(newer, token, configured).catch((error: unknown) => {
      throw asRejection(error);
    });
  }

  async #check(keys: KeySet, token: string, { issuer, audience }: OidcSettings): Promise<OidcUser> {
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
    return { issuer, subject: sub, expiresAt: (exp ?? 0) * 1000 };
  }

  #remember(digest: string, user: OidcUser): void {
    this.#remembered.set(digest, user);
    if (this.#remembered.size <= maxRemembered) return;
    const [oldest] = this.#remembered.keys();
    if (oldest !== undefined) this.#remembered.delete(oldest);
  }
}

function notConfigured(): GatehouseError {
  const message =
    'This service lets no devices in: its administrator has not set service.oidc.issuer and service.oidc.audience.';
  return new GatehouseError('oidc_not_configured', message);
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
    'The service does not accept the access token: its signature, issuer, audience or time is wrong. Sign in again.';
  return new GatehouseError('oidc_token_rejected', message, { cause });
}
