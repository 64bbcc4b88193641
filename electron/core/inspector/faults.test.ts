// The faults that a running log meets: a locked database, a batch that fails, a thread that dies. Work is
// refused, nothing that was acknowledged or queued is lost, and the log comes back by itself.
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import DatabaseConstructor from 'better-sqlite3';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { maxBatch } from './protocol.ts';
import {
  onRelease,
  openSampleLog,
  releaseSamples,
  sampleOutcome,
  sampleRejection,
  sampleRow,
  temporaryFolder,
} from './sample-rows.ts';
import { startThread } from './worker-host.ts';
import type { StartWorker } from './worker-host.ts';

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

/** Holds the write lock until the returned function is called or the test ends. */
function lock(file: string): () => void {
  const db = new DatabaseConstructor(file);
  db.exec('BEGIN IMMEDIATE');
  onRelease(() => void db.close());
  return () => void db.close();
}

/** A worker starter whose threads the test can end. */
function endableThreads(): { startWorker: StartWorker; threads: Worker[] } {
  const threads: Worker[] = [];
  const startWorker: StartWorker = (start) => {
    const thread = startThread(start);
    threads.push(thread);
    return thread;
  };
  return { startWorker, threads };
}

const quick = { lockWaitMs: 20, probeMs: 50 };
/** For `vi.waitFor`, on a machine that does much else. */
const patient = { timeout: 10_000, interval: 5 };
const unavailable = { code: 'log_unavailable' };

describe('RequestLog, when something fails', () => {
  it('refuses work while the database is locked, keeps the ends, and recovers by itself', async () => {
    const file = newFile();
    const log = await openSampleLog(file, { limits: { ...quick, lockWaitMs: 500 } });
    await log.begin(sampleRow(log.nextId()));
    const unlock = lock(file);
    await expect(log.begin(sampleRow(log.nextId()))).rejects.toMatchObject(unavailable);
    expect(log.available).toBe(false);
    const started = performance.now();
    await expect(log.begin(sampleRow(log.nextId()))).rejects.toThrow(/another program holds it locked/);
    await expect(log.flush()).rejects.toMatchObject(unavailable);
    expect(performance.now() - started).toBeLessThan(400);
    log.finish(1, sampleOutcome);
    log.reject(sampleRejection());
    unlock();
    await vi.waitFor(() => expect(log.available).toBe(true), patient);
    await log.begin(sampleRow(log.nextId()));
    const statuses = read(file, 'SELECT status FROM requests ORDER BY id');
    expect(statuses).toEqual(['SUCCESS', 'REJECTED', 'RUNNING']);
    expect(log.dropped).toBe(0);
  });

  it('keeps no more than its limit while it cannot write, and counts the rest', async () => {
    const file = newFile();
    const log = await openSampleLog(file, { limits: { ...quick, maxQueued: 100 } });
    const unlock = lock(file);
    await expect(log.begin(sampleRow(log.nextId()))).rejects.toMatchObject(unavailable);
    for (let id = 1; id <= 150; id += 1) log.finish(id, sampleOutcome);
    expect(log.dropped).toBe(50);
    unlock();
    await vi.waitFor(() => expect(log.available).toBe(true), patient);
    await vi.waitFor(() => log.flush(), patient);
  });

  it('starts a dead worker again and loses nothing that was queued', async () => {
    const { startWorker, threads } = endableThreads();
    const file = newFile();
    const log = await openSampleLog(file, { startWorker });
    await log.begin(sampleRow(log.nextId()));
    const cut = log.begin(sampleRow(log.nextId()));
    log.finish(1, sampleOutcome);
    const ended = threads[0]!.terminate();
    const outcome = await cut.then(
      () => 'RUNNING',
      () => 'FAILED',
    );
    await ended;
    await vi.waitFor(() => expect(log.available).toBe(true), patient);
    await log.begin(sampleRow(log.nextId()));
    const rows = (await log.recent(10)).map((row) => [row.id, row.status]);
    expect(rows[0]).toEqual([3, 'RUNNING']);
    expect(rows.at(-1)).toEqual([1, 'SUCCESS']);
    // Whether the worker had committed it or not, its row agrees with what its caller was told.
    if (rows.length === 3) expect(rows[1]).toEqual([2, outcome]);
    else expect(outcome).toBe('FAILED');
  });

  it('refuses every begin that a dying worker had not acknowledged', async () => {
    const { startWorker, threads } = endableThreads();
    const file = newFile();
    const log = await openSampleLog(file, { startWorker });
    const begins = Array.from({ length: 2000 }, () => log.begin(sampleRow(log.nextId())));
    const settled = Promise.allSettled(begins);
    await threads[0]!.terminate();
    const results = await settled;
    await vi.waitFor(() => expect(log.available).toBe(true), patient);
    await log.flush();
    const running = new Set(read(file, "SELECT id FROM requests WHERE status = 'RUNNING'"));
    results.forEach((result, index) => {
      expect(running.has(index + 1)).toBe(result.status === 'fulfilled');
    });
  });

  it('brings a certificate again that somebody removed from the file', async () => {
    const file = newFile();
    const log = await openSampleLog(file, { limits: quick });
    await log.begin(sampleRow(log.nextId()));
    const other = new DatabaseConstructor(file);
    other.exec('DELETE FROM requests; DELETE FROM certificates');
    other.close();
    await expect(log.begin(sampleRow(log.nextId()))).rejects.toMatchObject(unavailable);
    await vi.waitFor(() => expect(log.available).toBe(true), patient);
    await log.begin(sampleRow(log.nextId()));
    expect((await log.recent(1))[0]!.certificate).toEqual(sampleRow(1).certificate);
  });

  it('writes nothing that was sent behind a failed batch', async () => {
    const file = newFile();
    const log = await openSampleLog(file, { limits: quick });
    const ids = Array.from({ length: 1 + 3 * maxBatch }, () => log.nextId());
    // The same id twice in the second batch: the third is on its way before anybody knows.
    ids[1 + maxBatch] = ids[1 + maxBatch - 1]!;
    const results = await Promise.allSettled(ids.map((id) => log.begin(sampleRow(id))));
    await vi.waitFor(() => expect(log.available).toBe(true), patient);
    await log.flush();
    const begun = ids.filter((_, index) => results[index]!.status === 'fulfilled');
    expect(read(file, 'SELECT id FROM requests ORDER BY id')).toEqual(begun);
    expect(begun.length).toBeLessThan(ids.length);
  });
});
