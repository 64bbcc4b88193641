// A real OpenID Connect provider for trials and tests, on loopback alone: whoever types a name is signed in under it.
// It must never listen anywhere else, and no relay but a trial's takes its tokens.
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errors, Provider } from 'oidc-provider';
import type { Configuration, ResourceServer } from 'oidc-provider';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { isLoopbackHost } from '../../../shared/net/dial.ts';
import type { ListenAddress } from '../../../shared/relay/address.ts';
import { trialKeys } from './trial-keys.ts';
import type { TrialKeys } from './trial-keys.ts';

/** The one public client: the example app, the command line and whoever tries it use it. */
export const trialClientId = 'gatehouse-trial';
/** What its access tokens are for; a client may name it as its `resource` (RFC 8707). */
export const trialAudience = 'urn:gatehouse:trial';

export interface TrialIdp {
  readonly issuer: string;
  readonly audience: string;
  readonly clientId: string;
  stop(): Promise<void>;
}

export interface TrialIdpOptions {
  readonly listen: ListenAddress;
  /** Where its keys are kept. */
  readonly folder: string;
  /** Life of an access token, in seconds. Default 300. */
  readonly accessTokenSeconds?: number;
}

const day = 24 * 60 * 60;

/** @throws GatehouseError `usage` for an address that is not loopback, or not to be had; `storage_failed` */
export async function startTrialIdp({
  listen,
  folder,
  accessTokenSeconds = 300,
}: TrialIdpOptions): Promise<TrialIdp> {
  if (!isLoopbackHost(listen.host)) {
    throw new GatehouseError(
      'usage',
      'The trial’s sign-in believes everybody, so it listens on loopback alone.',
    );
  }
  const keys = await trialKeys(folder);
  const server = createServer();
  await listenAt(server, listen);
  const issuer = `http://${bracketed(listen.host)}:${(server.address() as AddressInfo).port}`;
  keepStdoutClean();
  const answer = new Provider(issuer, configuration(keys, accessTokenSeconds)).callback();
  server.on('request', (request, response) => {
    // A page elsewhere must not get at it under a name of its own that points here.
    if (request.headers.host === new URL(issuer).host) void answer(request, response);
    else response.writeHead(421).end();
  });
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { issuer, audience: trialAudience, clientId: trialClientId, stop };
}

function configuration(keys: TrialKeys, accessTokenSeconds: number): Configuration {
  const resource: ResourceServer = {
    scope: '',
    audience: trialAudience,
    accessTokenTTL: accessTokenSeconds,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'ES256' } },
  };
  return {
    clients: [client],
    clientBasedCORS: (_context, origin) => isLoopbackOrigin(origin),
    cookies: { keys: [keys.cookie] },
    jwks: { keys: [keys.signing] },
    findAccount: (_context, name) =>
      isName(name) ? { accountId: name, claims: () => ({ sub: name }) } : undefined,
    pkce: { required: () => true },
    ttl: {
      AccessToken: accessTokenSeconds,
      RefreshToken: day,
      Session: day,
      Grant: day,
      Interaction: 3600,
      IdToken: 3600,
    },
    features: {
      deviceFlow: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => trialAudience,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, indicator) => {
          if (indicator !== trialAudience) throw new errors.InvalidTarget();
          return resource;
        },
      },
    },
  };
}

/** Public and native, so that its redirects may be at any port of this machine (RFC 8252, section 7.3). */
const client = {
  client_id: trialClientId,
  client_name: 'Gatehouse trial',
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  response_types: ['code'],
  redirect_uris: ['127.0.0.1', '[::1]', 'localhost'].flatMap((host) => [
    `http://${host}/`,
    `http://${host}/callback`,
  ]),
  id_token_signed_response_alg: 'ES256',
} as const satisfies Record<string, unknown>;

/** Any name will do; there is no password. */
function isName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(name);
}

function isLoopbackOrigin(origin: string): boolean {
  const url = URL.parse(origin);
  return url !== null && isLoopbackHost(url.hostname);
}

/** The provider tells of its development-only parts by console.info; stdout is for results. */
function keepStdoutClean(): void {
  console.info = () => undefined;
  console.warn = () => undefined;
}

function listenAt(server: Server, { host, port }: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `The trial’s sign-in cannot listen at ${host}:${port} (${cause.message}). Choose another address.`;
      reject(new GatehouseError('usage', message, { cause }));
    });
    server.listen(port, host, resolve);
  });
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
