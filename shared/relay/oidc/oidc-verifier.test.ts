// The verification of access tokens: every wrong token is refused, key rotation is followed, and an issuer that
// cannot be reached, or that is asked too often, changes nothing.
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IssuerKey, TestIssuer } from '../../testing/oidc-issuer.ts';
import { OidcVerifier } from './oidc-verifier.ts';
import type { OidcOptions } from './oidc-verifier.ts';

let issuer: TestIssuer;
let now: number;

beforeEach(async () => {
  issuer = await TestIssuer.start();
  now = Date.now();
});

afterEach(() => issuer.stop());

function verifier(options: Partial<OidcOptions> = {}): OidcVerifier {
  const { url, audience } = issuer;
  return new OidcVerifier({
    issuer: url,
    audience,
    now: () => now,
    logger: pino({ level: 'silent' }),
    ...options,
  });
}

async function codeOf(verifying: Promise<unknown>): Promise<unknown> {
  return verifying.then(
    () => 'accepted',
    (error: unknown) => (error as { code: unknown }).code,
  );
}

const seconds = (): number => Math.floor(now / 1000);

describe('a good token', () => {
  it.each(['ES256', 'RS256', 'PS256', 'EdDSA'] as const)(
    'is accepted with %s, and gives its subject',
    async (alg) => {
      issuer.keys = [new IssuerKey('only', alg)];
      const exp = seconds() + 100;
      const user = await verifier().verify(issuer.token('anna', { claims: { exp } }));
      expect(user).toEqual({ issuer: issuer.url, subject: 'anna', expiresAt: exp * 1000 });
    },
  );

  it('may be for several audiences', async () => {
    const token = issuer.token('anna', { claims: { aud: ['other', issuer.audience] } });
    expect(await codeOf(verifier().verify(token))).toBe('accepted');
  });

  it('makes the keys be fetched once', async () => {
    const one = verifier();
    await Promise.all(Array.from({ length: 20 }, (_, index) => one.verify(issuer.token(`user-${index}`))));
    expect(issuer.fetches).toBe(1);
  });

  it('is accepted until it expires, and no longer, though it was verified before', async () => {
    const one = verifier();
    const token = issuer.token('anna', { claims: { exp: seconds() + 60 } });
    await one.verify(token);
    now += 59_000;
    expect(await codeOf(one.verify(token))).toBe('accepted');
    now += 10_000;
    expect(await codeOf(one.verify(token))).toBe('oidc_token_rejected');
  });
});

