// An inspector over a real log, and rows of every kind, for tests. Test code: nothing that ships may import it.
import { join } from 'node:path';
import type { RequestSort, RequestView } from '../../../shared/contracts/console/models.ts';
import type { RequestOutcome, RequestRow } from '../../../shared/contracts/requests.ts';
import { AuditLog } from './audit-log.ts';
import { Inspector } from './inspector.ts';
import type { InspectorOptions } from './inspector.ts';
import type { PageQuery } from './inspector-api.ts';
import type { RequestLog, StoredRequest } from './request-log.ts';
import {
  onRelease,
  openSampleLog,
  sampleOutcome,
  sampleRejection,
  sampleRow,
  temporaryFolder,
} from './sample-rows.ts';

export const newestFirst: RequestSort = { key: 'time', descending: true };

export async function openSampleInspector(
  log: RequestLog,
  options: Partial<InspectorOptions> = {},
): Promise<Inspector> {
  const inspector = await Inspector.open({ log, ...options });
  onRelease(() => inspector.close());
  return inspector;
}

export async function openSampleAudit(log: RequestLog, now?: () => number): Promise<AuditLog> {
  const inspector = await openSampleInspector(log);
  return AuditLog.open({ log, inspector, ...(now === undefined ? {} : { now }) });
}

export function query(more: Partial<PageQuery> = {}): PageQuery {
  return { filter: '', sort: newestFirst, cursor: null, backwards: false, limit: 100, ...more };
}

/** All pages of a query, from the first to the last or from the last to the first. */
export async function allRows(inspector: Inspector, first: PageQuery): Promise<RequestView[]> {
  const pages: (readonly RequestView[])[] = [];
  for (let cursor: string | null = null; ;) {
    const page = await inspector.page({ ...first, cursor });
    pages.push(page.rows);
    cursor = first.backwards ? page.previous : page.next;
    if (cursor === null) break;
  }
  return (first.backwards ? pages.reverse() : pages).flat();
}

/** `count` requests that differ in every column; the last ones still run. */
export async function fillSampleLog(log: RequestLog, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    if (index % 17 === 5) {
      log.reject({
        ...sampleRejection(),
        clientId: `client-${index % 13}`,
        rejectionMessage: `The disk n°${index % 7} is full.`,
      });
      continue;
    }
    const id = log.nextId();
    await log.begin(variedRow(id, index));
    if (index < count - 10) log.finish(id, variedOutcome(index));
  }
  await log.flush();
}

function variedRow(id: number, index: number): RequestRow {
  const plain = index % 5 === 0;
  return sampleRow(id, {
    rpcName: ['ping', 'Echo', 'documents', 'http', 'disk-check'][index % 5] ?? '',
    clientId: `Client-${index % 13}`,
    domainName: index % 2 === 0 ? 'PROD' : 'test',
    h2MultiplexingUsed: index % 3 === 0,
    sessionVerified: index % 4 === 0,
    verifiedBy: index % 4 === 0 ? 'fingerprint' : 'none',
    remoteUser: index % 3 === 1 ? null : `user ${index % 11}`,
    sessionId: plain ? null : `session-${Math.floor(index / 20)}`,
    ...(plain ? { e2eeUsed: false, tlsVersion: null, cipher: null, certificate: null } : {}),
  });
}

function variedOutcome(index: number): RequestOutcome {
  const failed = index % 6 === 0;
  return {
    ...sampleOutcome,
    status: failed ? 'FAILED' : index % 7 === 0 ? 'TIMED_OUT' : 'SUCCESS',
    durationMs: (index * 7919) % 97,
    bytesRead: (index * 31) % 10,
    bytesWritten: index % 3,
    errorCode: failed ? 'rpc_failed' : null,
  };
}

/** A captured body of a few words. */
export const samplePayload = {
  direction: 'request',
  contentType: 'text/plain',
  text: 'Eine geheime Zutat \u00a7',
  base64: null,
  totalBytes: 21,
  truncated: false,
  redactions: 0,
} as const;

/** A log with rows of every kind, one of them pinned, one annotated, one captured; and the rows. */
export async function variedLog(count: number): Promise<{ log: RequestLog; rows: readonly StoredRequest[] }> {
  const log = await openSampleLog(join(temporaryFolder(), 'log.db'), {
    limits: { rejectionsPerClient: 10_000, rejectionsInAll: 10_000 },
  });
  await fillSampleLog(log, count);
  log.capture(40, samplePayload);
  await log.write({ kind: 'pin', id: 20, pinned: true });
  await log.write({ kind: 'annotate', id: 30, note: 'Im Schlie\u00dffach: Schliessf\u00e4ch.' });
  await log.flush();
  return { log, rows: await log.recent(10_000) };
}
