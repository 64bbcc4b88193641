// The row that stands for many rejections over the quota. Must name no client.
import { rejectionSummaryCode } from './rows.ts';
import type { RejectionRow } from './rows.ts';

/** @param sentAt milliseconds since the epoch */
export function summaryRow(last: RejectionRow, rejectionMessage: string, sentAt: number): RejectionRow {
  return {
    rpcName: '',
    clientId: '',
    serviceId: last.serviceId,
    domainName: last.domainName,
    sentAt,
    h2MultiplexingUsed: false,
    e2eeUsed: false,
    sessionVerified: false,
    verifiedBy: 'none',
    tlsVersion: null,
    cipher: null,
    certificate: null,
    sessionId: null,
    tokenId: null,
    remoteUser: null,
    rejectionCode: rejectionSummaryCode,
    rejectionMessage,
  };
}
