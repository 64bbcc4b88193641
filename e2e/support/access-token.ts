// An access token of a trial's provider, as a program earns it: authorization code with PKCE (RFC 7636), the provider's own
// forms filled in by a visitor that follows its redirects.
import { createHash } from 'node:crypto';
import { IssuerVisitor } from '../../shared/testing/issuer-visitor.ts';

const verifier = 'v'.repeat(43);
const redirectUri = 'http://127.0.0.1:5555/callback';

export interface Provider {
  readonly issuer: string;
  readonly clientId: string;
}

/** Empty where the provider gives none. */
export async function accessTokenOf({ issuer, clientId }: Provider, user: string): Promise<string> {
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const back = new URL(await new IssuerVisitor(issuer).signIn(`${issuer}/auth?${query.toString()}`, user));
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: clientId,
    code: back.searchParams.get('code') ?? '',
    redirect_uri: redirectUri,
    code_verifier: verifier,
  });
  const response = await fetch(`${issuer}/token`, { method: 'POST', body });
  return ((await response.json()) as Record<string, string>).access_token ?? '';
}
