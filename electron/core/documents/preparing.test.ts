// Documents that take longer to read and encrypt than a caller waits.
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { oncePrepared } from '../../../shared/device/preparing.ts';
import type { Preparing } from '../../../shared/device/preparing.ts';
import { anna, decrypt, SampleDocuments } from './documents-samples.ts';
import { UnderWay } from './under-way.ts';

const length = 96 * 1024 * 1024;
/** A file that was written less than so many milliseconds ago is read again at the next request. */
const settledMs = 3_100;

describe('a document that takes long', () => {
  let sample: SampleDocuments;
  beforeEach(async () => {
    sample = await SampleDocuments.open({ answerWithinMs: 40 });
  });
  afterEach(() => sample.close());

  it('is being prepared, with how far it is, and there when it is asked for again; it is read once', async () => {
    const content = await sample.putRandom('a.bin', length);
    await delay(settledMs);
    const seen: Preparing[] = [];
    const answer = await oncePrepared(() => sample.get('a.bin'), {
      onPreparing: (progress) => seen.push(progress),
    });
    expect(seen.length).toBeGreaterThan(0);
    // Where there is nothing left to read but a busy machine is late with the answer, nothing of nothing is done.
    const read = seen.filter(({ total }) => total > 0);
    expect(new Set(read.map(({ total }) => total))).toEqual(new Set([2 * length]));
    expect(read.map(({ done }) => done)).toEqual(read.map(({ done }) => done).sort((a, b) => a - b));
    expect((await decrypt(answer, await sample.ciphertext(answer))).equals(content)).toBe(true);
    // Nobody was sent a key before it was ready.
    const query = { collection: null, document: null, cursor: null, limit: 9 };
    expect(sample.documents.fetches(query).fetches).toHaveLength(1);
  });

  it('is being prepared for those too who ask for its versions, or for the content itself', async () => {
    await sample.putRandom('a.bin', length);
    const wanted = { collection: 'files', name: 'a.bin' };
    const preparing = { code: 'document_preparing' };
    await expect(sample.documents.versions(wanted)).rejects.toMatchObject(preparing);
    const { versions } = await oncePrepared(() => sample.documents.versions(wanted));
    expect(versions).toMatchObject([{ size: length, current: true }]);
    await expect(sample.documents.content(wanted, 0, anna)).rejects.toMatchObject(preparing);
  });

  it('that cannot be prepared is told so to whoever was sent away', async () => {
    await sample.putRandom('a.bin', length);
    const file = await open(join(sample.folder, 'a.bin'), 'r+');
    let writing = true;
    const writer = (async () => {
      for (let at = 0; writing; at += 1) {
        await file.write(Buffer.from([at & 255]), 0, 1, at % 1000);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    let sentAway = 0;
    const answer = oncePrepared(() => sample.get('a.bin'), { onPreparing: () => (sentAway += 1) });
    await expect(answer).rejects.toMatchObject({ code: 'document_changing' });
    expect(sentAway).toBeGreaterThan(0);
    writing = false;
    await writer;
    await file.close();
  });
});

describe('work under way', () => {
  afterEach(() => vi.useRealTimers());

  it('is begun once for all who ask, and answers each within its time', async () => {
    vi.useFakeTimers();
    const underWay = new UnderWay<string>(5_000);
    let begun = 0;
    let finish: (result: string) => void = () => undefined;
    const run = (progress: { done: number; total: number }): Promise<string> => {
      begun += 1;
      Object.assign(progress, { done: 3, total: 9 });
      return new Promise((resolve) => (finish = resolve));
    };
    const early = expect(underWay.result('a', run)).rejects.toMatchObject({
      code: 'document_preparing',
      details: { done: 3, total: 9, retryAfterMs: 1_000 },
    });
    await vi.advanceTimersByTimeAsync(3_000);
    const late = underWay.result('a', run);
    await vi.advanceTimersByTimeAsync(2_000);
    await early;
    finish('done');
    expect(await late).toBe('done');
    expect(begun).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
    void underWay.result('a', run);
    expect(begun).toBe(2);
  });

  it('keeps a failure for those who were sent away, for a while', async () => {
    vi.useFakeTimers();
    const underWay = new UnderWay<string>(5_000);
    let begun = 0;
    let fail: (error: Error) => void = () => undefined;
    const run = (): Promise<string> => {
      begun += 1;
      return new Promise((_, reject) => (fail = reject));
    };
    const sentAway = expect(underWay.result('a', run)).rejects.toMatchObject({ code: 'document_preparing' });
    await vi.advanceTimersByTimeAsync(5_000);
    await sentAway;
    fail(new GatehouseError('storage_failed', 'x'));
    await vi.advanceTimersByTimeAsync(1_000);
    await expect(underWay.result('a', run)).rejects.toMatchObject({ code: 'storage_failed' });
    expect(begun).toBe(1);
    await vi.advanceTimersByTimeAsync(15_000);
    underWay.result('a', run).catch(() => undefined);
    expect(begun).toBe(2);
  });
});
