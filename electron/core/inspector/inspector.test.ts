// What the inspector answers, beside a plain evaluation of the same filter over the same rows.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RequestSort, SortKey } from '../../../shared/contracts/console/models.ts';
import type { Inspector } from './inspector.ts';
import type { StoredRequest } from './request-log.ts';
import { allRows, newestFirst, openSampleInspector, query, variedLog } from './sample-inspector.ts';
import { releaseSamples } from './sample-rows.ts';

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
  ['"\u00b0"', (row) => row.status === 'REJECTED'],
  ['"_"', (row) => row.errorCode?.includes('_') === true],
  ['": "', (row) => row.id === 30],
  ['"\u00a7"', (row) => row.id === 40],
  ['"."', (row) => row.status === 'REJECTED' || row.id === 30],
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

describe.each([
  ['all rows in memory', 400, 3_000_000],
  ['more rows than the memory may hold', 2600, 2048],
])('Inspector with %s', (_name, count, maxRows) => {
  let rows: readonly StoredRequest[];
  let inspector: Inspector;
  const runs = { numRuns: count > 1000 ? 12 : 150 };
  const limit = count > 1000 ? 500 : 37;

  beforeAll(async () => {
    const sample = await variedLog(count);
    rows = sample.rows;
    inspector = await openSampleInspector(sample.log, { limits: { maxRows } });
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
    const times = ok.map(({ sentAt }) => sentAt);
    expect(chart.from).toBe(Math.min(...times, Math.max(...times) + 1 - 60_000));
    expect(chart.to).toBe(Math.max(...times) + 1);
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
