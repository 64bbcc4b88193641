// The list that lives, against a service that answers when the test lets it: one page at a time, ten looks a second, and
// nothing that moves by itself once a person has chosen a row.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { LiveList } from './requests-live-list.svelte.ts';
import type { ReadRows } from './requests-page-reader.ts';
import type { Fetch, Row } from './requests-window.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A log of so many rows, newest first, that answers after some milliseconds and counts what is under way. */
function service(rows: number, latencyMs = 1) {
  const told = { newest: rows, fetches: [] as Fetch[], most: 0, aborted: 0 };
  let running = 0;
  const read: ReadRows<Row> = async (fetch, limit, signal) => {
    told.fetches.push(fetch);
    told.most = Math.max(told.most, (running += 1));
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, latencyMs);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve(undefined);
      });
    });
    running -= 1;
    if (signal.aborted) {
      told.aborted += 1;
      throw new GatehouseError('cancelled', 'Cancelled.');
    }
    const top = 'id' in fetch ? Math.min(told.newest, fetch.id + limit / 2) : told.newest;
    const ids = Array.from({ length: Math.min(limit, top) }, (_, index) => top - index);
    const last = ids.at(-1) ?? 1;
    return {
      rows: ids.map((id) => ({ id })),
      next: last > 1 ? String(last) : null,
      previous: top < told.newest ? String(top) : null,
      newestId: told.newest,
    };
  };
  return { read, told };
}

async function started(rows = 10_000, latencyMs = 1) {
  const { read, told } = service(rows, latencyMs);
  const list = new LiveList<Row>();
  list.resize(560);
  list.ask(read, null);
  await vi.advanceTimersByTimeAsync(latencyMs + 1);
  return { list, told };
}

async function busy(list: LiveList<Row>, told: { newest: number }, ms: number) {
  for (let at = 0; at < ms; at += 5) {
    told.newest += 50;
    list.changed(told.newest);
    await vi.advanceTimersByTimeAsync(5);
  }
}

const topId = (list: LiveList<Row>) => list.view.lines.find(({ y }) => y === 0)?.row?.id;

describe('LiveList', () => {
  it('looks ten times a second at most, however fast the log grows, and never twice at once', async () => {
    const { list, told } = await started();
    told.fetches.length = 0;
    await busy(list, told, 2000);
    expect(told.fetches.length).toBeGreaterThan(15);
    expect(told.fetches.length).toBeLessThanOrEqual(21);
    expect(told.most).toBe(1);
    expect(topId(list)).toBeGreaterThan(told.newest - 1200);
  });

  it('looks less often where the service takes long', async () => {
    const { list, told } = await started(10_000, 300);
    told.fetches.length = 0;
    await busy(list, told, 3000);
    expect(told.fetches.length).toBeLessThanOrEqual(6);
  });

  it('stays where it is once a row is chosen, and counts what is newer', async () => {
    const { list, told } = await started();
    list.move(1);
    const before = topId(list);
    await busy(list, told, 1000);
    expect([list.following, topId(list), list.newestId - list.seenId]).toEqual([false, before, 10_000]);
  });

  it('is not taken back to its head by a page that was under way when a person scrolled', async () => {
    const { list, told } = await started(10_000, 50);
    await vi.advanceTimersByTimeAsync(200);
    told.newest += 100;
    list.changed(told.newest);
    await vi.advanceTimersByTimeAsync(10);
    list.scrollBy(280);
    const before = topId(list);
    await vi.advanceTimersByTimeAsync(2000);
    expect(topId(list)).toBe(before);
    list.scrollBy(-10_000);
    await vi.advanceTimersByTimeAsync(2000);
    expect(topId(list)).toBe(told.newest);
  });

  it('stays where it is while paused, and reads nothing', async () => {
    const { list, told } = await started();
    list.pause();
    told.fetches.length = 0;
    const before = topId(list);
    await busy(list, told, 1000);
    expect([told.fetches, topId(list)]).toEqual([[], before]);
    list.resume();
    await vi.advanceTimersByTimeAsync(5);
    expect(topId(list)).toBe(told.newest);
  });

  it('goes back to a chosen row that is no longer in memory before it moves on', async () => {
    const { list, told } = await started();
    list.choose(5000);
    list.move(1);
    await vi.advanceTimersByTimeAsync(5);
    expect(told.fetches).toContainEqual({ kind: 'at', id: 5000 });
    expect(list.chosenId).toBe(4999);
  });

  it('ends a page that nobody waits for any more', async () => {
    const { list, told } = await started(10_000, 50);
    list.toEnd();
    list.scrollToShare(0.5);
    await vi.advanceTimersByTimeAsync(200);
    expect([told.aborted, told.most]).toEqual([1, 1]);
  });

  it('tells that it searches when that takes long, and can be cancelled and asked again', async () => {
    const { read } = service(100, 5000);
    const list = new LiveList<Row>();
    list.resize(560);
    list.ask(read, null);
    await vi.advanceTimersByTimeAsync(300);
    expect([list.waiting, list.slow]).toEqual([true, true]);
    list.cancel();
    await vi.advanceTimersByTimeAsync(1);
    expect([list.slow, list.cancelled, list.problem]).toEqual([false, true, null]);
    list.retry();
    await vi.advanceTimersByTimeAsync(5001);
    expect([list.waiting, list.cancelled, list.view.rows]).toEqual([false, false, 100]);
  });

  it('keeps the rows of the old question until the new one is answered', async () => {
    const { list } = await started();
    const { read } = service(3, 100);
    list.ask(read, null);
    expect([list.waiting, list.view.rows > 0]).toEqual([true, true]);
    await vi.advanceTimersByTimeAsync(101);
    expect([list.waiting, list.view.rows]).toEqual([false, 3]);
  });

  it('shows why a page failed, and tries again where rows are there', async () => {
    const { list, told } = await started();
    const failing: ReadRows<Row> = () => Promise.reject(new GatehouseError('log_unavailable', 'Full.'));
    list.ask(failing, null);
    await vi.advanceTimersByTimeAsync(1);
    expect(list.problem?.code).toBe('log_unavailable');
    expect(told.most).toBe(1);
  });
});
