// The service's own verification of tokens: what is configured decides, key rotation is followed, pinned keys need no
// network, and an issuer that is gone or hostile opens nothing.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IssuerKey, TestIssuer } from '../../../shared/testing/oidc-issuer.ts';
import { pinnedKeysFile } from './oidc-keys.ts';
import { OidcVerifier } from './oidc-verifier.ts';
import type { OidcSettings } from './oidc-verifier.ts';

let issuer: TestIssuer;
let dataFolder: string;
let settings: OidcSettings;
let steady: number;
let now: number;

beforeEach(async () => {
  issuer = await TestIssuer.start();
  dataFolder = mkdtempSync(join(tmpdir(), 'gatehouse-oidc-'));
  settings = { issuer: issuer.url, audience: issuer.audience };
  steady = 0;
  now = Date.now();
});

afterEach(async () => {
  rmSync(dataFolder, { recursive: true, force: true });
  await issuer.stop();
});

function verifier(): OidcVerifier {
  return new OidcVerifier({
    dataFolder,
    settings: () => settings,
    now: () => now,
    steadyNow: () => steady,
    maxAgeMs: 60_000,
    coolDownMs: 1_000,
  });
}

function codeOf(verifying: Promise<unknown>): Promise<unknown> {
  return verifying.then(
    () => 'accepted',
    (error: unknown) => (error as { code: unknown }).code,
  );
}

function pin(keys: readonly IssuerKey[]): void {
  writeFileSync(join(dataFolder, pinnedKeysFile), JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));
}

describe('a token', () => {
  it.each(['ES256', 'RS256', 'PS256', 'EdDSA'] as const)('signed with %s is accepted', async (algorithm) => {
    issuer.keys = [new IssuerKey('key', algorithm)];
    expect(await verifier().verify(issuer.token('anna'))).toMatchObject({
      issuer: issuer.url,
      subject: 'anna',
    });
  });

  it('is verified once and then remembered, no longer than it is good', async () => {
    const verifying = verifier();
    const token = issuer.token();
    expect(await codeOf(verifying.verify(token))).toBe('accepted');
    expect(await codeOf(verifying.verify(token))).toBe('accepted');
    now += 400_000;
    expect(await codeOf(verifying.verify(token))).toBe('oidc_token_rejected');
  });

  it.each([
    ['a subject with a line break', { sub: 'anna\nbert' }],
    ['an empty subject', { sub: '' }],
    ['a long subject', { sub: 'x'.repeat(256) }],
    ['a subject that is no text', { sub: 7 }],
    ['an issuer of the same beginning', { iss: 'http://127.0.0.1' }],
    ['another audience beside none of ours', { aud: ['urn:a', 'urn:b'] }],
  ])('is refused with %s', async (_name, claims) => {
    expect(await codeOf(verifier().verify(issuer.token('anna', { claims })))).toBe('oidc_token_rejected');
  });

  it('is refused with an algorithm that is not on the list, though the key is the issuer’s', async () => {
    issuer.keys = [new IssuerKey('first', 'RS512')];
    expect(await codeOf(verifier().verify(issuer.token()))).toBe('oidc_token_rejected');
  });

  it('is refused as soon as the settings name another issuer or audience, or none', async () => {
    const verifying = verifier();
    const token = issuer.token();
    expect(await codeOf(verifying.verify(token))).toBe('accepted');
    settings = { ...settings, audience: 'urn:another' };
    expect(await codeOf(verifying.verify(token))).toBe('oidc_token_rejected');
    settings = { issuer: '', audience: issuer.audience };
    expect(await codeOf(verifying.verify(token))).toBe('oidc_not_configured');
    settings = { issuer: issuer.url, audience: '' };
    expect(await codeOf(verifying.verify(token))).toBe('oidc_not_configured');
  });
});

