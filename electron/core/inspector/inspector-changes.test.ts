// Answers while rows change, go, are cancelled or refused: what is asked is answered by what is there now.
import { join } from 'node:path';
import DatabaseConstructor from 'better-sqlite3';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  fillSampleLog,
  newestFirst,
  openSampleInspector,
  query,
  samplePayload as payload,
  variedLog,
} from './sample-inspector.ts';
import { openSampleLog, releaseSamples, sampleOutcome, sampleRow, temporaryFolder } from './sample-rows.ts';

const patient = { timeout: 10_000, interval: 5 };

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
    const { log } = await variedLog(50);
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
    const { log } = await variedLog(3000);
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
    const { log } = await variedLog(400);
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
