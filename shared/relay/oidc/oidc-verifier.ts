// The relay's verification of access tokens: its options are what the command line gives it, and an issuer's keys that
// could not be renewed are in its log. What comes out is the subject, which the relay says is the client's name.
import type { Logger } from 'pino';
import { GatehouseError } from '../../contracts/errors.ts';
import { IssuerKeys } from '../../oidc/issuer-keys.ts';
import { checkIssuer } from '../../oidc/issuer-url.ts';
import { TokenVerifier } from '../../oidc/token-verifier.ts';

export type { OidcUser } from '../../oidc/token-verifier.ts';

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

const maxAudienceLength = 512;

export class OidcVerifier extends TokenVerifier {
  /** @throws GatehouseError `usage` for an issuer that is no safe URL, or no audience */
  constructor({ audience, logger, now = Date.now, coolDownMs = 30_000, ...options }: OidcOptions) {
    if (audience.length === 0 || audience.length > maxAudienceLength) {
      throw new GatehouseError('usage', `An OIDC audience has 1 to ${maxAudienceLength} characters.`);
    }
    const issuer = checkIssuer(options.issuer);
    const { maxAgeMs = 10 * 60_000 } = options;
    const onProblem = ({ code, message }: GatehouseError): void => {
      logger.warn({ code, reason: message }, 'the keys of the OIDC issuer were not renewed');
    };
    super({
      ...{ issuer, audience, now },
      keys: (onChanged) => new IssuerKeys({ issuer, maxAgeMs, coolDownMs, now, onChanged, onProblem }),
    });
  }
}
