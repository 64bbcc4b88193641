// What the host of a console supplies: the parts that differ between a desktop app and a server without a display.
// Plain interfaces; nothing here may know which host it is.
import type { Incident } from './endpoint/incidents.ts';

export type { Incident as Notice } from './endpoint/incidents.ts';

/** Where the superadmin password may be kept so that it need not be typed: the key store of the operating system. */
export interface KeyVault {
  /** Whether it can keep a secret; `reason` is a sentence for a person where it cannot. */
  availability(): { readonly available: boolean; readonly reason: string | null };
  remember(password: string): Promise<void>;
  /** Null where nothing is remembered, or it cannot be read any more. */
  recall(): Promise<string | null>;
  forget(): Promise<void>;
  /** Whether there is something to forget. */
  holds(): boolean;
  /** Told when that changes. Returns the unsubscribe. */
  onChange(tell: () => void): () => void;
}

/** A built-in relay that runs. */
export interface RunningLocalRelay {
  /** Where clients and the service dial it. */
  readonly url: string;
  /** Good once: what the service enrols with where it has not yet. */
  readonly enrolmentToken: string;
  /** A file, mode 0600, with a token that lets a client of this machine in. */
  readonly clientTokenFile: string;
  stop(): Promise<void>;
}

/**
 * Starts the built-in relay in a process of its own, with generated tokens and never open; its files are in
 * `relay` below `dataFolder`. It ends with this process even where that is killed.
 * @throws GatehouseError `relay_unreachable` where it does not start
 */
export type LocalRelayStarter = (dataFolder: string) => Promise<RunningLocalRelay>;

export interface ConsoleHost {
  readonly kind: 'desktop' | 'browser';
  readonly version: string;
  readonly keyVault: KeyVault;
  readonly startLocalRelay: LocalRelayStarter;
  /** Shows something that a person should see although no window is looked at. */
  readonly notify: (incident: Incident) => void;
  /** How a person begins a call of the command line, such as `gatehouse call`. */
  readonly callCommand: string;
  /** A trial made by itself, with generated secrets. */
  readonly trial: boolean;
}
