// A request as one flat line of an export: the columns of CSV and the members of NDJSON, in their order. Pure.
import type { RequestDetail } from '../../../../shared/contracts/console/models.ts';

export type RecordValue = string | number | boolean | null;

export function flatRecord(request: RequestDetail): Record<string, RecordValue> {
  const { timing } = request;
  return {
    id: request.id,
    sentAt: new Date(request.sentAt).toISOString(),
    status: request.status,
    rpcName: request.rpcName,
    clientId: request.clientId,
    remoteUser: request.remoteUser,
    serviceId: request.serviceId,
    domainName: request.domainName,
    durationMs: request.durationMs,
    bytesRead: request.bytesRead,
    bytesWritten: request.bytesWritten,
    e2eeUsed: request.e2eeUsed,
    sessionVerified: request.sessionVerified,
    verifiedBy: request.verifiedBy,
    h2MultiplexingUsed: request.h2MultiplexingUsed,
    tlsVersion: request.tlsVersion,
    cipher: request.cipher,
    fingerprint: request.certificate?.sha256 ?? null,
    sessionId: request.sessionId,
    tokenId: request.tokenId,
    sessionKind: request.sessionKind,
    deviceFingerprint: request.device?.fingerprint ?? null,
    oidcIssuer: request.device?.issuer ?? null,
    oidcSubject: request.device?.subject ?? null,
    requestCounter: request.device?.counter ?? null,
    errorCode: request.errorCode,
    rejectionCode: request.rejectionCode,
    rejectionMessage: request.rejectionMessage,
    queueMs: timing.queueMs,
    handshakeMs: timing.handshakeMs,
    verificationMs: timing.verificationMs,
    handlerMs: timing.handlerMs,
    transferMs: timing.transferMs,
    pinned: request.pinned,
    note: request.note,
    captured: request.captured,
  };
}

/** The names of the columns, which are the same for every request. */
export const recordNames: readonly (keyof ReturnType<typeof flatRecord>)[] = [
  ...['id', 'sentAt', 'status', 'rpcName', 'clientId', 'remoteUser', 'serviceId', 'domainName', 'durationMs'],
  ...['bytesRead', 'bytesWritten', 'e2eeUsed', 'sessionVerified', 'verifiedBy', 'h2MultiplexingUsed'],
  ...['tlsVersion', 'cipher', 'fingerprint', 'sessionId', 'tokenId'],
  ...['sessionKind', 'deviceFingerprint', 'oidcIssuer', 'oidcSubject', 'requestCounter', 'errorCode'],
  'rejectionCode',
  ...['rejectionMessage', 'queueMs', 'handshakeMs', 'verificationMs', 'handlerMs', 'transferMs', 'pinned'],
  ...['note', 'captured'],
];
