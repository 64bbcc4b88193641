// When the log is synced: at once, later, or again; never twice at a time.
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { releaseSamples, temporaryFolder } from './sample-rows.ts';
import { syncFileData, WalSync } from './wal-sync.ts';

afterEach(releaseSamples);

/** A disk whose syncs end when the test says so. */
function slowDisk() {
  const pending: PromiseWithResolvers<undefined>[] = [];
  const syncFile = async (): Promise<void> => {
    const sync = Promise.withResolvers<undefined>();
    pending.push(sync);
    await sync.promise;
  };
  return { pending, syncFile };
}

describe('WalSync', () => {
  it('joins what comes during a sync into one that follows', async () => {
    const { pending, syncFile } = slowDisk();
    const sync = new WalSync('log.db', 10_000, syncFile);
    for (let call = 0; call < 5; call += 1) sync.now();
    expect(pending).toHaveLength(1);
    pending[0]!.resolve(undefined);
    await vi.waitFor(() => expect(pending).toHaveLength(2), { timeout: 10_000 });
    pending[1]!.resolve(undefined);
    await sync.close();
    expect(pending).toHaveLength(2);
  });

  it('waits with ordinary commits for its delay, counted from the first', async () => {
    vi.useFakeTimers();
    const syncFile = vi.fn(async () => {});
    const sync = new WalSync('log.db', 1000, syncFile);
    sync.soon();
    vi.advanceTimersByTime(900);
    sync.soon();
    expect(syncFile).not.toHaveBeenCalled();
    vi.advanceTimersByTime(100);
    expect(syncFile).toHaveBeenCalledOnce();
    vi.useRealTimers();
    await sync.close();
  });

  it('reports a disk that fails to who asks, and goes on', async () => {
    const syncFile = vi.fn(async () => Promise.reject(new Error('EIO')));
    const sync = new WalSync('log.db', 1000, syncFile);
    sync.now();
    await expect(sync.settled()).rejects.toThrow('EIO');
    sync.now();
    await sync.close();
    expect(syncFile).toHaveBeenCalledTimes(3);
  });

  it('takes a missing WAL as synced: its last user has put it into the database', async () => {
    await expect(syncFileData(join(temporaryFolder(), 'log.db-wal'))).resolves.toBeUndefined();
  });
});
