// A small OpenID Connect issuer on loopback that follows the rules until a test makes it lie: in its ID tokens, in its
// redirects, or about who is signed in. It checks PKCE and rotates refresh tokens as a strict issuer does.
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Lies {
  /** In ID tokens, in the place of what belongs there. */
  claims?: Readonly<Record<string, unknown>>;
  /** In the redirect back to the client. */
  redirect?: Readonly<Record<string, string>>;
  /** The token endpoint's refusal. */
  tokenError?: string;
  /** Seconds that access tokens last. */
  expiresIn?: number;
}

interface Grant {
  readonly clientId: string;
  readonly nonce: string | undefined;
  readonly challenge: string | null;
}

export class ScriptedIssuer {
  readonly lies: Lies = {};
  /** Refresh tokens taken, in order; one that comes twice is refused, as a stolen one would be. */
  readonly refreshed: string[] = [];
  readonly revoked: string[] = [];
  /** Device codes are granted once this is true. */
  deviceApproved = false;
  subject = 'anna';
  readonly #server: Server;
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly #codes = new Map<string, Grant>();
  readonly #refreshTokens = new Set<string>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  static async listen(): Promise<ScriptedIssuer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new ScriptedIssuer(server);
  }

  get issuer(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', this.issuer);
    const form = new URLSearchParams(await textOf(request));
    if (url.pathname === '/.well-known/openid-configuration') json(response, 200, this.#metadata());
    else if (url.pathname === '/auth') this.#authorise(url.searchParams, response);
    else if (url.pathname === '/token') this.#token(form, response);
    else if (url.pathname === '/device') json(response, 200, deviceAnswer(this.issuer));
    else if (url.pathname === '/revoke') {
      this.revoked.push(form.get('token') ?? '');
      response.writeHead(200).end();
    } else response.writeHead(404).end();
  }

  #metadata(): object {
    const at = (path: string): string => `${this.issuer}${path}`;
    return {
      issuer: this.issuer,
      authorization_endpoint: at('/auth'),
      token_endpoint: at('/token'),
      device_authorization_endpoint: at('/device'),
      revocation_endpoint: at('/revoke'),
      jwks_uri: at('/jwks'),
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
    };
  }

  #authorise(asked: URLSearchParams, response: ServerResponse): void {
    const code = randomBytes(16).toString('base64url');
    const challenge = asked.get('code_challenge');
    const nonce = asked.get('nonce') ?? undefined;
    this.#codes.set(code, { clientId: asked.get('client_id') ?? '', nonce, challenge });
    const back = new URL(asked.get('redirect_uri') ?? '');
    const answer = { code, state: asked.get('state') ?? '', iss: this.issuer, ...this.lies.redirect };
    for (const [name, value] of Object.entries(answer)) back.searchParams.set(name, value);
    response.writeHead(303, { location: back.href }).end();
  }

  #token(form: URLSearchParams, response: ServerResponse): void {
    const answer = this.#granted(form);
    json(
      response,
      typeof answer === 'string' ? 400 : 200,
      typeof answer === 'string' ? { error: answer } : answer,
    );
  }

  /** The tokens, or why there are none. */
  #granted(form: URLSearchParams): object | string {
    const of = (name: string): string => form.get(name) ?? '';
    const client = { clientId: of('client_id'), nonce: undefined, challenge: null };
    if (this.lies.tokenError !== undefined) return this.lies.tokenError;
    switch (form.get('grant_type')) {
      case 'authorization_code':
        return this.#redeem(of('code'), of('code_verifier'));
      case 'refresh_token':
        this.refreshed.push(of('refresh_token'));
        return this.#refreshTokens.delete(of('refresh_token')) ? this.#tokens(client) : 'invalid_grant';
      default:
        return this.deviceApproved ? this.#tokens(client) : 'authorization_pending';
    }
  }

  #redeem(code: string, verifier: string): object | string {
    const grant = this.#codes.get(code);
    this.#codes.delete(code);
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    return grant?.challenge === challenge ? this.#tokens(grant) : 'invalid_grant';
  }

  #tokens({ clientId, nonce }: Grant): object {
    const refreshToken = randomBytes(24).toString('base64url');
    this.#refreshTokens.add(refreshToken);
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: this.issuer, sub: this.subject, aud: clientId, iat: now, exp: now + 300, nonce };
    return {
      access_token: randomBytes(24).toString('base64url'),
      token_type: 'Bearer',
      expires_in: this.lies.expiresIn ?? 300,
      refresh_token: refreshToken,
      id_token: this.#jwt({ ...claims, ...this.lies.claims }),
    };
  }

  #jwt(claims: object): string {
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${encode({ alg: 'ES256', typ: 'JWT' })}.${encode(claims)}`;
    const key = { key: this.#keys.privateKey, dsaEncoding: 'ieee-p1363' as const };
    return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
  }
}

function deviceAnswer(issuer: string): object {
  return {
    device_code: randomBytes(16).toString('base64url'),
    user_code: 'ABCD-EFGH',
    verification_uri: `${issuer}/enter`,
    expires_in: 60,
    interval: 1,
  };
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
  return text;
}
