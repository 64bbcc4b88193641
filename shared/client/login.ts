// The entry: dials a relay and gives a Client. Says nothing yet about any service: fingerprints and tokens belong
// to `client.serviceCloud`. The relay token goes into the Authorization header and nowhere else.
import { GatehouseError } from '../contracts/errors.ts';
import { parseRelayUrl } from '../net/dial.ts';
import { Client } from './client.ts';
import type { UseE2eeDefault } from './establish.ts';
import { KnownServices } from './known-services.ts';
import { checkRequestLimit, checkTimeouts } from './limits.ts';
import type { ClientTimeouts } from './limits.ts';
import { RelayConnection } from './relay-connection.ts';
import type { RelayAccess, TokenSource } from './relay-connection.ts';

export interface RelayOptions {
  /** `wss://host[:port]`, or `ws://` on loopback. */
  readonly relay: string;
  /** `ghr_…`, as `gatehouse relay client-token` mints it. A relay started `--open` needs none. */
  readonly relayToken?: string | undefined;
  /** A sign-in (`SignIn` of ./oidc) whose token is the credential, where no relay token is given. */
  readonly oidc?: TokenSource | undefined;
  /** PEM of certificate authorities to trust instead of the system's, for a relay with a private one. */
  readonly ca?: string | undefined;
}

export interface LoginOptions extends RelayOptions {
  /** What to do for services whose fingerprint is not passed. Default `when_available`. */
  readonly useE2eeDefault?: UseE2eeDefault | undefined;
  /** False: every RPC opens, and verifies, a session of its own over HTTP/1.1. Default true. */
  readonly useH2WhenAvailable?: boolean | undefined;
  /** Where to remember which services were seen with E2EE. Default: in memory alone. */
  readonly stateFolder?: string | undefined;
  /** Told of what a person should know before it happens, as plaintext. Default: `process.emitWarning`. */
  readonly onWarning?: ((message: string) => void) | undefined;
  readonly timeouts?: Partial<ClientTimeouts> | undefined;
  /** Requests that `client.requests`, and each `service.requests`, keep. Default 1000, at most 1,000,000. */
  readonly requestLimit?: number | undefined;
}

const e2eeDefaults: readonly UseE2eeDefault[] = ['always', 'when_available', 'never'];
const maxRelayTokenLength = 512;

/**
 * Dials the relay. The connection is dialled anew by the next call where it has ended: one attempt a call.
 * @throws GatehouseError `usage`, `relay_unreachable`, `not_authorised`, `relay_protocol`
 */
export async function login(options: LoginOptions): Promise<Client> {
  const {
    stateFolder,
    onWarning = warn,
    useE2eeDefault = 'when_available',
    useH2WhenAvailable = true,
  } = options;
  const access = checkRelayAccess(options);
  const timeouts = checkTimeouts(options.timeouts);
  const requestLimit = checkRequestLimit(options.requestLimit);
  if (!e2eeDefaults.includes(useE2eeDefault)) {
    throw new GatehouseError('usage', `useE2eeDefault is one of: ${e2eeDefaults.join(', ')}.`);
  }
  const known = new KnownServices(stateFolder ?? null, onWarning);
  const relay = new RelayConnection(access, timeouts);
  await relay.connect();
  const context = { known, useE2eeDefault, useH2WhenAvailable, timeouts, warn: onWarning };
  return new Client(relay, context, requestLimit);
}

/** @throws GatehouseError `usage`; never with the token in it */
export function checkRelayAccess({ relay, relayToken, oidc, ca }: RelayOptions): RelayAccess {
  const url = parseRelayUrl(relay);
  const token = relayToken?.trim();
  if (token !== undefined && (token.length > maxRelayTokenLength || !/^[\x21-\x7e]+$/.test(token))) {
    throw new GatehouseError(
      'usage',
      'The relay token has characters that no token has. Pass it as it was minted.',
    );
  }
  return { url, relayToken: token ?? null, oidc: oidc ?? null, ca: ca ?? null };
}

function warn(message: string): void {
  process.emitWarning(message, 'GatehouseWarning');
}
