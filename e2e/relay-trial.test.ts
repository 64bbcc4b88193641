// `gatehouse relay` with a sign-in and the example page of its own, as a new user starts it: what it prints is enough to
// sign in, the token is good at the relay, the page may call it and no other page may, and flags that do not go together say so.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessTokenOf } from './support/access-token.ts';
import { Home } from './support/home.ts';
import type { Program } from './support/program.ts';

let home: Home;
let relay: Program;
let ready: Record<string, string>;

beforeAll(async () => {
  home = new Home();
  relay = home.spawn(
    'relay',
    ...['--listen', '127.0.0.1:0', '--data', home.path('relay'), '--json', '--blob-cache-mb', '1'],
    ...['--trial-idp', '127.0.0.1:0', '--trial-app', '127.0.0.1:0', '--cors-origin', 'https://app.example'],
  );
  ready = (await relay.event('ready')) as Record<string, string>;
});

afterAll(() => home.close());

function accessToken(user: string): Promise<string> {
  const { oidcIssuer: issuer = '', oidcClientId: clientId = '' } = ready;
  return accessTokenOf({ issuer, clientId }, user);
}

async function agentinfo(
  headers: Record<string, string>,
  url = ready.url,
): Promise<{ code: string; response: Response }> {
  const base = url?.replace('ws', 'http') ?? '';
  const response = await fetch(`${base}/s/aaaa-bbbb-cccc/api/sessions/agentinfo?api-version=1.0`, {
    headers,
  });
  const { code } = (await response.json()) as { code: string };
  return { code, response };
}

describe('a relay for a trial', () => {
  it('prints all that a client needs', () => {
    expect(ready).toMatchObject({
      event: 'ready',
      oidcAudience: 'urn:gatehouse:trial',
      oidcClientId: 'gatehouse-trial',
    });
    expect(ready.oidcIssuer).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(ready.appUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  });

  it('takes the tokens of its own sign-in, and none without', async () => {
    const authorization = `Bearer ${await accessToken('anna')}`;
    expect((await agentinfo({ authorization })).code).toBe('service_offline');
    expect((await agentinfo({})).code).toBe('oidc_token_required');
    expect((await agentinfo({ authorization: `${authorization}x` })).code).toBe('oidc_token_rejected');
  });

  it.each([
    ['the audience of its tokens takes them', 'urn:gatehouse:trial', 'service_offline'],
    ['another audience takes none of them', 'urn:gatehouse:other', 'oidc_token_rejected'],
  ])('is an issuer like any other: a relay that names it with %s', async (_what, audience, code) => {
    const { oidcIssuer: issuer = '' } = ready;
    const flags = ['--oidc-issuer', issuer, '--oidc-audience', audience, '--json'];
    const other = home.spawn('relay', '--listen', '127.0.0.1:0', '--data', home.path(audience), ...flags);
    const { url } = await other.event('ready');
    const authorization = `Bearer ${await accessToken('anna')}`;
    expect((await agentinfo({ authorization }, String(url))).code).toBe(code);
    expect(await other.end()).toMatchObject({ code: 0 });
  });

  it('lets its own page and the named one read its answers, and no other', async () => {
    const origins = [new URL(ready.appUrl ?? '').origin, 'https://app.example', 'https://evil.example'];
    const allowed = origins.map(async (origin) => {
      const { response } = await agentinfo({ origin });
      return response.headers.get('access-control-allow-origin');
    });
    expect(await Promise.all(allowed)).toEqual([...origins.slice(0, 2), null]);
  });

  it('serves the page with what it has to know', async () => {
    const page = await fetch(ready.appUrl ?? '');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await (await fetch(`${ready.appUrl}config.json`)).json()).toMatchObject({
      relay: ready.url?.replace('ws', 'http'),
      issuer: ready.oidcIssuer,
      clientId: ready.oidcClientId,
    });
  });

  it('has nothing secret in its output', () => {
    expect(`${relay.stdout}${relay.stderr}`).not.toMatch(/eyJ|"d":/);
  });

  it.each([
    ['an issuer without an audience', ['--oidc-issuer', 'https://id.example']],
    ['an issuer over plain http', ['--oidc-issuer', 'http://id.example', '--oidc-audience', 'x']],
    [
      'two issuers',
      ['--trial-idp', '127.0.0.1:0', '--oidc-issuer', 'https://id.example', '--oidc-audience', 'x'],
    ],
    ['a page without a sign-in', ['--trial-app', '127.0.0.1:0']],
    ['a sign-in for everybody', ['--trial-idp', '0.0.0.0:0']],
    ['every origin', ['--cors-origin', '*']],
    ['half a cache', ['--blob-cache-mb', '0.5']],
  ])('is not started with %s', async (_name, flags) => {
    const { exitCode, json } = await home.run(
      'relay',
      '--listen',
      '127.0.0.1:0',
      '--data',
      home.path('other'),
      '--json',
      ...flags,
    );
    expect([exitCode, json]).toMatchObject([2, { error: { code: 'usage' } }]);
  });

  it('ends with all that it started', async () => {
    expect(await relay.end()).toMatchObject({ code: 0 });
    await expect(fetch(ready.oidcIssuer ?? '')).rejects.toThrow();
    await expect(fetch(ready.appUrl ?? '')).rejects.toThrow();
  });
});
