// What a sign-in has earned, as it is kept: whose it is, and the tokens. Read from a file with a schema, so that a
// damaged file is a coded error. Must never be printed as a whole.
import type { TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client';
import * as v from 'valibot';
import { GatehouseError } from '../../contracts/errors.ts';

const text = (max: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(max));
/** A bearer token (RFC 6750 section 2.1). */
const token = v.pipe(text(16 * 1024), v.regex(/^[A-Za-z0-9._~+/=-]+$/));

export const tokenSetSchema = v.object({
  subject: text(512),
  accessToken: token,
  /** Null where the issuer gave none: the sign-in then ends with the access token. */
  refreshToken: v.nullable(token),
  /** When the access token ends, in milliseconds since 1970; null where the issuer did not say. */
  expiresAt: v.nullable(v.number()),
});
export type TokenSet = v.InferOutput<typeof tokenSetSchema>;

/** Access tokens are renewed this long before they end, in milliseconds, so that none ends on its way. */
export const renewAheadMs = 60_000;

type Answer = TokenEndpointResponse & TokenEndpointResponseHelpers;

/**
 * An answer of the token endpoint; `before` is what is being refreshed, whose refresh token stays where no new one
 * came (RFC 6749 section 6). @throws GatehouseError `oidc_login_failed`
 */
export function tokenSetOf(answer: Answer, before?: TokenSet): TokenSet {
  const seconds = answer.expiresIn();
  const parsed = v.safeParse(tokenSetSchema, {
    subject: answer.claims()?.sub ?? before?.subject,
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token ?? before?.refreshToken ?? null,
    expiresAt: seconds === undefined ? null : Date.now() + seconds * 1000,
  });
  if (!parsed.success) {
    throw new GatehouseError('oidc_login_failed', 'The issuer answered without a token that can be used.');
  }
  if (before !== undefined && parsed.output.subject !== before.subject) {
    throw new GatehouseError(
      'oidc_login_failed',
      "The issuer renewed the sign-in as somebody else's. Sign in again.",
    );
  }
  return parsed.output;
}

/** Whether the access token may still be used at `now`, with time to spare. */
export function isFresh({ expiresAt }: TokenSet, now = Date.now()): boolean {
  return expiresAt === null || expiresAt - now > renewAheadMs;
}
