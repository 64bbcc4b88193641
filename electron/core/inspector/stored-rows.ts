// The rows of the request log as SQLite returns them, and back into what callers know. Must never open a file or know a
// thread.
import type { DeviceRequestFacts, RequestStatus, VerifiedBy } from '../../../shared/contracts/requests.ts';
import type { StoredRequest } from './rows.ts';

/** A row as SQLite returns it, with the PEM joined on. */
export interface DatabaseRow {
  readonly id: number;
  readonly status: string;
  readonly rpc_name: string;
  readonly client_id: string;
  readonly service_id: string;
  readonly domain_name: string;
  readonly sent_at: number;
  readonly h2_multiplexing_used: number;
  readonly e2ee_used: number;
  readonly session_verified: number;
  readonly verified_by: string;
  readonly tls_version: string | null;
  readonly cipher: string | null;
  readonly sha256_hash_hexdigest: string | null;
  readonly session_id: string | null;
  readonly token_id: string | null;
  readonly remote_user: string | null;
  readonly session_kind: string | null;
  readonly device_fingerprint: string | null;
  readonly oidc_issuer: string | null;
  readonly oidc_subject: string | null;
  readonly request_counter: number | null;
  readonly duration_ms: number | null;
  readonly bytes_read: number | null;
  readonly bytes_written: number | null;
  readonly error_code: string | null;
  readonly rejection_code: string | null;
  readonly rejection_message: string | null;
  readonly pem: string | null;
}

export function decodeRow(row: DatabaseRow): StoredRequest {
  const { sha256_hash_hexdigest: sha256, pem } = row;
  return {
    id: row.id,
    status: row.status as RequestStatus,
    rpcName: row.rpc_name,
    clientId: row.client_id,
    serviceId: row.service_id,
    domainName: row.domain_name,
    sentAt: row.sent_at,
    h2MultiplexingUsed: row.h2_multiplexing_used === 1,
    e2eeUsed: row.e2ee_used === 1,
    sessionVerified: row.session_verified === 1,
    verifiedBy: row.verified_by as VerifiedBy,
    tlsVersion: row.tls_version,
    cipher: row.cipher,
    certificate: sha256 === null || pem === null ? null : { sha256, pem },
    sessionId: row.session_id,
    tokenId: row.token_id,
    remoteUser: row.remote_user,
    ...(row.session_kind === 'device' ? { device: deviceOf(row) } : {}),
    durationMs: row.duration_ms,
    bytesRead: row.bytes_read,
    bytesWritten: row.bytes_written,
    errorCode: row.error_code,
    rejectionCode: row.rejection_code,
    rejectionMessage: row.rejection_message,
  };
}

function deviceOf(row: DatabaseRow): DeviceRequestFacts {
  return {
    fingerprint: row.device_fingerprint,
    issuer: row.oidc_issuer,
    subject: row.oidc_subject,
    counter: row.request_counter,
  };
}
