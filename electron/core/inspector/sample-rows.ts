// Rows and folders for the request log's tests. Test code: nothing that ships may import it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RequestOutcome, RequestRow } from '../../../shared/contracts/requests.ts';
import { openRequestLog } from './request-log.ts';
import type { RequestLog, RequestLogOptions } from './request-log.ts';
import type { RejectionRow } from './rows.ts';

export const sampleOutcome: RequestOutcome = {
  status: 'SUCCESS',
  durationMs: 1.25,
  bytesRead: 100,
  bytesWritten: 2 ** 40,
  errorCode: null,
};

export function sampleRow(id: number, more: Partial<RequestRow> = {}): RequestRow {
  return {
    id,
    rpcName: 'ping',
    clientId: 'anna@example.com',
    serviceId: 'abcd-efgh-ijkl',
    domainName: 'PROD',
    sentAt: 1_790_000_000_000 + id,
    h2MultiplexingUsed: true,
    e2eeUsed: true,
    sessionVerified: true,
    verifiedBy: 'fingerprint',
    tlsVersion: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    certificate: { sha256: '7f'.repeat(32), pem: '-----BEGIN CERTIFICATE-----\nMA==\n' },
    sessionId: 'session-1',
    tokenId: 'token-1',
    remoteUser: 'anna',
    ...more,
  };
}

export function sampleRejection(more: Partial<RejectionRow> = {}): RejectionRow {
  const { id: _id, ...row } = sampleRow(0);
  return {
    ...row,
    rejectionCode: 'access_token_rejected',
    rejectionMessage: 'The token is revoked.',
    ...more,
  };
}

const cleanUps: (() => unknown)[] = [];

/** Runs when the test ends, the last registered first. */
export function onRelease(cleanUp: () => unknown): void {
  cleanUps.push(cleanUp);
}

/** For `afterEach`: closes and removes what the samples of this test opened. */
export async function releaseSamples(): Promise<void> {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-log-'));
  onRelease(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A log that is closed when the test ends. */
export async function openSampleLog(
  file: string,
  options: Partial<RequestLogOptions> = {},
): Promise<RequestLog> {
  const log = await openRequestLog({ file, retentionDays: 36_500, maxSizeMb: 1024, ...options });
  onRelease(() => log.close());
  return log;
}
