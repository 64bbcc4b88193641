// The service's connection to its relay: dials, proves its key, takes streams, and dials again with
// full-jitter back-off for as long as the service runs. It trusts the relay with nothing.
import { asGatehouseError, GatehouseError } from '../../../shared/contracts/errors.ts';
import type { ErrorCode } from '../../../shared/contracts/errors.ts';
import type { WebSocketChannel } from '../../../shared/net/channel.ts';
import { dialWebSocket } from '../../../shared/net/dial.ts';
import { Link } from '../../../shared/net/link.ts';
import {
  enrolmentProof,
  nextOpening,
  nonceLength,
  relayPaths,
  sendOpening,
} from '../../../shared/net/opening.ts';
import { BackOff, Pause } from '../../../shared/net/reconnect.ts';
import type { YamuxStream } from '../../../shared/wire/stream.ts';
import type { ServiceIdentity } from '../secrets/identity.ts';

export interface RelayLinkOptions {
  readonly relay: URL;
  readonly identity: ServiceIdentity;
  /** Needed for the first connection to a relay that is not open; never logged. */
  readonly enrolmentToken?: string;
  /** PEM of certificate authorities to trust for the relay instead of the system's. */
  readonly ca?: string;
  readonly onStream: (stream: YamuxStream) => void;
  readonly onState: (state: RelayState) => void;
  /** Until the opening exchange is done, in milliseconds. Default 10,000. */
  readonly openingTimeoutMs?: number;
}

/** Where the connection stands; times in milliseconds since the epoch. */
export type RelayState =
  | { readonly state: 'connecting'; readonly attempt: number }
  /** `domainName` is the relay's word. */
  | { readonly state: 'online'; readonly since: number; readonly domainName: string }
  | { readonly state: 'offline'; readonly cause: GatehouseError; readonly retryInMs: number }
  | { readonly state: 'stopped' };

/** After so long online the next failure counts as the first, in milliseconds. */
const provenAfterMs = 10_000;

/** Refusals that no retry mends soon: the wait starts long, so that the relay's log is not flooded. */
const lasting: ReadonlySet<ErrorCode> = new Set(['not_authorised', 'service_id_taken', 'relay_url_mismatch']);

export class RelayLink {
  readonly #options: RelayLinkOptions;
  readonly #backOff = new BackOff();
  readonly #pause = new Pause();
  #link: Link | null = null;
  #stopping = false;
  #running: Promise<void> | null = null;
  readonly #dialling = new AbortController();

  constructor(options: RelayLinkOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Cuts the present wait short. */
  retryNow(): void {
    this.#pause.now();
  }

  /** Measures a round trip to the relay; null where it is not connected. */
  ping(): Promise<number | null> {
    const link = this.#link;
    if (link === null || link.closed) return Promise.resolve(null);
    return new Promise((resolve) => {
      link.ping(resolve);
    });
  }

  /** The relay is asked to send no new streams; those that are open go on. */
  goAway(): void {
    this.#link?.goAway();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#dialling.abort();
    this.#pause.stop();
    this.#link?.close();
    await this.#running;
    this.#options.onState({ state: 'stopped' });
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      this.#options.onState({ state: 'connecting', attempt: this.#backOff.attempt });
      const cause = await this.#connectOnce();
      if (this.#stopping) return;
      const least = lasting.has(cause.code) ? 5_000 : 0;
      const retryInMs = least + this.#backOff.next();
      this.#options.onState({ state: 'offline', cause, retryInMs });
      await this.#pause.wait(retryInMs);
    }
  }

  /** Connects and stays until the connection ends; why it ended, or never came about. */
  async #connectOnce(): Promise<GatehouseError> {
    try {
      const { relay, ca } = this.#options;
      const signal = this.#dialling.signal;
      const channel = await dialWebSocket(relay, relayPaths.service, {
        signal,
        ...(ca === undefined ? {} : { ca }),
      });
      const domainName = await this.#enrol(channel);
      const since = Date.now();
      const cause = await this.#serve(channel, domainName, since);
      if (Date.now() - since > provenAfterMs) this.#backOff.reset();
      return cause;
    } catch (error) {
      return asGatehouseError(error);
    }
  }

  async #enrol(channel: WebSocketChannel): Promise<string> {
    const { identity, relay, enrolmentToken, openingTimeoutMs: timeout = 10_000 } = this.#options;
    const { signal } = this.#dialling;
    const onStop = (): void => {
      channel.close(new GatehouseError('cancelled', 'Connecting to the relay was cancelled.'));
    };
    signal.addEventListener('abort', onStop, { once: true });
    try {
      if (signal.aborted) onStop();
      const challenge = await nextOpening(channel, 'challenge', timeout);
      const nonce = Buffer.from(challenge.nonce, 'base64url');
      if (nonce.length !== nonceLength)
        throw new GatehouseError('relay_protocol', 'The relay sent a bad nonce.');
      const url = relay.origin;
      sendOpening(channel, {
        type: 'enrol',
        v: 1,
        publicKey: identity.publicKey.toString('base64url'),
        url,
        signature: identity.sign(enrolmentProof(url, nonce, identity.serviceId)).toString('base64url'),
        ...(enrolmentToken === undefined ? {} : { enrolmentToken }),
      });
      return (await nextOpening(channel, 'welcome', timeout)).domain;
    } catch (error) {
      const reason = asGatehouseError(error);
      channel.close(reason);
      throw reason;
    } finally {
      signal.removeEventListener('abort', onStop);
    }
  }

  #serve(channel: WebSocketChannel, domainName: string, since: number): Promise<GatehouseError> {
    return new Promise((resolve) => {
      this.#link = new Link(channel, {
        role: 'dialler',
        limits: { maxInboundStreams: 2048 },
        onStream: this.#options.onStream,
        onClosed: (error) => {
          this.#link = null;
          resolve(error);
        },
      });
      if (this.#stopping) this.#link.close();
      else this.#options.onState({ state: 'online', since, domainName });
    });
  }
}
