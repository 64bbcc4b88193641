// What the inspector answers, beside a plain evaluation of the same filter over the same rows; and what happens to
// answers while rows change, go, or are too many for the memory.
import { join } from 'node:path';
import DatabaseConstructor from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RequestSort, SortKey } from '../../../shared/contracts/console/models.ts';
import type { Inspector } from './inspector.ts';
import type { RequestLog, StoredRequest } from './request-log.ts';
import { allRows, fillSampleLog, newestFirst, openSampleInspector, query } from './sample-inspector.ts';
import { openSampleLog, releaseSamples, sampleOutcome, sampleRow, temporaryFolder } from './sample-rows.ts';

const patient = { timeout: 10_000, interval: 5 };

type Test = (row: StoredRequest) => boolean;

const is = (value: string | null, wanted: string) => value?.toLowerCase() === wanted;

/** Terms, and what they mean in words of the rows. */
const terms: [string, Test][] = [
  ['rpc:ping', (row) => row.rpcName === 'ping'],
  ['rpc:PING,echo', (row) => is(row.rpcName, 'ping') || is(row.rpcName, 'echo')],
  ['rpc:d*', (row) => row.rpcName.startsWith('d')],
  ['status:ok', (row) => row.status === 'SUCCESS'],
  ['status:running,rejected', (row) => row.status === 'RUNNING' || row.status === 'REJECTED'],
  ['client:client-7', (row) => is(row.clientId, 'client-7')],
  ['client:nobody', () => false],
  ['user:"user 3"', (row) => row.remoteUser === 'user 3'],
  ['user:*', (row) => row.remoteUser !== null],
  ['session:session-2', (row) => row.sessionId === 'session-2'],
  ['token:token-1', (row) => row.tokenId === 'token-1'],
  ['domain:prod', (row) => row.domainName === 'PROD'],
  ['e2ee:no', (row) => !row.e2eeUsed],
  ['e2ee:yes,no', () => true],
  ['verified:yes', (row) => row.sessionVerified],
  ['by:none', (row) => row.verifiedBy === 'none'],
  ['h2:yes', (row) => row.h2MultiplexingUsed],
  ['tls:tlsv1.3', (row) => row.tlsVersion === 'TLSv1.3'],
  ['cipher:tls_aes*', (row) => row.cipher !== null],
  ['fingerprint:7f*', (row) => row.certificate !== null],
  ['error:rpc_failed', (row) => row.errorCode === 'rpc_failed'],
  ['dur>50ms', (row) => row.durationMs !== null && row.durationMs > 50],
  ['dur<=3', (row) => row.durationMs !== null && row.durationMs <= 3],
  ['dur:7,8', (row) => row.durationMs === 7 || row.durationMs === 8],
  ['read>=5', (row) => row.bytesRead !== null && row.bytesRead >= 5],
  ['written<1', (row) => row.bytesWritten !== null && row.bytesWritten < 1],
  ['id:5,9,100000', (row) => row.id === 5 || row.id === 9],
  ['id>200', (row) => row.id > 200],
  ['since:2026-09-21T14:13:20.200Z', (row) => row.sentAt >= 1_790_000_000_200],
  ['until:2026-09-21T14:13:20.200Z', (row) => row.sentAt < 1_790_000_000_200],
  ['pinned:yes', (row) => row.id === 20],
  ['noted:yes', (row) => row.id === 30],
  ['captured:yes', (row) => row.id === 40],
  ['disk', (row) => row.rpcName === 'disk-check' || row.status === 'REJECTED'],
  ['"disk chec"', (row) => row.rpcName === 'disk-check'],
  ['"N\u00b03"', (row) => row.rejectionMessage?.includes('n\u00b03 ') === true],
  ['"is full"', (row) => row.status === 'REJECTED'],
  ['SCHLIESSFACH', (row) => row.id === 30],
  ['"geheime zut"', (row) => row.id === 40],
  ['"!?"', () => false],
  ['"user 3"', (row) => row.remoteUser === 'user 3'],
];

const sortKeys: Record<SortKey, (row: StoredRequest) => number> = {
  time: (row) => row.id,
  duration: (row) => row.durationMs ?? -1,
  bytesRead: (row) => row.bytesRead ?? -1,
  bytesWritten: (row) => row.bytesWritten ?? -1,
};

function expected(rows: readonly StoredRequest[], tests: readonly Test[], sort: RequestSort): number[] {
  const key = sortKeys[sort.key];
  const sign = sort.descending ? -1 : 1;
  return rows
    .filter((row) => tests.every((test) => test(row)))
    .sort((a, b) => sign * (key(a) - key(b) || a.id - b.id))
    .map(({ id }) => id);
}

