// What the console shows, as it crosses from the service to the renderer: plain data, no secret in any of it
// but the one that a person asked to see once. Times are milliseconds since the epoch, durations milliseconds,
// sizes bytes, fingerprints 64 lower-case hex digits of a SHA-256.
import type { SerialisedError } from '../errors.ts';
import type { VerifiedBy } from '../requests.ts';
import type { SettingName, Settings } from '../settings.ts';

export type * from './audit-views.ts';
export type * from './request-views.ts';

/**
 * Where the service stands. `first_run`: no data folder yet. `locked`: the superadmin password is needed to start.
 * `starting`: being unlocked. `serving`: it runs, reached by its relay or not. `failed`: it could not start, see `problem`.
 */
export type ConsolePhase = 'first_run' | 'locked' | 'starting' | 'serving' | 'failed';

/** Topic `console`, readable before anybody has signed in: it says nothing about the service but its phase. */
export interface ConsoleState {
  readonly phase: ConsolePhase;
  /** Whether this window or browser session has given the password. */
  readonly signedIn: boolean;
  /** Which host shows the console. */
  readonly host: 'desktop' | 'browser';
  readonly version: string;
  /** First run in a browser: the key from the printed URL is asked for. */
  readonly setupKeyRequired: boolean;
  /**
   * Whether the host can remember the password, and if not, why (a sentence for a person). `remembered`: whether it
   * does, which only one who is signed in is told.
   */
  readonly remember: {
    readonly available: boolean;
    readonly reason: string | null;
    readonly remembered: boolean;
  };
  readonly trial: boolean;
  readonly problem: SerialisedError | null;
}

/** The relay that a service uses. `local`: the built-in one, a child process on this machine. */
export type RelayChoice =
  | { readonly kind: 'local' }
  | {
      readonly kind: 'url';
      readonly url: string;
      readonly enrolmentToken?: string | undefined;
      readonly ca?: string | undefined;
    };

export type LinkState =
  | { readonly state: 'connecting'; readonly attempt: number }
  | { readonly state: 'online'; readonly since: number }
  | { readonly state: 'offline'; readonly cause: SerialisedError; readonly retryAt: number }
  | { readonly state: 'stopped' };

/** One change of the connection to the relay, newest first in a list. */
export interface LinkEvent {
  readonly at: number;
  readonly state: 'online' | 'offline';
  /** Why it went offline. */
  readonly cause: SerialisedError | null;
}

/** A round trip through the relay, measured. */
export interface Measurement {
  readonly at: number;
  readonly latencyMs: number;
}

/** Topic `connectivity`. */
export interface Connectivity {
  readonly serviceId: string;
  readonly relay: { readonly kind: 'local' | 'url'; readonly url: string };
  readonly link: LinkState;
  /** The relay's word; empty while there is none. */
  readonly domainName: string;
  /** The last answered ping; null before the first. */
  readonly measured: Measurement | null;
  /** The latest 60 measurements, oldest first. */
  readonly recentMeasurements: readonly Measurement[];
  /** The latest 50 changes, newest first. */
  readonly history: readonly LinkEvent[];
  readonly startedAt: number;
  readonly requestLog: { readonly available: boolean; readonly problem: SerialisedError | null };
  /** How clients reach this service. */
  readonly callLine: string;
}

/** Topic `certificate`. */
export interface CertificateView {
  readonly fingerprint: string;
  /** 24 words of the BIP-39 English list: the same 32 bytes, with a checksum. */
  readonly words: readonly string[];
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  /** For example `EC P-256`, `RSA 3072`. */
  readonly key: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly selfSigned: boolean;
  readonly pem: string;
  /** Since when this service has served it; null where that is not on record. */
  readonly servedSince: number | null;
  /** Live sessions that still run on an earlier certificate. */
  readonly sessionsOnOlder: number;
}

export interface CertificateReplacement {
  readonly oldFingerprint: string | null;
  readonly newFingerprint: string;
  readonly sessionsOnOld: number;
}

/** Topic `sessions`. */
export interface SessionsView {
  readonly total: number;
  /** The newest 500. */
  readonly sessions: readonly SessionView[];
}

export interface SessionView {
  readonly id: string;
  /** The relay's word. */
  readonly clientId: string;
  /** Whose access token verified the session; null where none did. */
  readonly remoteUser: string | null;
  readonly tokenId: string | null;
  readonly e2eeUsed: boolean;
  readonly sessionVerified: boolean;
  readonly verifiedBy: VerifiedBy;
  readonly tlsVersion: string | null;
  readonly cipher: string | null;
  /** The certificate that this session was made with. */
  readonly fingerprint: string | null;
  readonly onCurrentCertificate: boolean;
  readonly h2: boolean;
  readonly startedAt: number;
  readonly running: number;
  readonly requests: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** Topic `tokens`. */
export interface AccessTokenView {
  readonly id: string;
  readonly user: string;
  readonly status: 'active' | 'expired' | 'revoked';
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  /** From the request log; null where it has none. */
  readonly lastUsedAt: number | null;
  readonly liveSessions: number;
}

export interface TokensView {
  readonly tokens: readonly AccessTokenView[];
  /** One for each file that could not be read. */
  readonly problems: readonly SerialisedError[];
}

/** The only answer that has a secret: shown once. */
export interface CreatedToken {
  readonly id: string;
  readonly token: string;
}

/** One setting that was changed by a call: more than one where a setting implies another. */
export interface SettingChange {
  readonly name: SettingName;
  readonly old: Settings[SettingName];
  readonly value: Settings[SettingName];
}
