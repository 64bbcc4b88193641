// The client's connection with the relay, dialled when a stream is wanted and none is there: one attempt for
// each, trying again is the caller's business. Nothing that the relay says is trusted; `clientId` and `domain`
// are its word. Must never put the relay token anywhere but into the Authorization header.
import type { Duplex } from 'node:stream';
import { asGatehouseError, GatehouseError } from '../contracts/errors.ts';
import { dialWebSocket } from '../net/dial.ts';
import { Link } from '../net/link.ts';
import { nextOpening, relayPaths } from '../net/opening.ts';
import { readPrefixed } from '../net/prefixed.ts';
import { StreamDuplex } from '../net/stream-duplex.ts';
import { encodeStreamHeader, parseStreamAnswer } from '../net/stream-header.ts';
import type { ClientTimeouts } from './limits.ts';
import { refusalOfRelay, refusalOfStream } from './peer-errors.ts';
import { printable } from './printable.ts';
import { cancelled } from './whole-exchange.ts';

/** Gives an OpenID Connect access token that is good for a while yet; renews it by itself. */
export interface TokenSource {
  token(): Promise<string>;
}

export interface RelayAccess {
  /** As `parseRelayUrl` gives it. */
  readonly url: URL;
  readonly relayToken: string | null;
  /** Asked for each connection where there is no relay token. */
  readonly oidc: TokenSource | null;
  /** PEM of authorities to trust instead of the system's. */
  readonly ca: string | null;
}

/** What the relay calls this client, and itself. Its word. */
export interface RelayNames {
  readonly clientId: string;
  readonly domainName: string;
}

/** A stream to a service: octets, once the answer to its header has been read. */
export interface OpenedStream extends RelayNames {
  readonly duplex: Duplex;
}

interface LiveLink {
  readonly link: Link;
  readonly names: RelayNames;
  readonly closed: Promise<void>;
}

/** Stream windows: an E2EE session with all its requests is one stream, so it gets the most. */
const wireLimits = {
  maxInboundStreams: 0,
  maxStreamWindow: 8 * 1024 * 1024,
  maxWindowGrowth: 64 * 1024 * 1024,
};

export class RelayConnection {
  readonly #access: RelayAccess;
  readonly #timeouts: ClientTimeouts;
  readonly #live = new Set<LiveLink>();
  readonly #closing = new AbortController();
  #current: LiveLink | null = null;
  #dialling: Promise<LiveLink> | null = null;
  #names: RelayNames = { clientId: '', domainName: '' };

  constructor(access: RelayAccess, timeouts: ClientTimeouts) {
    this.#access = access;
    this.#timeouts = timeouts;
  }

  /** As the last connection was welcomed. */
  get names(): RelayNames {
    return this.#names;
  }

  /** Makes sure that there is a connection. @throws GatehouseError `relay_unreachable`, `not_authorised`, … */
  async connect(): Promise<void> {
    await this.#link();
  }

  /**
   * Opens a stream to a service. @throws GatehouseError what `connect` throws, what the relay refuses the
   * stream with (`service_offline`, `not_authorised`, `limit_exceeded`), `timeout`, `cancelled`
   */
  async openStream(kind: 'e2ee' | 'plain', serviceId: string, signal?: AbortSignal): Promise<OpenedStream> {
    const { link, names } = await this.#link();
    if (signal?.aborted === true) throw cancelled();
    const duplex = await this.#openOn(link, kind, serviceId, signal);
    return { duplex, ...names };
  }

  /** Ends the connection and all streams; resolves when its sockets are closed. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#dialling?.catch(() => undefined);
    this.#current = null;
    for (const { link } of this.#live) link.close();
    await Promise.all([...this.#live].map(({ closed }) => closed));
  }

  #link(): Promise<LiveLink> | LiveLink {
    if (this.#closing.signal.aborted) throw new GatehouseError('cancelled', 'This client has been closed.');
    if (this.#current !== null) return this.#current;
    this.#dialling ??= this.#dial().finally(() => {
      this.#dialling = null;
    });
    return this.#dialling;
  }

  async #dial(): Promise<LiveLink> {
    try {
      return await this.#dialOnce();
    } catch (error) {
      throw refusalOfRelay(asGatehouseError(error));
    }
  }

  async #dialOnce(): Promise<LiveLink> {
    const { url, ca } = this.#access;
    const { connectMs } = this.#timeouts;
    const channel = await dialWebSocket(url, relayPaths.client, {
      timeoutMs: connectMs,
      signal: this.#closing.signal,
      headers: await authorizationFor(this.#access),
      ...(ca === null ? {} : { ca }),
    });
    try {
      const { clientId, domain } = await nextOpening(channel, 'welcome', connectMs);
      return this.#adopt(channel, { clientId: printable(clientId ?? ''), domainName: printable(domain) });
    } catch (error) {
      channel.close(asGatehouseError(error));
      throw error;
    }
  }

  #adopt(channel: Awaited<ReturnType<typeof dialWebSocket>>, names: RelayNames): LiveLink {
    const forget = (): void => {
      if (this.#current?.names === names) this.#current = null;
    };
    const closed = new Promise<void>((resolve) => {
      channel.onClosed(() => {
        this.#live.delete(live);
        resolve();
      });
    });
    const link = new Link(channel, {
      role: 'dialler',
      limits: wireLimits,
      onStream: (stream) => {
        stream.reset();
      },
      onClosed: forget,
      onGoingAway: forget,
    });
    const live: LiveLink = { link, names, closed };
    this.#live.add(live);
    this.#names = names;
    if (!link.closed) this.#current = live;
    return live;
  }

  #openOn(link: Link, kind: 'e2ee' | 'plain', serviceId: string, signal?: AbortSignal): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const stream = newStream(link);
      const onAbort = (): void => {
        stream.reset(cancelled());
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const fail = (error: unknown): void => {
        signal?.removeEventListener('abort', onAbort);
        stream.reset();
        reject(refusalOfStream(asGatehouseError(error)));
      };
      readPrefixed(stream, this.#timeouts.handshakeMs, {
        arrived: ({ json, rest }) => {
          try {
            parseStreamAnswer(json);
            signal?.removeEventListener('abort', onAbort);
            const duplex = new StreamDuplex(stream, rest);
            // A reset may come in the same message as the answer, before whoever asked has the stream.
            duplex.on('error', () => undefined);
            resolve(duplex);
          } catch (error) {
            fail(error);
          }
        },
        failed: fail,
      });
      stream.write(encodeStreamHeader({ v: 1, kind, serviceId }));
    });
  }
}

/** The header that a relay is asked with; empty for one that is open. @throws what the token source throws */
export async function authorizationFor({ relayToken, oidc }: RelayAccess): Promise<Record<string, string>> {
  const token = relayToken ?? (await oidc?.token()) ?? null;
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

function newStream(link: Link): ReturnType<Link['openStream']> {
  try {
    return link.openStream();
  } catch (error) {
    throw refusalOfStream(asGatehouseError(error));
  }
}
