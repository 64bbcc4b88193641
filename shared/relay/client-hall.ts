// The clients that are connected now: let in by their relay token, each with one link whose streams the router takes.
// A client whose token is revoked is put out, whatever it is doing.
import type { Logger } from 'pino';
import { GatehouseError } from '../contracts/errors.ts';
import type { WebSocketChannel } from '../net/channel.ts';
import { Link } from '../net/link.ts';
import { sendOpening } from '../net/opening.ts';
import type { Admission } from './front-door.ts';
import type { RelayLimits } from './limits.ts';
import { Accounts, TokenBucket } from './quotas.ts';
import type { Account } from './quotas.ts';
import type { BufferMeter } from './splice.ts';
import { notAuthorised } from './state/client-tokens.ts';
import type { ClientGrant, ClientTokens } from './state/client-tokens.ts';
import type { StreamOwner, StreamRouter } from './stream-router.ts';

/** The user that a client without a token is, at an open relay. */
export const anonymousUser = 'anonymous';

export interface ClientHallOptions {
  readonly tokens: ClientTokens;
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

  mayOpen(): boolean {
    return this.#bucket.take();
  }
}

export class ClientHall {
  readonly #options: ClientHallOptions;
  readonly #accounts: Accounts;
  readonly #clients = new Map<ConnectedClient, Link>();

  constructor(options: ClientHallOptions) {
    this.#options = options;
    this.#accounts = new Accounts(options.limits);
  }

  get links(): Link[] {
    return [...this.#clients.values()];
  }

  /** What whoever brings this token may do. @throws GatehouseError `not_authorised`, `relay_record_corrupt` */
  async grantFor(bearer: string | null): Promise<ClientGrant> {
    if (bearer !== null) return this.#options.tokens.authorise(bearer);
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
        this.#accounts.close(account);
        this.#clients.delete(client);
        logger.info({ ...about, code }, 'client disconnected');
      },
    });
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
