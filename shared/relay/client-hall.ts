// The clients that are connected now: let in by a relay token or an OpenID Connect access token, each with one link
// whose streams the router takes. A client whose relay token is revoked is put out, whatever it is doing; one whose
// access token has expired opens no more streams and is asked to connect again.
import type { Logger } from 'pino';
import { GatehouseError } from '../contracts/errors.ts';
import type { WebSocketChannel } from '../net/channel.ts';
import { Link } from '../net/link.ts';
import { sendOpening } from '../net/opening.ts';
import type { Admission } from './front-door.ts';
import type { RelayLimits } from './limits.ts';
import type { OidcVerifier } from './oidc/oidc-verifier.ts';
import { TokenBucket } from './quotas.ts';
import type { Account, Accounts } from './quotas.ts';
import type { BufferMeter } from './splice.ts';
import { notAuthorised } from './state/client-tokens.ts';
import type { ClientGrant, ClientTokens } from './state/client-tokens.ts';
import type { StreamOwner, StreamRouter } from './stream-router.ts';

/** The user that a client without a token is, at an open relay. */
export const anonymousUser = 'anonymous';

export interface ClientHallOptions {
  readonly tokens: ClientTokens;
  readonly oidc: OidcVerifier | null;
  readonly accounts: Accounts;
  readonly router: StreamRouter;
  readonly limits: RelayLimits;
  readonly domain: string;
  readonly open: boolean;
  readonly logger: Logger;
}

class ConnectedClient implements StreamOwner {
  grant: ClientGrant;
  readonly meter: BufferMeter;
  readonly #bucket: TokenBucket;

  constructor(grant: ClientGrant, meter: BufferMeter, bucket: TokenBucket) {
    this.grant = grant;
    this.meter = meter;
    this.#bucket = bucket;
  }

  refusalNow(): GatehouseError | null {
    if (this.grant.expiresAt !== undefined && this.grant.expiresAt <= Date.now()) return expired();
    if (this.#bucket.take()) return null;
    return new GatehouseError('limit_exceeded', 'Streams are opened too fast. Slow down and try again.');
  }
}

/** What runs when an access token expires has this long to finish, in milliseconds. */
const expiryGraceMs = 15 * 60_000;
/** setTimeout takes no more. */
const maxTimerMs = 0x7fffffff;

export class ClientHall {
  readonly #options: ClientHallOptions;
  readonly #accounts: Accounts;
  readonly #clients = new Map<ConnectedClient, Link>();

  constructor(options: ClientHallOptions) {
    this.#options = options;
    this.#accounts = options.accounts;
  }

  get links(): Link[] {
    return [...this.#clients.values()];
  }

  /**
   * What whoever brings this token may do.
   * @throws GatehouseError `not_authorised`, `oidc_token_rejected`, `oidc_unavailable`, `relay_record_corrupt`
   */
  async grantFor(bearer: string | null): Promise<ClientGrant> {
    const { oidc, tokens } = this.#options;
    // A relay token has no dot and a JWT has two: neither is ever tried as the other.
    if (bearer !== null && oidc !== null && bearer.includes('.')) {
      const { subject, expiresAt } = await oidc.verify(bearer);
      return { tokenId: null, user: subject, serviceIds: null, expiresAt };
    }
    if (bearer !== null) return tokens.authorise(bearer);
    if (!this.#options.open) throw notAuthorised();
    return { tokenId: null, user: anonymousUser, serviceIds: null };
  }

  /** @throws GatehouseError `not_authorised`, `limit_exceeded`, `relay_record_corrupt` */
  async admit(bearer: string | null): Promise<Admission> {
    const grant = await this.grantFor(bearer);
    const account = this.#accounts.open(grant.user);
    return {
      accept: (channel) => {
        this.#welcome(channel, grant, account);
      },
      abandon: () => {
        this.#accounts.close(account);
      },
    };
  }

  /**
   * Puts out every client whose token no longer stands, and renews what the others may do.
   * @throws GatehouseError `storage_failed`: then those not looked at are as they were
   */
  async recheck(): Promise<void> {
    const grants = new Map<string, Promise<ClientGrant | null>>();
    for (const [client, link] of [...this.#clients]) {
      const { tokenId } = client.grant;
      if (tokenId === null) continue;
      const reading = grants.get(tokenId) ?? this.#readGrant(tokenId);
      grants.set(tokenId, reading);
      const grant = await reading;
      if (grant === null) link.close(notAuthorised());
      else client.grant = grant;
    }
  }

  /** Null also where the record is corrupt: who cannot be known is not let in. */
  async #readGrant(tokenId: string): Promise<ClientGrant | null> {
    try {
      return await this.#options.tokens.grant(tokenId);
    } catch (error) {
      if (!(error instanceof GatehouseError) || error.code !== 'relay_record_corrupt') throw error;
      this.#options.logger.error(
        { code: error.code, reason: error.message },
        'a client token cannot be read',
      );
      return null;
    }
  }

  #welcome(channel: WebSocketChannel, grant: ClientGrant, account: Account): void {
    const { domain, limits, router, logger } = this.#options;
    const about = { user: grant.user, tokenId: grant.tokenId, from: channel.remoteAddress };
    const bucket = new TokenBucket(limits.streamOpensPerSecond, limits.streamOpenBurst);
    const client = new ConnectedClient(grant, this.#meterOf(account), bucket);
    logger.info(about, 'client connected');
    sendOpening(channel, { type: 'welcome', v: 1, domain, clientId: grant.user });
    const link = new Link(channel, {
      role: 'listener',
      limits: { maxInboundStreams: limits.maxStreamsPerClient },
      onStream: (stream) => {
        router.accept(stream, client);
      },
      onClosed: ({ code }) => {
        stopTimers();
        this.#accounts.close(account);
        this.#clients.delete(client);
        logger.info({ ...about, code }, 'client disconnected');
      },
    });
    const stopTimers = limitLife(link, grant);
    this.#clients.set(client, link);
  }

  #meterOf(account: Account): BufferMeter {
    return {
      hold: (bytes) => this.#accounts.hold(account, bytes),
      release: (bytes) => {
        this.#accounts.release(account, bytes);
      },
    };
  }
}

/** Asks the client to connect again when its access token expires, and ends the connection some time later. */
function limitLife(link: Link, { expiresAt }: ClientGrant): () => void {
  if (expiresAt === undefined) return () => undefined;
  const leftMs = Math.max(expiresAt - Date.now(), 0);
  const asking = setTimeout(
    () => {
      link.goAway();
    },
    Math.min(leftMs, maxTimerMs),
  );
  const ending = setTimeout(
    () => {
      link.close(expired());
    },
    Math.min(leftMs + expiryGraceMs, maxTimerMs),
  );
  asking.unref();
  ending.unref();
  return () => {
    clearTimeout(asking);
    clearTimeout(ending);
  };
}

function expired(): GatehouseError {
  return new GatehouseError(
    'oidc_token_rejected',
    'The access token has expired. Connect again with a new one.',
  );
}