const anyTerms = fc
  .array(fc.tuple(fc.constantFrom(...terms), fc.boolean()), { maxLength: 3 })
  .map((chosen) => ({
    filter: chosen.map(([[text], negated]) => (negated ? `-${text}` : text)).join(' '),
    tests: chosen.map(
      ([[, test], negated]): Test =>
        (row) =>
          test(row) !== negated,
    ),
  }));

const anySort = fc.record({
  key: fc.constantFrom<SortKey>('time', 'duration', 'bytesRead', 'bytesWritten'),
  descending: fc.boolean(),
});

const payload = {
  direction: 'request',
  contentType: 'text/plain',
  text: 'Eine geheime Zutat',
  base64: null,
  totalBytes: 18,
  truncated: false,
  redactions: 0,
} as const;

async function sampleLog(count: number): Promise<{ log: RequestLog; rows: readonly StoredRequest[] }> {
  const log = await openSampleLog(join(temporaryFolder(), 'log.db'), {
    limits: { rejectionsPerClient: 10_000, rejectionsInAll: 10_000 },
  });
  await fillSampleLog(log, count);
  log.capture(40, payload);
  await log.write({ kind: 'pin', id: 20, pinned: true });
  await log.write({ kind: 'annotate', id: 30, note: 'Im Schlie\u00dffach: Schliessf\u00e4ch.' });
  await log.flush();
  return { log, rows: await log.recent(10_000) };
}

describe.each([
  ['all rows in memory', 400, 3_000_000],
  ['more rows than the memory may hold', 2600, 2048],
])('Inspector with %s', (_name, count, maxRows) => {
  let log: RequestLog;
  let rows: readonly StoredRequest[];
  let inspector: Inspector;
  const runs = { numRuns: count > 1000 ? 12 : 150 };
  const limit = count > 1000 ? 500 : 37;

  beforeAll(async () => {
    ({ log, rows } = await sampleLog(count));
    inspector = await openSampleInspector(log, { limits: { maxRows } });
  });
  afterAll(releaseSamples);

  it.each(terms)('finds by %s what it means, and by its negation the rest', async (filter, test) => {
    const found = await allRows(inspector, query({ filter, limit }));
    expect(found.map(({ id }) => id)).toEqual(expected(rows, [test], newestFirst));
    const rest = await allRows(inspector, query({ filter: `-${filter}`, limit }));
    expect(rest.map(({ id }) => id)).toEqual(expected(rows, [(row) => !test(row)], newestFirst));
  });

  it('pages any filter in any order, forwards and backwards, each row once', async () => {
    await fc.assert(
      fc.asyncProperty(anyTerms, anySort, fc.boolean(), async ({ filter, tests }, sort, backwards) => {
        const found = await allRows(inspector, query({ filter, sort, backwards, limit }));
        expect(found.map(({ id }) => id)).toEqual(expected(rows, tests, sort));
      }),
      runs,
    );
  });

  it('counts, and reaches any row and any share of the rows', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyTerms,
        anySort,
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (chosen, sort, share) => {
          const { filter, tests } = chosen;
          const ids = expected(rows, tests, sort);
          expect(await inspector.count(filter)).toEqual({ count: ids.length, capped: false });
          const near = (await inspector.pageNear({ filter, sort, share, limit: 20 })).rows.map(
            ({ id }) => id,
          );
          const start = ids.indexOf(near[0] ?? 0);
          expect(near).toEqual(ids.length === 0 ? [] : ids.slice(start, start + 20));
          if (ids.length === 0) return;
          if (sort.key === 'time')
            expect(start).toBe(Math.min(Math.floor(share * ids.length), ids.length - 1));
          const id = ids[Math.floor(share * (ids.length - 1))]!;
          const at = await inspector.pageAt({ filter, sort, id, limit: 20 });
          const place = at.rows.findIndex((row) => row.id === id);
          const from = ids.indexOf(id) - place;
          expect(place).toBe(Math.min(10, ids.indexOf(id)));
          expect(at.rows.map((row) => row.id)).toEqual(ids.slice(from, from + 20));
          expect([at.previous === null, at.next === null]).toEqual([from === 0, from + 20 >= ids.length]);
        },
      ),
      runs,
    );
  });

  it('draws exact charts', async () => {
    const chart = await inspector.chart({ filter: 'status:ok', from: null, to: null, buckets: 7 });
    const ok = rows.filter(({ status }) => status === 'SUCCESS');
    expect(chart.from).toBe(Math.min(...ok.map(({ sentAt }) => sentAt)));
    for (const { at, requests, errors, p50Ms, p95Ms } of chart.buckets) {
      const inside = ok.filter(({ sentAt }) => sentAt >= at && sentAt < at + chart.bucketMs);
      const durations = inside.map(({ durationMs }) => durationMs!).sort((a, b) => a - b);
      expect({ requests, errors }).toEqual({ requests: inside.length, errors: 0 });
      expect([p50Ms, p95Ms]).toEqual([0.5, 0.95].map((share) => rank(durations, share)));
    }
    const all = await inspector.chart({ filter: '', from: null, to: null, buckets: 1 });
    const bad = rows.filter(({ status }) => ['FAILED', 'TIMED_OUT', 'REJECTED'].includes(status));
    expect(all.buckets).toMatchObject([{ requests: rows.length, errors: bad.length }]);
  });

  it('keeps to the range of a chart', async () => {
    const [from, to] = [1_790_000_000_100, 1_790_000_000_200];
    const chart = await inspector.chart({ filter: '', from, to, buckets: 50 });
    expect(chart).toMatchObject({ from, to, bucketMs: 2 });
    expect(chart.buckets).toHaveLength(50);
    const total = chart.buckets.reduce((sum, { requests }) => sum + requests, 0);
    expect(total).toBe(rows.filter(({ sentAt }) => sentAt >= from && sentAt < to).length);
  });
});

