// Models of a request as both ends record it: the client in memory, the service in its request log.

/** How a request ends: SCREAMING words as the seed prints them. */
export const endStatuses = [
  'SUCCESS',
  'FAILED',
  'REJECTED',
  'CANCELLED',
  'TIMED_OUT',
  'INTERRUPTED',
] as const;
export type EndStatus = (typeof endStatuses)[number];

/** `RUNNING` has not ended yet. */
export type RequestStatus = 'RUNNING' | EndStatus;

/** How the client checked the service's certificate. At the service this is the client's word. */
export type VerifiedBy = 'fingerprint' | 'none';

/** A certificate as it is shown and stored: lower-case hex SHA-256 of the DER, and PEM. */
export interface CertificateRecord {
  readonly sha256: string;
  readonly pem: string;
}

/** What a row tells of a device session. */
export interface DeviceRequestFacts {
  /** SHA-256 of the device's public key (SPKI DER), lower-case hex; null where a refused call named none. */
  readonly fingerprint: string | null;
  /** Of the OpenID Connect token, verified by the service; null where the call was refused before that. */
  readonly issuer: string | null;
  readonly subject: string | null;
  /** Of the request in its session, from 1; null outside a session. */
  readonly counter: number | null;
}

/** One row of the service's request log, written before the handler runs. */
export interface RequestRow {
  /** Assigned by the log, ascending. */
  readonly id: number;
  readonly rpcName: string;
  /** The relay's word: whose relay credentials the stream came with. */
  readonly clientId: string;
  readonly serviceId: string;
  /** The relay's word. */
  readonly domainName: string;
  /** Milliseconds since the epoch, service clock. */
  readonly sentAt: number;
  readonly h2MultiplexingUsed: boolean;
  readonly e2eeUsed: boolean;
  readonly sessionVerified: boolean;
  readonly verifiedBy: VerifiedBy;
  /** As TLS names them, for example `TLSv1.3`, `TLS_AES_256_GCM_SHA384`; null without E2EE. */
  readonly tlsVersion: string | null;
  readonly cipher: string | null;
  readonly certificate: CertificateRecord | null;
  /** The E2EE session that carried the request; null without E2EE. */
  readonly sessionId: string | null;
  /** Which access token verified the session, and for which remote user; null where none did. */
  readonly tokenId: string | null;
  readonly remoteUser: string | null;
  /** Of a call through the HTTPS API of device sessions. */
  readonly device?: DeviceRequestFacts | null;
}

/** Where the time of a request went, in milliseconds; null for a part that did not happen (or is not over). */
export interface RequestTiming {
  /** From its arrival until it was on record. */
  readonly queueMs: number | null;
  /** TLS handshake of its session; only with the first request of a session. */
  readonly handshakeMs: number | null;
  /** Session verification; only with the first request of a session. */
  readonly verificationMs: number | null;
  readonly handlerMs: number | null;
  /** From the first byte of the answer to the last. */
  readonly transferMs: number | null;
}

/** What a request came to, written when it ends. */
export interface RequestOutcome {
  readonly status: EndStatus;
  readonly durationMs: number;
  /** Body bytes that the service read from the client and wrote to it. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** An ErrorCode; null on success. */
  readonly errorCode: string | null;
  /** Absent where nobody measured. */
  readonly timing?: RequestTiming;
}
