// A task: what a person starts and waits for.
import { describe, expect, it } from 'vitest';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { Task } from './task.svelte.ts';

describe('Task', () => {
  it('is busy while it runs, and a second start meanwhile does nothing', async () => {
    const task = new Task();
    let runs = 0;
    const gate = Promise.withResolvers<string>();
    const work = () => {
      runs += 1;
      return gate.promise;
    };
    const first = task.run(work);
    expect(task.busy).toBe(true);
    expect(await task.run(work)).toBeUndefined();
    gate.resolve('done');
    expect(await first).toBe('done');
    expect([runs, task.busy]).toEqual([1, false]);
  });

  it('keeps the failure until the next start', async () => {
    const task = new Task();
    await task.run(() => Promise.reject(new GatehouseError('timeout', 'Too late.')));
    expect(task.problem?.code).toBe('timeout');
    await task.run(async () => 1);
    expect(task.problem).toBeNull();
  });

  it('gives what is no error of ours a code', async () => {
    const task = new Task();
    await task.run(() => Promise.reject(new TypeError('x is not a function')));
    expect(task.problem?.code).toBe('internal');
  });
});
