// The trial's sign-in as a client meets it: code flow with PKCE, refresh, device code, and tokens that the relay's own
// verifier accepts. And that it stays on loopback, keeps its keys private and gives nothing without PKCE.
import { createHash } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IssuerVisitor } from '../../../shared/testing/issuer-visitor.ts';
import { OidcVerifier } from '../../../shared/relay/oidc/oidc-verifier.ts';
import { startTrialIdp, trialAudience, trialClientId } from './trial-idp.ts';
import type { TrialIdp } from './trial-idp.ts';

const redirectUri = 'http://127.0.0.1:5555/';
const verifier = 'v'.repeat(43);
const challenge = createHash('sha256').update(verifier).digest('base64url');

let folder: string;
let idp: TrialIdp;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-idp-'));
  idp = await startTrialIdp({ listen: { host: '127.0.0.1', port: 0 }, folder });
});

afterEach(async () => {
  await idp.stop();
  await rm(folder, { recursive: true, force: true });
});

function authorization(change: Record<string, string> = {}): string {
  const query = {
    client_id: trialClientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid offline_access',
    prompt: 'consent',
    state: 'state',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...change,
  };
  return `${idp.issuer}/auth?${new URLSearchParams(query).toString()}`;
}

async function tokens(
  form: Record<string, string>,
): Promise<{ status: number; json: Record<string, string> }> {
  const body = new URLSearchParams({ client_id: trialClientId, ...form });
  const response = await fetch(`${idp.issuer}/token`, { method: 'POST', body });
  return { status: response.status, json: (await response.json()) as Record<string, string> };
}

function subjectOf(token: string | undefined): Promise<string> {
  const logger = pino({ level: 'silent' });
  const relay = new OidcVerifier({ issuer: idp.issuer, audience: trialAudience, logger });
  return relay.verify(token ?? '').then(({ subject }) => subject);
}

describe('the trial’s sign-in', () => {
  it.each([{}, { resource: trialAudience }])(
    'gives tokens for the code that a browser brings, with %o',
    async (more) => {
      const back = (await new IssuerVisitor(idp.issuer).signIn(authorization(more), 'anna')) as URL;
      expect([back.origin + back.pathname, back.searchParams.get('state')]).toEqual([redirectUri, 'state']);
      const code = back.searchParams.get('code') ?? '';
      const form = {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
      };
      const { json } = await tokens({ ...form, ...more });
      expect(await subjectOf(json.access_token)).toBe('anna');
      const refreshed = await tokens({
        grant_type: 'refresh_token',
        refresh_token: json.refresh_token ?? '',
      });
      expect(await subjectOf(refreshed.json.access_token)).toBe('anna');
      expect(refreshed.json.access_token).not.toBe(json.access_token);
      const again = await tokens(form);
      expect(again.json.error).toBe('invalid_grant');
    },
  );

  it('gives tokens for a device code once it was confirmed in a browser', async () => {
    const body = new URLSearchParams({ client_id: trialClientId, scope: 'openid offline_access' });
    const asked = await fetch(`${idp.issuer}/device/auth`, { method: 'POST', body });
    const { device_code, verification_uri_complete } = (await asked.json()) as Record<string, string>;
    const form = {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: device_code ?? '',
    };
    expect((await tokens(form)).json.error).toBe('authorization_pending');
    await new IssuerVisitor(idp.issuer).signIn(verification_uri_complete ?? '', 'ben');
    expect(await subjectOf((await tokens(form)).json.access_token)).toBe('ben');
  });

  it('lets a page on loopback read its answers, and no other', async () => {
    const allowed = async (origin: string): Promise<string | null> => {
      const body = new URLSearchParams({
        client_id: trialClientId,
        grant_type: 'refresh_token',
        refresh_token: 'x',
      });
      const response = await fetch(`${idp.issuer}/token`, { method: 'POST', body, headers: { origin } });
      return response.headers.get('access-control-allow-origin');
    };
    expect(await allowed('http://127.0.0.1:8083')).toBe('http://127.0.0.1:8083');
    expect(await allowed('https://evil.example')).toBeNull();
  });

  it('gives no code without PKCE, to another client, or for a redirect elsewhere', async () => {
    const plain = new URL(authorization());
    plain.searchParams.delete('code_challenge');
    for (const url of [
      plain.href,
      authorization({ client_id: 'other' }),
      authorization({ redirect_uri: 'https://evil.example/' }),
      authorization({ resource: 'urn:other' }),
    ]) {
      const end = await new IssuerVisitor(idp.issuer).signIn(url, 'anna');
      expect(typeof end === 'string' ? null : end.searchParams.get('code')).toBeNull();
    }
  });

  it('answers to its own name alone', async () => {
    const status = await new Promise((resolve) => {
      const url = new URL('/.well-known/openid-configuration', idp.issuer);
      request(url, { headers: { host: 'evil.example' } }, ({ statusCode }) => resolve(statusCode)).end();
    });
    expect(status).toBe(421);
  });

  it('keeps its keys, in a file of its owner alone, so that tokens outlive a restart', async () => {
    const keys = async (): Promise<unknown> => (await fetch(`${idp.issuer}/jwks`)).json();
    const before = await keys();
    expect((await stat(join(folder, 'keys.json'))).mode & 0o777).toBe(0o600);
    expect(JSON.stringify(before)).not.toContain('"d"');
    const port = Number(new URL(idp.issuer).port);
    await idp.stop();
    idp = await startTrialIdp({ listen: { host: '127.0.0.1', port }, folder });
    expect(await keys()).toEqual(before);
  });

  it('listens on loopback alone', async () => {
    for (const host of ['0.0.0.0', '192.0.2.1', '::']) {
      await expect(startTrialIdp({ listen: { host, port: 0 }, folder })).rejects.toMatchObject({
        code: 'usage',
      });
    }
  });
});
