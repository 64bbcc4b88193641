// What the console shows, as it crosses from the service to the renderer: plain data, no secret in any of it
// but the one that a person asked to see once. Times are milliseconds since the epoch, durations milliseconds,
// sizes bytes, fingerprints 64 lower-case hex digits of a SHA-256.
import type { SerialisedError } from '../errors.ts';
import type { DeviceRequestFacts, RequestStatus, RequestTiming, VerifiedBy } from '../requests.ts';
import type { SettingName, Settings } from '../settings.ts';

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

export type { RequestTiming };

/** A line of the inspector. */
export interface RequestView {
  readonly id: number;
  readonly status: RequestStatus;
  readonly rpcName: string;
  /** The relay's word. */
  readonly clientId: string;
  readonly remoteUser: string | null;
  readonly sentAt: number;
  readonly durationMs: number | null;
  readonly bytesRead: number | null;
  readonly bytesWritten: number | null;
  readonly e2eeUsed: boolean;
  readonly sessionVerified: boolean;
  readonly verifiedBy: VerifiedBy;
  readonly errorCode: string | null;
  readonly h2MultiplexingUsed: boolean;
  readonly pinned: boolean;
  /** Whether a note or a captured payload exists. */
  readonly noted: boolean;
  readonly captured: boolean;
  /** What protected the request: nothing, a TLS session, or a device session. */
  readonly sessionKind: 'none' | 'tls' | 'device';
}

export interface CapturedPayload {
  readonly direction: 'request' | 'answer';
  readonly contentType: string;
  /** As text where it is UTF-8, else base64. */
  readonly text: string | null;
  readonly base64: string | null;
  /** Bytes before the size limit cut. */
  readonly totalBytes: number;
  readonly truncated: boolean;
  /** How many values the redaction rules replaced. */
  readonly redactions: number;
}

export interface RequestDetail extends RequestView {
  readonly serviceId: string;
  /** The relay's word. */
  readonly domainName: string;
  readonly tlsVersion: string | null;
  readonly cipher: string | null;
  readonly certificate: { readonly sha256: string; readonly pem: string; readonly subject: string } | null;
  readonly sessionId: string | null;
  readonly tokenId: string | null;
  /** Of a call through the HTTPS API of device sessions; its fingerprint is the device's key's. */
  readonly device: DeviceRequestFacts | null;
  readonly rejectionCode: string | null;
  readonly rejectionMessage: string | null;
  readonly timing: RequestTiming;
  readonly note: string | null;
  readonly payloads: readonly CapturedPayload[];
}

/** Opaque; from a page, for the next one. */
export type Cursor = string;

export interface RequestPage {
  readonly rows: readonly RequestView[];
  /** For the rows after the last one; null at the end. */
  readonly next: Cursor | null;
  /** For the rows before the first one; null where there are none. */
  readonly previous: Cursor | null;
  /** The newest id in the log when the page was read. */
  readonly newestId: number;
}

/** Counted up to 10,001: then `capped`, to be shown as "10,000+". */
export interface RequestCount {
  readonly count: number;
  readonly capped: boolean;
}

/** Topic `requests`: that the log has changed, not how. */
export interface RequestsChange {
  readonly newestId: number;
  /** Ascends with every change, also of rows that were there. */
  readonly revision: number;
}

export interface ChartBucket {
  /** Start of the bucket. */
  readonly at: number;
  readonly requests: number;
  readonly errors: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

export interface RequestChart {
  readonly from: number;
  readonly to: number;
  readonly bucketMs: number;
  readonly buckets: readonly ChartBucket[];
}

export interface SavedView {
  readonly id: string;
  readonly name: string;
  readonly filter: string;
  readonly sort: RequestSort;
  readonly columns: readonly string[];
}

export type SortKey = 'time' | 'duration' | 'bytesRead' | 'bytesWritten';

export interface RequestSort {
  readonly key: SortKey;
  readonly descending: boolean;
}

export type ExportFormat = 'har' | 'ndjson' | 'csv';

/** Topic `exports`: those of this console session, newest first. */
export interface ExportView {
  readonly id: string;
  readonly format: ExportFormat;
  readonly fileName: string;
  readonly state: 'waiting' | 'running' | 'done' | 'cancelled' | 'failed';
  readonly rows: number;
  readonly bytes: number;
  /** Rows expected; null where the count was capped. */
  readonly totalRows: number | null;
  readonly problem: SerialisedError | null;
}

/** Topic `capture`. Off: `until` is null. */
export interface CaptureView {
  readonly until: number | null;
  readonly rpcNames: readonly string[];
  readonly maxBytes: number;
  readonly redact: readonly RedactionRule[];
}

/** Replaces the values of JSON members of this name (any depth, any case), or what matches this pattern. */
export type RedactionRule =
  { readonly kind: 'member'; readonly name: string } | { readonly kind: 'pattern'; readonly pattern: string };

export type AuditAction =
  | 'console.setup'
  | 'console.unlock'
  | 'console.unlock_failed'
  | 'console.lock'
  | 'console.password_changed'
  | 'console.call_refused'
  | 'service.started'
  | 'service.stopped'
  | 'relay.changed'
  | 'settings.changed'
  | 'certificate.created'
  | 'certificate.renewed'
  | 'certificate.imported'
  | 'certificate.import_failed'
  | 'token.created'
  | 'token.revoked'
  | 'token.rejected'
  | 'session.ended'
  | 'device.registered'
  | 'device.confirmed'
  | 'device.refused'
  | 'device.revoked'
  | 'device.code_created'
  | 'device.code_cancelled'
  | 'device.session_ended'
  | 'collection.published'
  | 'collection.removed'
  | 'capture.changed'
  | 'export.made'
  | 'request.rejected';

/** One line of the audit log: append-only. */
export interface AuditView {
  readonly id: number;
  readonly at: number;
  readonly action: AuditAction;
  /** Who: `administrator (desktop)`, `administrator (browser 127.0.0.1)`, `command line`, `service`, a client id. */
  readonly actor: string;
  /** What it was about: a setting's name, a token's id, a fingerprint. */
  readonly subject: string;
  readonly old: string | null;
  readonly value: string | null;
  /** An ErrorCode where something was refused; null where it was done. */
  readonly code: string | null;
  readonly message: string | null;
}

export interface AuditPage {
  readonly rows: readonly AuditView[];
  readonly next: Cursor | null;
  readonly newestId: number;
}

/** Topic `audit`. */
export interface AuditChange {
  readonly newestId: number;
}
