// What the inspector shows, as it crosses from the service to the renderer: rows, details, pages, charts, saved views, exports
// and payload capture. Plain data; a payload is there only where a person has switched capture on.
import type { SerialisedError } from '../errors.ts';
import type { DeviceRequestFacts, RequestStatus, RequestTiming, VerifiedBy } from '../requests.ts';

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
