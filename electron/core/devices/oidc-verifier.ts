// Verifies the access tokens of device calls against the service's own issuer and audience, as they are set at this moment:
// the relay verified them too, and a hostile relay would say anything. It must accept nothing at all where issuer or
// audience is not set, and nothing that was accepted under earlier settings.
import { join } from 'node:path';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { TokenVerifier } from '../../../shared/oidc/token-verifier.ts';
import type { OidcUser } from '../../../shared/oidc/token-verifier.ts';
import { OidcKeys, pinnedKeysFile } from './oidc-keys.ts';

export type { OidcUser };

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

interface Configured extends OidcSettings {
  readonly verifier: TokenVerifier;
}

export class OidcVerifier {
  readonly #options: OidcVerifierOptions;
  #configured: Configured | null = null;

  constructor(options: OidcVerifierOptions) {
    this.#options = options;
  }

  /**
   * Whose token this is.
   * @throws GatehouseError `oidc_not_configured`, `oidc_token_rejected`, the same for every reason but expiry;
   *   `oidc_unavailable`
   */
  async verify(token: string): Promise<OidcUser> {
    return this.#current().verifier.verify(token);
  }

  /** Of the settings of this moment. */
  #current(): Configured {
    const { issuer, audience } = this.#options.settings();
    if (issuer === '' || audience === '') throw notConfigured();
    const known = this.#configured;
    if (known?.issuer === issuer && known.audience === audience) return known;
    const { dataFolder, maxAgeMs = 10 * 60_000, coolDownMs = 30_000 } = this.#options;
    const { now = Date.now, steadyNow = () => performance.now() } = this.#options;
    const pinned = join(dataFolder, pinnedKeysFile);
    const keys = { issuer, pinned, maxAgeMs, coolDownMs, now: steadyNow };
    const verifier = new TokenVerifier({
      ...{ issuer, audience, now },
      keys: (onChanged) => new OidcKeys({ ...keys, onChanged }),
    });
    this.#configured = { issuer, audience, verifier };
    return this.#configured;
  }
}

function notConfigured(): GatehouseError {
  const message =
    'This service lets no devices in: its administrator has not set service.oidc.issuer and service.oidc.audience.';
  return new GatehouseError('oidc_not_configured', message);
}
