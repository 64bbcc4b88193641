import { get } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ScriptedIssuer } from '../../testing/scripted-issuer.ts';
import { ssoLogin } from './sso-login.ts';
import type { SsoLoginOptions } from './sso-login.ts';
import type { TokenSet } from './tokens.ts';

let issuer: ScriptedIssuer;
beforeEach(async () => {
  issuer = await ScriptedIssuer.listen();
});
afterEach(() => issuer.close());

/** A person's browser: follows redirects, keeps the cookies of each host. */
async function browse(url: string, cookies = new Map<string, string>()): Promise<Response> {
  const { host } = new URL(url);
  const cookie = cookies.get(host);
  const response = await fetch(url, { redirect: 'manual', headers: cookie === undefined ? {} : { cookie } });
  const set = response.headers.get('set-cookie');
  if (set !== null) cookies.set(host, set.split(';', 1)[0] ?? '');
  const location = response.headers.get('location');
  return location === null ? response : browse(location, cookies);
}

function signIn(options: Partial<SsoLoginOptions> = {}): Promise<TokenSet> {
  const openBrowser = (url: string): void => void browse(url);
  return ssoLogin({ issuer: issuer.issuer, clientId: 'gatehouse', openBrowser, ...options });
}

describe('signing in through the browser', () => {
  it('gives the tokens of who signed in', async () => {
    let shown: Promise<Response> | undefined;
    const tokens = await signIn({ openBrowser: (url) => void (shown = browse(url)) });
    expect(tokens).toMatchObject({ subject: 'anna', refreshToken: expect.any(String) });
    expect(tokens.expiresAt).toBeGreaterThan(Date.now() + 200_000);
    const page = await (await shown)?.text();
    expect(page).toContain('You are signed in');
    expect(page).not.toContain(tokens.accessToken);
  });

  it('sends the browser to an address without state, nonce or challenge, which works once', async () => {
    const statuses: number[] = [];
    const openBrowser = async (url: string): Promise<void> => {
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[A-Za-z0-9_-]{24}$/);
      const location = (await fetch(url, { redirect: 'manual' })).headers.get('location') ?? '';
      expect(new URL(location).searchParams.get('code_challenge_method')).toBe('S256');
      statuses.push((await fetch(url, { redirect: 'manual' })).status);
      throw new Error('the person gives up');
    };
    await expect(signIn({ openBrowser })).rejects.toThrow('gives up');
    expect(statuses).toEqual([404]);
  });

  it.each([
    ['an ID token with another nonce', { claims: { nonce: 'other' } }],
    ['an ID token without a nonce', { claims: { nonce: undefined } }],
    ['an ID token for another client', { claims: { aud: 'other' } }],
    ['an ID token of another issuer', { claims: { iss: 'http://127.0.0.1:1' } }],
    ['an ID token that has expired', { claims: { exp: 1 } }],
    ['a redirect that another issuer signed for', { redirect: { iss: 'http://127.0.0.1:1' } }],
    ['a code that was never given', { redirect: { code: 'stolen' } }],
    ['a refusal', { redirect: { error: 'access_denied' } }],
    ['a token endpoint that refuses', { tokenError: 'invalid_client' }],
  ])('refuses %s', async (_name, lies) => {
    Object.assign(issuer.lies, lies);
    await expect(signIn()).rejects.toMatchObject({ code: 'oidc_login_failed' });
  });

  it('takes no answer from a browser that it has not sent out, nor with another state, and goes on waiting', async () => {
    const seen: number[] = [];
    const openBrowser = async (url: string): Promise<void> => {
      const { origin } = new URL(url);
      const cookies = new Map<string, string>();
      const first = await fetch(url, { redirect: 'manual' });
      cookies.set(new URL(url).host, (first.headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '');
      const location = first.headers.get('location') ?? '';
      const state = new URL(location).searchParams.get('state') ?? '';
      const strangers = [
        `${origin}/callback?code=theirs&state=${state}`,
        `${origin}/callback?code=x&state=y`,
        origin,
      ];
      for (const each of strangers) seen.push((await fetch(each)).status);
      seen.push(
        (
          await fetch(`${origin}/callback?state=y`, {
            headers: { cookie: cookies.get(new URL(url).host) ?? '' },
          })
        ).status,
      );
      seen.push(await statusAs('evil.example', `${origin}/callback?code=x&state=${state}`));
      void browse(location, cookies);
    };
    expect(await signIn({ openBrowser })).toMatchObject({ subject: 'anna' });
    expect(seen).toEqual([400, 400, 404, 400, 400]);
  });

  it('ends with a code where the person gives up', async () => {
    const interrupt = new AbortController();
    const openBrowser = (): void => void setTimeout(() => interrupt.abort(), 20);
    await expect(signIn({ openBrowser, signal: interrupt.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });
});

describe('signing in with a device code', () => {
  it('shows the code, waits, and gives the tokens', async () => {
    const codes: string[] = [];
    const onDeviceCode: SsoLoginOptions['onDeviceCode'] = ({ userCode }) => {
      codes.push(userCode);
      issuer.deviceApproved = true;
    };
    expect(await signIn({ onDeviceCode })).toMatchObject({ subject: 'anna' });
    expect(codes).toEqual(['ABCD-EFGH']);
  });

  it('ends with a code where it is refused, and where the person gives up', async () => {
    issuer.lies.tokenError = 'access_denied';
    await expect(signIn({ onDeviceCode: () => undefined })).rejects.toMatchObject({
      code: 'oidc_login_failed',
      details: { reason: 'access_denied' },
    });
    delete issuer.lies.tokenError;
    const interrupt = new AbortController();
    const onDeviceCode = (): void => interrupt.abort();
    await expect(signIn({ onDeviceCode, signal: interrupt.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });
});

describe('an issuer', () => {
  it.each([
    ['http://login.example', 'usage'],
    ['ftp://login.example', 'usage'],
    ['https://anna:secret@login.example', 'usage'],
    ['login', 'usage'],
    ['http://127.0.0.1:1', 'oidc_login_failed'],
  ])('at %s is refused', async (url, code) => {
    await expect(signIn({ issuer: url })).rejects.toMatchObject({ code });
  });

  it('that calls itself by another name is refused', async () => {
    await expect(signIn({ issuer: issuer.issuer.replace('127.0.0.1', 'localhost') })).rejects.toMatchObject({
      code: 'oidc_login_failed',
    });
  });
});

/** fetch sets the host itself. */
function statusAs(host: string, url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).on('error', reject);
  });
}