describe('a wrong token', () => {
  it.each([
    ['has expired', { exp: 1_700_000_000 }],
    ['is not valid yet', { nbf: 9_999_999_999 }],
    ['has no expiry', { exp: undefined }],
    ['has an expiry that is no number', { exp: '9999999999' }],
    ['is for another audience', { aud: 'urn:gatehouse:other' }],
    ['is for an audience that begins like ours', { aud: 'urn:gatehouse:test2' }],
    ['is for no audience', { aud: undefined }],
    ['is of another issuer', { iss: 'https://evil.example' }],
    ['is of our issuer with a slash', { iss: 'SLASH' }],
    ['is of no issuer', { iss: undefined }],
    ['has no subject', { sub: undefined }],
    ['has an empty subject', { sub: '' }],
    ['has a subject that is no text', { sub: 7 }],
    ['has a subject with a line break', { sub: 'anna\r\nx: y' }],
    ['has a subject that is not ASCII', { sub: 'änna' }],
    ['has a subject with a space at its end', { sub: 'anna ' }],
    ['has a subject that is too long', { sub: 'a'.repeat(256) }],
  ])('%s', async (_name, claims) => {
    const wanted = 'iss' in claims && claims.iss === 'SLASH' ? { iss: `${issuer.url}/` } : claims;
    expect(await codeOf(verifier().verify(issuer.token('anna', { claims: wanted })))).toBe(
      'oidc_token_rejected',
    );
  });

  it('has alg none in any spelling', async () => {
    for (const algorithm of ['none', 'None', 'NONE', '']) {
      expect(await codeOf(verifier().verify(issuer.unsignedToken(algorithm)))).toBe('oidc_token_rejected');
      expect(await codeOf(verifier().verify(issuer.unsignedToken(algorithm, 'AAAA')))).toBe(
        'oidc_token_rejected',
      );
    }
  });

  it('is signed with an algorithm that is not on the list, though the key is the issuer’s', async () => {
    issuer.keys = [new IssuerKey('first', 'RS512')];
    expect(await codeOf(verifier().verify(issuer.token()))).toBe('oidc_token_rejected');
  });

  it('is signed with HMAC under the public key', async () => {
    issuer.keys = [new IssuerKey('first', 'RS256')];
    const { publicKey } = issuer.keys[0]!;
    const forms = [
      publicKey.export({ type: 'spki', format: 'pem' }),
      publicKey.export({ type: 'spki', format: 'der' }),
      publicKey.export({ type: 'pkcs1', format: 'pem' }),
      JSON.stringify(issuer.keys[0]!.jwk),
    ];
    for (const secret of forms) {
      expect(await codeOf(verifier().verify(issuer.confusedToken(secret)))).toBe('oidc_token_rejected');
    }
  });

  it('is signed with HMAC under a secret that the issuer publishes by mistake', async () => {
    const secret = Buffer.alloc(32, 7);
    const jwk = { kty: 'oct', k: secret.toString('base64url'), kid: 'first', alg: 'HS256' };
    issuer.answers.set('/jwks', { status: 200, body: JSON.stringify({ keys: [jwk] }) });
    expect(await codeOf(verifier().verify(issuer.confusedToken(secret)))).toBe('oidc_token_rejected');
  });

  it('is signed by a key of the same name that is not the issuer’s', async () => {
    const key = new IssuerKey('first', 'ES256');
    expect(await codeOf(verifier().verify(issuer.token('anna', { key })))).toBe('oidc_token_rejected');
  });

  it('brings its own key', async () => {
    const key = new IssuerKey('mine', 'ES256');
    for (const header of [
      { jwk: key.jwk, kid: undefined },
      { jku: 'https://evil.example/jwks' },
      { x5u: 'https://evil.example' },
    ]) {
      expect(await codeOf(verifier().verify(issuer.token('anna', { key, header })))).toBe(
        'oidc_token_rejected',
      );
    }
  });

  it('asks for an extension that nobody here understands', async () => {
    const header = { crit: ['urn:strange'], 'urn:strange': true };
    expect(await codeOf(verifier().verify(issuer.token('anna', { header })))).toBe('oidc_token_rejected');
  });

  it.each(['', 'a', 'a.b', 'a.b.c', 'a.b.c.d', '..', `${'a'.repeat(9000)}.b.c`])(
    'is the text "%.20s"',
    async (text) => {
      expect(await codeOf(verifier().verify(text))).toBe('oidc_token_rejected');
    },
  );

  it('was changed in any part', async () => {
    const one = verifier();
    const token = issuer.token();
    await one.verify(token);
    for (const at of [5, token.indexOf('.') + 5, token.lastIndexOf('.') + 5]) {
      const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
      expect(await codeOf(one.verify(changed))).toBe('oidc_token_rejected');
    }
  });

  it('is never repeated in what is said about it', async () => {
    const token = issuer.token('anna', { claims: { exp: 1 } });
    const error = await verifier()
      .verify(token)
      .catch((reason: unknown) => reason as Error);
    expect(JSON.stringify(error)).not.toContain(token.slice(0, 20));
  });
});

