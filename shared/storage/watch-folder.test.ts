// The folder watch: told within a second, once per burst, never in parallel, and silent after the end.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatehouseError } from '../contracts/errors.ts';
import { writeFileAtomic } from './atomic-file.ts';
import { watchFolder } from './watch-folder.ts';

const state = vi.hoisted(() => ({ inotify: true }));
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const watch = (...args: Parameters<typeof fs.watch>) => {
    if (!state.inotify) throw Object.assign(new Error('no inotify'), { code: 'ENOSPC' });
    return fs.watch(...args);
  };
  return { ...fs, watch };
});

let folder = '';
let stop: () => void = () => undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-watch-'));
});
afterEach(async () => {
  stop();
  state.inotify = true;
  await rm(folder, { recursive: true, force: true });
});

async function startQuietly(path = folder, options = {}): Promise<ReturnType<typeof vi.fn>> {
  const onChange = vi.fn<() => void>();
  stop = watchFolder(path, onChange, options);
  await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(1));
  await delay(100);
  onChange.mockClear();
  return onChange;
}
const within = (ms: number) => ({ timeout: ms, interval: 10 });

describe.each([true, false])('watchFolder with inotify: %s', (inotify) => {
  beforeEach(() => {
    state.inotify = inotify;
  });

  it('tells of new, replaced, rewritten and removed files within a second', async () => {
    const onChange = await startQuietly();
    const path = join(folder, 'a.json');
    const changes = [
      () => writeFile(path, '1'),
      () => writeFileAtomic(path, '2'),
      () => writeFile(path, '33'),
      () => rm(path),
    ];
    for (const change of changes) {
      onChange.mockClear();
      await change();
      await vi.waitFor(() => expect(onChange).toHaveBeenCalled(), within(1000));
      await delay(650);
    }
  });

  it('sees a folder that appears after the start', async () => {
    const later = join(folder, 'later');
    const onChange = await startQuietly(later);
    await mkdir(later);
    await writeFile(join(later, 'a'), '1');
    await vi.waitFor(() => expect(onChange).toHaveBeenCalled(), within(1000));
  });

  it('is silent about files that do not concern it, lock files and temporary files', async () => {
    const onChange = await startQuietly(folder, { concerns: (name: string) => name === 'mine' });
    await writeFile(join(folder, 'other'), '1');
    await writeFile(join(folder, '.mine.lock'), '1');
    await delay(700);
    expect(onChange).not.toHaveBeenCalled();
  });
});

describe('watchFolder', () => {
  it('calls once for a burst of changes', async () => {
    const onChange = await startQuietly();
    for (let i = 0; i < 10; i += 1) await writeFile(join(folder, String(i)), '');
    await delay(400);
    expect(onChange.mock.calls.length).toBeLessThanOrEqual(2);
    expect(onChange).toHaveBeenCalled();
  });

  it('never calls in parallel, and calls again for a change during a call', async () => {
    let running = 0;
    let most = 0;
    let calls = 0;
    stop = watchFolder(folder, async () => {
      calls += 1;
      most = Math.max(most, (running += 1));
      await delay(150);
      running -= 1;
    });
    await vi.waitFor(() => expect(running).toBe(1));
    await writeFile(join(folder, 'a'), '');
    await vi.waitFor(() => expect(calls).toBe(2));
    expect(most).toBe(1);
  });

  it('calls again until a failing reader works, and reports the same problem once', async () => {
    const onProblem = vi.fn<(problem: GatehouseError) => void>();
    let calls = 0;
    const onChange = () => {
      calls += 1;
      return calls < 3 ? Promise.reject(new GatehouseError('storage_failed', 'broken')) : Promise.resolve();
    };
    stop = watchFolder(folder, onChange, { onProblem });
    await vi.waitFor(() => expect(calls).toBe(3), within(3000));
    expect(onProblem).toHaveBeenCalledOnce();
    await delay(700);
    expect(calls).toBe(3);
  });

  it('says nothing after the unsubscribe', async () => {
    const onChange = await startQuietly();
    await writeFile(join(folder, 'a'), '');
    stop();
    await delay(700);
    expect(onChange).not.toHaveBeenCalled();
  });
});
