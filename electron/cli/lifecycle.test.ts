// How a running command ends: the first signal drains it, one Ctrl-C is never taken for two, another one cuts it off.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runUntilSignal } from './lifecycle.ts';

let handlers: { signal: string; run: () => void }[] = [];

beforeEach(() => {
  handlers = [];
  vi.useFakeTimers();
  vi.spyOn(process, 'on').mockImplementation((signal, run) => {
    handlers.push({ signal: String(signal), run: run as () => void });
    return process;
  });
  vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

function raise(signal: string): void {
  for (const each of handlers) if (each.signal === signal) each.run();
}

describe('runUntilSignal', () => {
  it.each(['SIGTERM', 'SIGINT'])('stops once at %s and resolves when all has stopped', async (signal) => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const stop = vi.fn(() => promise);
    const over = vi.fn();
    void runUntilSignal({ stop }, {}).then(over);
    expect(stop).not.toHaveBeenCalled();
    raise(signal);
    await vi.advanceTimersByTimeAsync(10);
    expect([stop.mock.calls.length, over.mock.calls.length]).toEqual([1, 0]);
    resolve(undefined);
    await vi.advanceTimersByTimeAsync(10);
    expect(over).toHaveBeenCalledOnce();
    expect(process.exit).not.toHaveBeenCalled();
  });

  it('takes the signal that npm passes on beside the terminal for the same one', async () => {
    const stop = vi.fn(() => new Promise<void>(() => undefined));
    void runUntilSignal({ stop }, {});
    raise('SIGINT');
    await vi.advanceTimersByTimeAsync(100);
    raise('SIGINT');
    raise('SIGTERM');
    expect(stop).toHaveBeenCalledOnce();
    expect(process.exit).not.toHaveBeenCalled();
  });

  it('is cut off by a later signal', async () => {
    void runUntilSignal({ stop: () => new Promise<void>(() => undefined) }, {});
    raise('SIGTERM');
    await vi.advanceTimersByTimeAsync(600);
    raise('SIGTERM');
    expect(process.exit).toHaveBeenCalledWith(1);
  });

  it('prints why stopping failed, and is over all the same', async () => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const over = runUntilSignal({ stop: () => Promise.reject(new Error('No.')) }, {});
    raise('SIGTERM');
    await over;
    expect(process.exitCode).toBe(1);
  });
});