function rank(sorted: readonly number[], share: number): number | null {
  return sorted[Math.ceil(sorted.length * share) - 1] ?? null;
}

describe('Inspector', () => {
  afterEach(releaseSamples);

  it('shows a request as it is now: running, ended, pinned, annotated, captured', async () => {
    const log = await openSampleLog(join(temporaryFolder(), 'log.db'));
    const inspector = await openSampleInspector(log);
    const count = async (filter: string) => (await inspector.count(filter)).count;
    const id = log.nextId();
    await log.begin(sampleRow(id));
    expect(await count('status:running')).toBe(1);
    log.finish(id, sampleOutcome);
    await log.flush();
    expect([await count('status:running'), await count('status:ok dur>1ms')]).toEqual([0, 1]);
    await inspector.pin(id, true);
    await inspector.annotate(id, 'look again');
    log.capture(id, payload);
    await log.flush();
    expect(await count('pinned:yes noted:yes captured:yes "look again" zutat')).toBe(1);
    await inspector.pin(id, false);
    await inspector.annotate(id, '');
    expect(await count('-pinned:yes -noted:yes')).toBe(1);
    expect(await count('"look again"')).toBe(0);
  });

  it('tells all about one request', async () => {
    const log = await openSampleLog(join(temporaryFolder(), 'log.db'));
    const inspector = await openSampleInspector(log);
    const id = log.nextId();
    const timing = { queueMs: 0.5, handshakeMs: null, verificationMs: 2, handlerMs: 3.0004, transferMs: 0 };
    await log.begin(sampleRow(id));
    log.finish(id, { ...sampleOutcome, timing });
    log.capture(id, payload);
    const bytes = {
      ...payload,
      direction: 'answer',
      text: null,
      base64: Buffer.from([0xff, 0]).toString('base64'),
    } as const;
    log.capture(id, bytes);
    await log.flush();
    expect(await inspector.detail(id)).toMatchObject({
      id,
      serviceId: 'abcd-efgh-ijkl',
      timing: { ...timing, handlerMs: 3 },
      payloads: [payload, bytes],
      note: null,
    });
    await expect(inspector.detail(id + 1)).rejects.toMatchObject({ code: 'request_unknown' });
    await expect(inspector.pin(id + 1, true)).rejects.toMatchObject({ code: 'request_unknown' });
    await expect(inspector.annotate(id + 1, 'x')).rejects.toMatchObject({ code: 'request_unknown' });
  });

  it('loses what retention takes, with its texts and payloads, and keeps what is pinned or annotated', async () => {
    const file = join(temporaryFolder(), 'log.db');
    const now = () => 1_790_000_000_000 + 10 * 86_400_000;
    const log = await openSampleLog(file, { now });
    const inspector = await openSampleInspector(log);
    await fillSampleLog(log, 100);
    for (const id of [2, 3, 4]) log.capture(id, payload);
    await inspector.pin(2, true);
    await inspector.annotate(4, 'kept');
    await log.flush();
    expect(await inspector.count('zutat')).toMatchObject({ count: 3 });
    log.applySettings({ retentionDays: 1, maxSizeMb: 1024 });
    await vi.waitFor(
      async () => expect(await inspector.count('status:ok')).toMatchObject({ count: 2 }),
      patient,
    );
    expect((await inspector.page(query({ filter: 'zutat' }))).rows.map(({ id }) => id)).toEqual([4, 2]);
    const db = new DatabaseConstructor(file, { readonly: true });
    expect(db.prepare('SELECT request_id FROM payloads ORDER BY 1').pluck().all()).toEqual([2, 4]);
    db.close();
  });

  it('refuses a filter with its column, and cursors that are not of the query', async () => {
    const { log } = await sampleLog(50);
    const inspector = await openSampleInspector(log);
    await expect(inspector.page(query({ filter: 'rpc:ping foo:1' }))).rejects.toMatchObject({
      code: 'filter_invalid',
      details: { column: 9, end: 12, reason: 'unknown_field' },
    });
    const { next } = await inspector.page(query({ limit: 5 }));
    const forged = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const cursors = [
      'x',
      '%%',
      `${next}x`,
      forged([1]),
      forged([1, 0, 1, 1]),
      forged(null),
      'A'.repeat(1000),
    ];
    for (const cursor of cursors) {
      await expect(inspector.page(query({ cursor }))).rejects.toMatchObject({ code: 'cursor_invalid' });
    }
    const other = query({ cursor: next, filter: 'rpc:ping' });
    await expect(inspector.page(other)).rejects.toMatchObject({ code: 'cursor_invalid' });
  });

  it('ends a query when its caller gives up, and answers the next', async () => {
    const { log } = await sampleLog(3000);
    const inspector = await openSampleInspector(log, { limits: { maxRows: 2048 } });
    const abort = new AbortController();
    const asked = Array.from({ length: 20 }, () => inspector.count('client:nobody', abort.signal));
    abort.abort();
    const results = await Promise.allSettled(asked);
    for (const result of results) expect(result).toMatchObject({ reason: { code: 'cancelled' } });
    expect(await inspector.count('')).toMatchObject({ count: 3000 });
    await expect(inspector.count('', AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('follows a log whose thread died and whose feed was overrun', async () => {
    const log = await openSampleLog(join(temporaryFolder(), 'log.db'));
    const inspector = await openSampleInspector(log);
    await fillSampleLog(log, 300);
    expect(await inspector.count('')).toMatchObject({ count: 300 });
    const sequence = new BigInt64Array(log.changes, 0, 3);
    Atomics.add(sequence, 0, 1_000_000n);
    expect(await inspector.count('')).toMatchObject({ count: 300 });
    Atomics.add(sequence, 1, 1n);
    expect(await inspector.count('')).toMatchObject({ count: 300 });
  });

  it('completes values, the frequent ones first', async () => {
    const { log } = await sampleLog(400);
    const inspector = await openSampleInspector(log);
    await inspector.count('');
    const complete = async (field: string, prefix: string) =>
      (await inspector.complete({ field, prefix, limit: 3 })).values;
    expect(await complete('rpc', 'P')).toEqual(['ping', 'http']);
    expect(await complete('client', '1')).toEqual(['Client-1', 'Client-10', 'Client-11']);
    expect(await complete('status', '')).toHaveLength(3);
    expect(await complete('__proto__', '')).toEqual([]);
  });

  it('knows when each access token was last used', async () => {
    const log = await openSampleLog(join(temporaryFolder(), 'log.db'));
    const inspector = await openSampleInspector(log);
    for (const tokenId of ['a', 'b', 'a', null]) await log.begin(sampleRow(log.nextId(), { tokenId }));
    expect(await inspector.tokenUse()).toEqual(
      new Map([
        ['a', 1_790_000_000_003],
        ['b', 1_790_000_000_002],
      ]),
    );
  });

  it('keeps saved views over a restart', async () => {
    const file = join(temporaryFolder(), 'log.db');
    const view = { name: 'Failures', filter: '-status:ok', sort: newestFirst, columns: ['rpc', 'user'] };
    const first = await openSampleLog(file);
    const saved = await (await openSampleInspector(first)).saveView(view);
    await first.close();
    const inspector = await openSampleInspector(await openSampleLog(file));
    expect(await inspector.views()).toEqual([{ ...view, id: saved.id }]);
    await inspector.deleteView(saved.id);
    expect(await inspector.views()).toEqual([]);
    await expect(inspector.deleteView(saved.id)).rejects.toMatchObject({ code: 'view_unknown' });
  });

  it('tells of changes at most ten times a second, the last of them for sure', async () => {
    const log = await openSampleLog(join(temporaryFolder(), 'log.db'));
    const inspector = await openSampleInspector(log);
    const tell = vi.fn();
    const stop = inspector.onChange(tell);
    const started = performance.now();
    await fillSampleLog(log, 500);
    await vi.waitFor(() => expect(tell).toHaveBeenLastCalledWith(inspector.change), patient);
    expect(inspector.change.newestId).toBe(500);
    expect(tell.mock.calls.length).toBeLessThanOrEqual(1 + (performance.now() - started) / 90);
    stop();
    const calls = tell.mock.calls.length;
    await log.begin(sampleRow(log.nextId()));
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(tell.mock.calls).toHaveLength(calls);
  });
});
