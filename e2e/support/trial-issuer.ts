// A real OpenID Connect provider (oidc-provider) on loopback for specs: two public clients, the command line and the example
// page, any login with any password, and JWT access tokens for one audience.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';
import type { Configuration } from 'oidc-provider';

export const audience = 'urn:gatehouse:devices';
export const cliClient = 'gatehouse-cli';
export const pageClient = 'gatehouse-page';

export class TrialIssuer {
  readonly issuer: string;
  readonly #server: Server;

  private constructor(server: Server, issuer: string) {
    this.#server = server;
    this.issuer = issuer;
  }

  /** `tokenSeconds` is how long access tokens last. */
  static async start(tokenSeconds = 600): Promise<TrialIssuer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const issuer = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const provider = new Provider(issuer, configuration(tokenSeconds));
    const answer = provider.callback();
    server.on('request', (request, response) => void answer(request, response));
    return new TrialIssuer(server, issuer);
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

function configuration(tokenSeconds: number): Configuration {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'trial' };
  const grants = ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'];
  const client = (id: string, redirect: string) => ({
    client_id: id,
    application_type: 'native' as const,
    token_endpoint_auth_method: 'none' as const,
    id_token_signed_response_alg: 'ES256' as const,
    redirect_uris: [redirect],
    grant_types: grants,
    response_types: ['code' as const],
  });
  return {
    clients: [client(cliClient, 'http://127.0.0.1/callback'), client(pageClient, 'http://127.0.0.1/')],
    jwks: { keys: [key] },
    cookies: { keys: ['specs alone'] },
    scopes: ['openid', 'offline_access'],
    clientBasedCORS: (_context, origin) => new URL(origin).hostname === '127.0.0.1',
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    rotateRefreshToken: true,
    ttl: { AccessToken: tokenSeconds, AuthorizationCode: 60, IdToken: 600, RefreshToken: 3600 },
    features: {
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'devices',
          audience,
          accessTokenFormat: 'jwt',
          accessTokenTTL: tokenSeconds,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  };
}
