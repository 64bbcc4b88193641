// The relay that a service uses now, which may be exchanged for another one while the service runs.
// There is one link at a time; what an earlier one still says is not heard.
import type { YamuxStream } from '../../shared/wire/stream.ts';
import { RelayLink } from './endpoint/relay-link.ts';
import type { RelayState } from './endpoint/relay-link.ts';
import type { ServiceIdentity } from './secrets/identity.ts';

export type { RelayState } from './endpoint/relay-link.ts';

/** How a relay is reached. */
export interface RelayAddress {
  readonly relay: URL;
  /** For the first connection to a relay that is not open. */
  readonly enrolmentToken?: string | undefined;
  /** PEM of certificate authorities to trust for the relay instead of the system's. */
  readonly relayCa?: string | undefined;
}

export interface ServiceRelayOptions {
  readonly identity: ServiceIdentity;
  readonly onStream: (stream: YamuxStream) => void;
  readonly onState: (state: RelayState) => void;
}

export class ServiceRelay {
  readonly #options: ServiceRelayOptions;
  readonly #tried = Promise.withResolvers<RelayState>();
  #link: RelayLink | null = null;
  #state: RelayState = { state: 'connecting', attempt: 0 };

  constructor(options: ServiceRelayOptions) {
    this.#options = options;
  }

  get state(): RelayState {
    return this.#state;
  }

  /** The relay's word; empty while there is none. */
  get domainName(): string {
    return this.#state.state === 'online' ? this.#state.domainName : '';
  }

  /** What the first attempt came to. */
  get tried(): Promise<RelayState> {
    return this.#tried.promise;
  }

  start({ relay, enrolmentToken, relayCa }: RelayAddress): void {
    const link: RelayLink = new RelayLink({
      relay,
      identity: this.#options.identity,
      ...(enrolmentToken === undefined ? {} : { enrolmentToken }),
      ...(relayCa === undefined ? {} : { ca: relayCa }),
      onStream: this.#options.onStream,
      onState: (state) => {
        if (this.#link === link) this.#changed(state);
      },
    });
    this.#link = link;
    link.start();
  }

  /** Leaves the present relay, with all sessions through it, and dials another one. */
  async exchange(address: RelayAddress): Promise<void> {
    const old = this.#link;
    this.#link = null;
    await old?.stop();
    this.#changed({ state: 'connecting', attempt: 0 });
    this.start(address);
  }

  /** Cuts the wait before the next try short. */
  retryNow(): void {
    this.#link?.retryNow();
  }

  /** Measures a round trip to the relay, in milliseconds; null where it is not connected. */
  ping(): Promise<number | null> {
    return this.#link?.ping() ?? Promise.resolve(null);
  }

  /** The relay is asked to send no new streams; those that are open go on. */
  goAway(): void {
    this.#link?.goAway();
  }

  async stop(): Promise<void> {
    await this.#link?.stop();
  }

  #changed(state: RelayState): void {
    this.#state = state;
    if (state.state !== 'connecting') this.#tried.resolve(state);
    this.#options.onState(state);
  }
}