describe('the issuer’s keys', () => {
  it('are followed when they rotate: a new one counts at once, an old one no longer than it is published', async () => {
    const verifying = verifier();
    const old = issuer.token();
    expect(await codeOf(verifying.verify(old))).toBe('accepted');
    const former = issuer.keys[0]!;
    issuer.keys = [new IssuerKey('second', 'ES256')];
    steady += 2_000;
    expect(await codeOf(verifying.verify(issuer.token('bert')))).toBe('accepted');
    expect(await codeOf(verifying.verify(old))).toBe('oidc_token_rejected');
    const late = issuer.token('anna', { key: former });
    expect(await codeOf(verifying.verify(late))).toBe('oidc_token_rejected');
  });

  it('are asked for no more often than the cool-down allows, whatever key ids strangers make up', async () => {
    const verifying = verifier();
    await verifying.verify(issuer.token());
    for (let at = 0; at < 20; at += 1) {
      const token = issuer.token('anna', { header: { kid: `made up ${at}` } });
      expect(await codeOf(verifying.verify(token))).toBe('oidc_token_rejected');
    }
    expect(issuer.fetches).toBe(1);
  });

  it('that cannot be had let nobody in; those that are known stay', async () => {
    issuer.answers.set('/jwks', { status: 500, body: '' });
    const verifying = verifier();
    expect(await codeOf(verifying.verify(issuer.token()))).toBe('oidc_unavailable');
    issuer.answers.clear();
    steady += 2_000;
    expect(await codeOf(verifying.verify(issuer.token()))).toBe('accepted');
    issuer.answers.set('/jwks', { status: 500, body: '' });
    steady += 120_000;
    expect(await codeOf(verifying.verify(issuer.token('bert')))).toBe('accepted');
  });

  it.each([
    ['names another issuer', { issuer: 'https://id.example' }],
    ['has keys on plain http elsewhere', { jwks_uri: 'http://id.example/jwks' }],
    ['has no keys', { jwks_uri: undefined }],
  ])('are not taken from a discovery document that %s', async (_name, more: object) => {
    const body = JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/jwks`, ...more });
    issuer.answers.set('/.well-known/openid-configuration', { status: 200, body });
    expect(await codeOf(verifier().verify(issuer.token()))).toBe('oidc_unavailable');
  });

  it('are not taken through a redirect, nor beyond a size, and no shared secret among them', async () => {
    issuer.answers.set('/jwks', { status: 302, body: '', headers: { location: `${issuer.url}/other` } });
    expect(await codeOf(verifier().verify(issuer.token()))).toBe('oidc_unavailable');
    issuer.answers.set('/jwks', { status: 200, body: ' '.repeat(300_000) });
    expect(await codeOf(verifier().verify(issuer.token()))).toBe('oidc_unavailable');
    const k = Buffer.alloc(32, 1).toString('base64url');
    const body = JSON.stringify({ keys: [{ kty: 'oct', kid: 'first', k }] });
    issuer.answers.set('/jwks', { status: 200, body });
    const token = issuer.confusedToken(Buffer.alloc(32, 1));
    expect(await codeOf(verifier().verify(token))).toBe('oidc_token_rejected');
  });
});

describe('pinned keys', () => {
  it('count instead of the issuer’s, and without any network', async () => {
    const pinned = new IssuerKey('pinned', 'ES256');
    pin([pinned]);
    const verifying = verifier();
    expect(await codeOf(verifying.verify(issuer.token('anna', { key: pinned })))).toBe('accepted');
    expect(await codeOf(verifying.verify(issuer.token()))).toBe('oidc_token_rejected');
    expect(issuer.fetches).toBe(0);
  });

  it('count within half a second of being there, changed or gone', async () => {
    const verifying = verifier();
    const token = issuer.token();
    expect(await codeOf(verifying.verify(token))).toBe('accepted');
    pin([new IssuerKey('pinned', 'ES256')]);
    steady += 500;
    expect(await codeOf(verifying.verify(token))).toBe('oidc_token_rejected');
    pin([...issuer.keys, new IssuerKey('another', 'ES256')]);
    steady += 500;
    expect(await codeOf(verifying.verify(token))).toBe('accepted');
    rmSync(join(dataFolder, pinnedKeysFile));
    steady += 500;
    expect(await codeOf(verifying.verify(token))).toBe('accepted');
  });

  it('that cannot be read let nobody in', async () => {
    writeFileSync(join(dataFolder, pinnedKeysFile), 'no JSON');
    const verifying = verifier();
    expect(await codeOf(verifying.verify(issuer.token()))).toBe('oidc_unavailable');
    expect(await codeOf(verifying.verify(issuer.token()))).toBe('oidc_unavailable');
    expect(issuer.fetches).toBe(0);
  });
});