describe('the issuer’s keys', () => {
  it('are fetched again for a key that is new', async () => {
    const one = verifier();
    await one.verify(issuer.token());
    issuer.keys = [new IssuerKey('second', 'ES256'), ...issuer.keys];
    expect(await codeOf(one.verify(issuer.token()))).toBe('oidc_token_rejected');
    now += 31_000;
    expect(await codeOf(one.verify(issuer.token()))).toBe('accepted');
  });

  it('are not fetched again and again for made-up key ids', async () => {
    const one = verifier();
    const made = (index: number): string => issuer.token('anna', { header: { kid: `made-up-${index}` } });
    for (let index = 0; index < 20; index += 1) await codeOf(one.verify(made(index)));
    expect(issuer.fetches).toBe(1);
    now += 31_000;
    for (let index = 0; index < 20; index += 1) await codeOf(one.verify(made(index)));
    expect(issuer.fetches).toBe(2);
  });

  it('count no more once they were rotated out, for tokens that were verified before as well', async () => {
    const one = verifier();
    const [old] = issuer.keys;
    const token = issuer.token();
    await one.verify(token);
    issuer.keys = [new IssuerKey('second', 'ES256')];
    now += 31_000;
    await one.verify(issuer.token());
    expect(await codeOf(one.verify(token))).toBe('oidc_token_rejected');
    expect(await codeOf(one.verify(issuer.token('ben', { key: old! })))).toBe('oidc_token_rejected');
  });

  it('are fetched again when they are old, though nobody named a new one', async () => {
    const one = verifier();
    const [old] = issuer.keys;
    await one.verify(issuer.token());
    issuer.keys = [new IssuerKey('second', 'ES256')];
    now += 10 * 60_000;
    const token = issuer.token('anna', { key: old!, claims: { exp: seconds() + 60 } });
    expect(await codeOf(one.verify(token))).toBe('oidc_token_rejected');
  });

  it('stay while the issuer is out of order', async () => {
    const one = verifier();
    await one.verify(issuer.token());
    issuer.answers.set('/jwks', { status: 500, body: '{}' });
    now += 10 * 60_000;
    const token = issuer.token('anna', { claims: { exp: seconds() + 60 } });
    expect(await codeOf(one.verify(token))).toBe('accepted');
  });

  it('are asked for again once the cool-down is over, where the first time failed', async () => {
    const one = verifier();
    issuer.answers.set('/jwks', { status: 500, body: '{}' });
    expect(await codeOf(one.verify(issuer.token()))).toBe('oidc_unavailable');
    issuer.answers.clear();
    expect(await codeOf(one.verify(issuer.token()))).toBe('oidc_unavailable');
    now += 31_000;
    expect(await codeOf(one.verify(issuer.token()))).toBe('accepted');
  });

  it.each([
    [
      'names another issuer',
      JSON.stringify({ issuer: 'https://evil.example', jwks_uri: 'http://127.0.0.1:1/jwks' }),
    ],
    ['is no JSON', 'hello'],
    ['is of another form', '{"keys":[]}'],
    ['is endless', `"${'x'.repeat(300_000)}"`],
  ])('are not taken where the discovery document %s', async (_name, body) => {
    issuer.answers.set('/.well-known/openid-configuration', { status: 200, body });
    expect(await codeOf(verifier().verify(issuer.token()))).toBe('oidc_unavailable');
  });

  it('are not taken from plain http elsewhere, nor through a redirect', async () => {
    const elsewhere = JSON.stringify({ issuer: issuer.url, jwks_uri: 'http://id.example/jwks' });
    issuer.answers.set('/.well-known/openid-configuration', { status: 200, body: elsewhere });
    expect(await codeOf(verifier().verify(issuer.token()))).toBe('oidc_unavailable');
    issuer.answers.clear();
    issuer.answers.set('/jwks', { status: 302, body: '', headers: { location: `${issuer.url}/other` } });
    expect(await codeOf(verifier().verify(issuer.token()))).toBe('oidc_unavailable');
  });
});

describe('the options', () => {
  it.each([
    'http://id.example',
    'ftp://id.example',
    'nonsense',
    'https://a:b@id.example',
    'https://id.example/?x=1',
  ])('take no issuer %s', (text) => {
    expect(() => verifier({ issuer: text })).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  it('take no empty audience', () => {
    expect(() => verifier({ audience: '' })).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});
