// The relay of an installation: the choice on disk, and the built-in relay's process where that is the choice.
// There is at most one built-in relay, and none is left when the installation has closed.
import type { RelayChoice } from '../../shared/contracts/console/models.ts';
import { parseRelayUrl } from '../../shared/net/dial.ts';
import type { LocalRelayStarter, RunningLocalRelay } from './ports.ts';
import { forgetEnrolmentToken, readRelayChoice } from './relay-choice-file.ts';
import type { RelayAddress } from './service-relay.ts';

export interface RelayInUse {
  readonly kind: RelayChoice['kind'];
  readonly url: string;
  /** Of the built-in relay; null for another one, whose tokens are made there. */
  readonly clientTokenFile: string | null;
}

export class InstallationRelay {
  readonly #folder: string;
  readonly #startLocal: LocalRelayStarter;
  #local: RunningLocalRelay | null = null;
  #inUse: RelayInUse | null = null;
  #enrolling = false;

  constructor(folder: string, startLocal: LocalRelayStarter) {
    this.#folder = folder;
    this.#startLocal = startLocal;
  }

  /** Null before the first `open`. */
  get inUse(): RelayInUse | null {
    return this.#inUse;
  }

  /** What the data folder says; the built-in relay where it says nothing. @throws GatehouseError `settings_corrupt` */
  async chosen(): Promise<RelayChoice> {
    return (await readRelayChoice(this.#folder)) ?? { kind: 'local' };
  }

  /** Makes the relay of `choice` dialable. @throws GatehouseError `usage`, `relay_unreachable` */
  async open(choice: RelayChoice): Promise<RelayAddress> {
    if (choice.kind === 'url') {
      const relay = parseRelayUrl(choice.url);
      this.#inUse = { kind: 'url', url: relay.origin, clientTokenFile: null };
      this.#enrolling = choice.enrolmentToken !== undefined;
      return { relay, enrolmentToken: choice.enrolmentToken, relayCa: choice.ca };
    }
    this.#local ??= await this.#startLocal(this.#folder);
    const { url, enrolmentToken, clientTokenFile } = this.#local;
    this.#inUse = { kind: 'local', url, clientTokenFile };
    this.#enrolling = false;
    return { relay: new URL(url), enrolmentToken };
  }

  /** The relay has taken the service: its enrolment token is of no more use. @throws GatehouseError `storage_failed` */
  async enrolled(): Promise<void> {
    if (!this.#enrolling) return;
    this.#enrolling = false;
    await forgetEnrolmentToken(this.#folder);
  }

  /** Ends the built-in relay where another one is in use. */
  async closeUnused(): Promise<void> {
    if (this.#inUse?.kind !== 'local') await this.close();
  }

  async close(): Promise<void> {
    const local = this.#local;
    this.#local = null;
    await local?.stop();
  }
}
