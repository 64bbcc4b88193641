// The faults that the inspector meets: a thread that dies, a process that was killed, values without end. It answers the
// truth afterwards, by itself.
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openDatabase } from './database.ts';
import { Inspector } from './inspector.ts';
import { FreeTexts } from './query/texts.ts';
import { startReaderThread } from './reader/reader-host.ts';
import type { StartReader } from './reader/reader-host.ts';
import { encodeBegin, encodeCapture, encodeFinish } from './rows.ts';
import { fillSampleLog, openSampleInspector, query, samplePayload } from './sample-inspector.ts';
import {
  onRelease,
  openSampleLog,
  releaseSamples,
  sampleOutcome,
  sampleRow,
  temporaryFolder,
} from './sample-rows.ts';
import { Writer } from './writer.ts';

afterEach(releaseSamples);

const patient = { timeout: 10_000, interval: 5 };

function newFile(): string {
  return join(temporaryFolder(), 'log.db');
}

/** What a process leaves that was killed between a payload's commit and its indexing. */
function killedFile(): string {
  const file = newFile();
  const db = openDatabase({ file, lockWaitMs: 50, interruptRunning: false });
  const writer = new Writer(db);
  writer.write([encodeBegin(sampleRow(1), new Set()), encodeCapture(1, samplePayload)]);
  writer.write([encodeFinish(1, sampleOutcome), encodeBegin(sampleRow(2), new Set())]);
  db.close();
  return file;
}

describe('Inspector, when something fails', () => {
  it('starts a dead thread again, and tells those who waited', async () => {
    const threads: Worker[] = [];
    const startReader: StartReader = (start) => {
      const thread = startReaderThread(start);
      threads.push(thread);
      return thread;
    };
    const log = await openSampleLog(newFile());
    await fillSampleLog(log, 200);
    const inspector = await openSampleInspector(log, { startReader });
    const asked = Array.from({ length: 50 }, () => inspector.count('')).map((count) =>
      count.then(String, String),
    );
    await threads[0]!.terminate();
    await Promise.all(asked);
    await vi.waitFor(async () => expect(await inspector.count('')).toMatchObject({ count: 200 }), patient);
    expect(threads).toHaveLength(2);
  });

  it('finds a payload that a killed process had not indexed, before and after that is made good', async () => {
    const file = killedFile();
    const db = openDatabase({ file, lockWaitMs: 50, interruptRunning: false });
    onRelease(() => void db.close());
    const found = new FreeTexts(db).find('geheime zut');
    expect([1, 2].filter((id) => found(id))).toEqual([1]);
    const log = await openSampleLog(file);
    const inspector = await openSampleInspector(log);
    const left = db.prepare('SELECT count(*) FROM payloads WHERE indexed = 0').pluck();
    await vi.waitFor(() => expect(left.get()).toBe(0), patient);
    expect((await inspector.page(query({ filter: 'zutat' }))).rows).toMatchObject([
      { id: 1, captured: true },
    ]);
    expect((await inspector.page(query({ filter: 'status:interrupted' }))).rows).toMatchObject([{ id: 2 }]);
  });

  it('holds no more values than its limit, and answers all the same', async () => {
    const log = await openSampleLog(newFile());
    const inspector = await openSampleInspector(log, { limits: { maxWordBytes: 100_000 } });
    const ids = Array.from({ length: 3000 }, () => log.nextId());
    const wide = (id: number) => sampleRow(id, { clientId: `client-${id}-${'x'.repeat(100)}` });
    for (const half of [ids.slice(0, 1500), ids.slice(1500)]) {
      await Promise.all(half.map((id) => log.begin(wide(id))));
      expect(await inspector.count('client:client-1-*')).toMatchObject({ count: 1 });
    }
    expect(await inspector.count('client:client-1-*,client-1500-*,client-2999-*')).toMatchObject({
      count: 3,
    });
    expect(await inspector.count('')).toMatchObject({ count: 3000 });
  });

  it('refuses queries after close, and those that were under way', async () => {
    const log = await openSampleLog(newFile());
    const inspector = await Inspector.open({ log });
    const waiting = expect(inspector.count('')).rejects.toMatchObject({ code: 'shutting_down' });
    await inspector.close();
    await waiting;
    await expect(inspector.count('')).rejects.toMatchObject({ code: 'shutting_down' });
  });

  it('gives up payloads over the limit of bytes that may wait, and counts them', async () => {
    const log = await openSampleLog(newFile(), { limits: { maxQueuedPayloadBytes: 1000 } });
    const id = log.nextId();
    await log.begin(sampleRow(id));
    const big = { ...samplePayload, text: 'x'.repeat(600) };
    log.capture(id, big);
    log.capture(id, { ...big, direction: 'answer' });
    expect(log.dropped).toBe(1);
    await log.flush();
    log.capture(id, { ...big, direction: 'answer' });
    await log.flush();
    expect(log.dropped).toBe(1);
  });
});
