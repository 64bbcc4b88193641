// The log as the service uses it, with its real thread and real files.
import { join } from 'node:path';
import DatabaseConstructor from 'better-sqlite3';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { rejectionSummaryCode } from './rows.ts';
import {
  openSampleLog,
  releaseSamples,
  sampleOutcome,
  sampleRejection,
  sampleRow,
  temporaryFolder,
} from './sample-rows.ts';

afterEach(releaseSamples);

function newFile(): string {
  return join(temporaryFolder(), 'log.db');
}

/** Reads the file from outside, as another program would. */
function read(file: string, query: string): unknown[] {
  const db = new DatabaseConstructor(file, { readonly: true });
  const rows = db.prepare(query).pluck().all();
  db.close();
  return rows;
}

/** For `vi.waitFor`, on a machine that does much else. */
const patient = { timeout: 10_000, interval: 5 };
const unavailable = { code: 'log_unavailable' };

describe('RequestLog', () => {
  it('has committed a row by the time begin resolves', async () => {
    const file = newFile();
    const log = await openSampleLog(file);
    for (let round = 0; round < 50; round += 1) {
      const id = log.nextId();
      await log.begin(sampleRow(id));
      expect(read(file, 'SELECT max(id) FROM requests')).toEqual([id]);
    }
  });

  it('resolves hundreds of begins at once, each with its row', async () => {
    const file = newFile();
    const log = await openSampleLog(file);
    const begins = Array.from({ length: 5000 }, () => log.begin(sampleRow(log.nextId())));
    await Promise.all(begins);
    expect(read(file, 'SELECT count(*) FROM requests')).toEqual([5000]);
  });

  it('shows ends and rejections, newest first', async () => {
    const log = await openSampleLog(newFile());
    const id = log.nextId();
    await log.begin(sampleRow(id));
    log.finish(id, sampleOutcome);
    log.reject(sampleRejection());
    const rows = await log.recent(10);
    expect(rows.map((row) => [row.id, row.status])).toEqual([
      [id + 1, 'REJECTED'],
      [id, 'SUCCESS'],
    ]);
  });

  it('writes an end without anything to travel with', async () => {
    const file = newFile();
    const log = await openSampleLog(file);
    await log.begin(sampleRow(log.nextId()));
    log.finish(1, sampleOutcome);
    await vi.waitFor(() => expect(read(file, 'SELECT status FROM requests')).toEqual(['SUCCESS']), patient);
  });

  it('goes on with its ids after a restart, and marks what was running', async () => {
    const file = newFile();
    const first = await openSampleLog(file);
    await first.begin(sampleRow(first.nextId()));
    await first.begin(sampleRow(first.nextId()));
    first.finish(1, sampleOutcome);
    await first.close();
    const second = await openSampleLog(file);
    expect(second.nextId()).toBe(3);
    expect((await second.recent(10)).map((row) => row.status)).toEqual(['INTERRUPTED', 'SUCCESS']);
  });

  it('takes no work after close', async () => {
    const file = newFile();
    const log = await openSampleLog(file);
    log.reject(sampleRejection());
    await log.close();
    await expect(log.begin(sampleRow(9))).rejects.toMatchObject({ code: 'shutting_down' });
    log.finish(1, sampleOutcome);
    expect(log.available).toBe(false);
    expect(read(file, 'SELECT status FROM requests')).toEqual(['REJECTED']);
  });

  it('refuses begins beyond its limit at once', async () => {
    const log = await openSampleLog(newFile(), { limits: { maxQueued: 10 } });
    const begins = Array.from({ length: 20 }, () => log.begin(sampleRow(log.nextId())));
    const results = await Promise.allSettled(begins);
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(10);
    expect(results.at(-1)).toMatchObject({ reason: unavailable });
  });

  it('turns a flood of rejections into a few rows and one that counts the rest', async () => {
    const file = newFile();
    const log = await openSampleLog(file, { limits: { rejectionsPerClient: 3, rejectionsInAll: 10 } });
    for (let index = 0; index < 10_000; index += 1) log.reject(sampleRejection());
    await log.close();
    const summary = `SELECT rejection_message FROM requests WHERE rejection_code = '${rejectionSummaryCode}'`;
    expect(read(file, 'SELECT count(*) FROM requests')).toEqual([4]);
    expect(read(file, summary)).toEqual([expect.stringMatching(/^9997 more rejections/)]);
  });

  it.each([
    ['a request within its time', 50, false],
    ['a rejection at once', 3_600_000, true],
  ])('syncs %s', async (_name, syncMs, rejected) => {
    const synced: string[] = [];
    const syncFile = async (path: string) => void synced.push(path);
    const file = newFile();
    const log = await openSampleLog(file, { syncFile, limits: { syncMs } });
    if (rejected) log.reject(sampleRejection());
    else await log.begin(sampleRow(log.nextId()));
    await vi.waitFor(() => expect(synced).toEqual([`${file}-wal`]), patient);
  });

  it('has synced all by the time flush resolves', async () => {
    const syncFile = vi.fn(async () => {});
    const log = await openSampleLog(newFile(), { syncFile, limits: { syncMs: 3_600_000 } });
    await log.begin(sampleRow(log.nextId()));
    expect(syncFile).not.toHaveBeenCalled();
    await log.flush();
    expect(syncFile).toHaveBeenCalledOnce();
  });

  it('applies retention at its start, by its own clock, and when the settings change', async () => {
    const file = newFile();
    const first = await openSampleLog(file);
    const ids = Array.from({ length: 100 }, () => first.nextId());
    await Promise.all(ids.map((id) => first.begin(sampleRow(id, { sentAt: 1_000_000 + id }))));
    for (const id of ids) first.finish(id, sampleOutcome);
    await first.close();
    const now = () => 1_000_000 + 10 * 86_400_000;
    const second = await openSampleLog(file, { now, retentionDays: 11 });
    expect(await second.recent(1000)).toHaveLength(100);
    second.applySettings({ retentionDays: 9, maxSizeMb: 1024 });
    await vi.waitFor(async () => expect(await second.recent(1000)).toHaveLength(1), patient);
  });

  it.each([0, -1, 1.5, NaN, 2 ** 31])('refuses %s as a limit', async (probeMs) => {
    await expect(openSampleLog(newFile(), { limits: { probeMs } })).rejects.toMatchObject({ code: 'usage' });
  });

  it.each([0, 10_001, 1.5, NaN])('refuses to read %s rows', async (limit) => {
    const log = await openSampleLog(newFile());
    await expect(log.recent(limit)).rejects.toMatchObject({ code: 'usage' });
  });
});
