// Signing in from a page: authorization code with PKCE (RFC 7636), by redirect. State, nonce and verifier wait in the tab's
// session storage; tokens are in memory alone, so whoever gets at the storage gets none, and a reload signs in again.
import type { AppConfig } from './config.ts';
import type { TokenProvider } from '../index.ts';
import { GatehouseError } from '../../contracts/errors.ts';

const storageKey = 'gatehouse-example-sign-in';
/** A token is renewed this long before it ends, in milliseconds. */
const renewAheadMs = 60_000;

interface Issuer {
  readonly authorization: string;
  readonly token: string;
}

interface Tokens {
  readonly access: string;
  readonly refresh: string | null;
  readonly endsAt: number;
}

interface Waiting {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** Leaves the page for the issuer's. */
export async function goToIssuer(config: AppConfig): Promise<void> {
  const { authorization } = await discover(config);
  const waiting: Waiting = { state: random(), nonce: random(), verifier: random() };
  sessionStorage.setItem(storageKey, JSON.stringify(waiting));
  const url = new URL(authorization);
  const query = {
    ...shared(config),
    response_type: 'code',
    scope: 'openid offline_access',
    prompt: 'consent',
    state: waiting.state,
    nonce: waiting.nonce,
    code_challenge: await challengeOf(waiting.verifier),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  location.assign(url);
}

/** The sign-in that the issuer has just sent back; null where this is no such moment. @throws `oidc_login_failed` */
export async function comeBack(config: AppConfig): Promise<SignedIn | null> {
  const answer = new URLSearchParams(location.search);
  if (!answer.has('state')) return null;
  const waiting = JSON.parse(sessionStorage.getItem(storageKey) ?? 'null') as Waiting | null;
  sessionStorage.removeItem(storageKey);
  // The code is out of the address, and of the history, before anything else happens.
  history.replaceState(null, '', location.pathname);
  const { issuer } = config;
  if (waiting?.state !== answer.get('state')) throw failed('it was not begun in this tab');
  if (answer.has('error')) throw failed(`the issuer said ${plain(answer.get('error') ?? '')}`);
  if (answer.has('iss') && answer.get('iss') !== issuer) throw failed('another issuer answered');
  const { token } = await discover(config);
  const redeemed = await ask(token, {
    ...shared(config),
    grant_type: 'authorization_code',
    code: answer.get('code') ?? '',
    code_verifier: waiting.verifier,
  });
  return new SignedIn(
    config,
    token,
    tokensOf(redeemed),
    checkIdToken(redeemed.id_token, config, waiting.nonce),
  );
}

/** A person who has signed in, and their tokens, renewed as needed. */
export class SignedIn implements TokenProvider {
  /** The issuer's name for the person. */
  readonly subject: string;
  readonly #config: AppConfig;
  readonly #endpoint: string;
  #tokens: Tokens;
  #renewing: Promise<void> | null = null;

  constructor(config: AppConfig, endpoint: string, tokens: Tokens, subject: string) {
    this.#config = config;
    this.#endpoint = endpoint;
    this.#tokens = tokens;
    this.subject = subject;
  }

  /** @throws GatehouseError `oidc_login_failed`: sign in again */
  async token({ renew = false }: { readonly renew?: boolean } = {}): Promise<string> {
    if (renew || Date.now() > this.#tokens.endsAt - renewAheadMs) {
      this.#renewing ??= this.#renew().finally(() => (this.#renewing = null));
      await this.#renewing;
    }
    return this.#tokens.access;
  }

  async #renew(): Promise<void> {
    const { refresh } = this.#tokens;
    if (refresh === null) throw failed('your sign-in has ended');
    const parameters = { ...shared(this.#config), grant_type: 'refresh_token', refresh_token: refresh };
    const renewed = tokensOf(await ask(this.#endpoint, parameters));
    this.#tokens = { ...renewed, refresh: renewed.refresh ?? refresh };
  }
}

/** OpenID Connect Discovery 1.0; the issuer has to call itself what it was called. */
async function discover({ issuer }: AppConfig): Promise<Issuer> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const found = await json(url);
  const { authorization_endpoint: authorization, token_endpoint: token } = found;
  if (found.issuer !== issuer || typeof authorization !== 'string' || typeof token !== 'string') {
    throw failed('the issuer does not describe itself as it should');
  }
  return { authorization, token };
}

function shared({ clientId, resource }: AppConfig): Record<string, string> {
  const redirect = `${location.origin}${location.pathname}`;
  return { client_id: clientId, redirect_uri: redirect, ...(resource === undefined ? {} : { resource }) };
}

function ask(endpoint: string, parameters: Record<string, string>): Promise<Record<string, unknown>> {
  return json(endpoint, { method: 'POST', body: new URLSearchParams(parameters) });
}

async function json(url: string, request: RequestInit = {}): Promise<Record<string, unknown>> {
  const response = await fetch(url, { ...request, credentials: 'omit', cache: 'no-store' }).catch(() => null);
  if (response === null) throw failed('the issuer cannot be reached');
  const body = Object(await response.json().catch(() => null)) as Record<string, unknown>;
  if (response.ok) return body;
  throw failed(
    `the issuer said ${plain(typeof body.error === 'string' ? body.error : String(response.status))}`,
  );
}

function tokensOf({
  access_token: access,
  refresh_token: refresh,
  expires_in: seconds,
}: Record<string, unknown>): Tokens {
  if (typeof access !== 'string') throw failed('the issuer gave no token');
  const lasts = typeof seconds === 'number' ? seconds * 1000 : Number.POSITIVE_INFINITY;
  return { access, refresh: typeof refresh === 'string' ? refresh : null, endsAt: Date.now() + lasts };
}

/**
 * The subject of an ID token that came straight from the token endpoint: TLS stands for its signature (OpenID Connect Core
 * section 3.1.3.7, number 6), everything else is checked.
 */
function checkIdToken(token: unknown, { issuer, clientId }: AppConfig, nonce: string): string {
  const part = typeof token === 'string' ? (token.split('.')[1] ?? '') : '';
  const bytes = Uint8Array.from(atob(part.replaceAll('-', '+').replaceAll('_', '/')), (char) =>
    char.charCodeAt(0),
  );
  const claims = Object(JSON.parse(new TextDecoder().decode(bytes) || 'null')) as Record<string, unknown>;
  const audience = Array.isArray(claims.aud) ? claims.aud : [claims.aud];
  const good =
    claims.iss === issuer &&
    audience.includes(clientId) &&
    claims.nonce === nonce &&
    typeof claims.exp === 'number' &&
    claims.exp * 1000 > Date.now();
  if (good && typeof claims.sub === 'string') return claims.sub;
  throw failed('the issuer’s answer is not for this sign-in');
}

async function challengeOf(verifier: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));
}

function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

function plain(text: string): string {
  return text.replace(/[^A-Za-z0-9_ .-]/g, '').slice(0, 64);
}

function failed(reason: string): GatehouseError {
  return new GatehouseError('oidc_login_failed', `Signing in did not work: ${reason}. Sign in again.`);
}
