// The queue against a worker that the test plays, message by message.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { CommitQueue } from './commit-queue.ts';
import { controlWord, maxBatch } from './protocol.ts';
import { encodeBegin, encodeFinish, encodeRejection } from './rows.ts';
import type { Operation } from './rows.ts';
import { sampleOutcome, sampleRejection, sampleRow } from './sample-rows.ts';

const none: ReadonlySet<string> = new Set();
const begin = (id: number) => encodeBegin(sampleRow(id), none);
const finish = (id: number) => encodeFinish(id, sampleOutcome);
const full = new GatehouseError('log_unavailable', 'The disk is full.');

function queueWithWorker() {
  const control = new Int32Array(new SharedArrayBuffer(8));
  const messages: (readonly Operation[])[] = [];
  const post = (operations: readonly Operation[]) => void messages.push(operations);
  const queue = new CommitQueue({
    maxQueued: 5000,
    maxQueuedPayloadBytes: 1,
    onCommitted: () => {},
    onFailed: () => {},
  });
  queue.attach(post, control);
  /** Commits `count` operations, and says so where the queue has asked to be told. */
  const commit = (count: number) => {
    Atomics.add(control, controlWord.committed, count);
    if (Atomics.exchange(control, controlWord.sleeping, 0) === 1) queue.notice();
  };
  return { queue, messages, post, commit };
}

/** Long enough for the queue to stop looking by itself. */
const untilAsleep = () => sleep(20);

async function stateOf(promise: Promise<void>): Promise<string> {
  return Promise.race([promise.then(() => 'committed'), sleep(0, 'pending')]);
}

describe('CommitQueue', () => {
  it('sends the first begin at once, and the rest of the turn as one message', async () => {
    const { queue, messages, commit } = queueWithWorker();
    const begins = [1, 2, 3, 4].map((id) => queue.commit(begin(id)));
    expect(messages.map((message) => message.length)).toEqual([1]);
    await untilAsleep();
    expect(messages.map((message) => message.length)).toEqual([1, 3]);
    commit(4);
    await Promise.all(begins);
  });

  it('resolves a begin when it is committed, not when it is sent, and no other one', async () => {
    const { queue, commit } = queueWithWorker();
    const [one, two] = [queue.commit(begin(1)), queue.commit(begin(2))];
    await untilAsleep();
    commit(1);
    await one;
    expect(await stateOf(two)).toBe('pending');
    await untilAsleep();
    commit(1);
    await two;
  });

  it('lets an end travel with the next begin, ahead of it', () => {
    const { queue, messages } = queueWithWorker();
    queue.add(finish(1));
    expect(messages).toEqual([]);
    void queue.commit(begin(2));
    expect(messages).toEqual([[finish(1), begin(2)]]);
  });

  it('sends an end alone soon after', async () => {
    const { queue, messages, commit } = queueWithWorker();
    queue.add(finish(1));
    await untilAsleep();
    expect(messages).toEqual([[finish(1)]]);
    commit(1);
  });

  it('cuts a long queue into messages of bounded length', async () => {
    const { queue, messages } = queueWithWorker();
    for (let id = 1; id <= 2 * maxBatch + 7; id += 1) queue.add(finish(id));
    await untilAsleep();
    expect(messages.map((message) => message.length)).toEqual([maxBatch, maxBatch, 7]);
  });

  it('after a failure refuses begins and sends the rest again, in order', async () => {
    const { queue, messages, post, commit } = queueWithWorker();
    const done = queue.commit(begin(1));
    const lost = queue.commit(begin(2));
    queue.add(finish(1));
    queue.add(encodeRejection(sampleRejection(), 3));
    await untilAsleep();
    commit(1);
    queue.fail(full, false);
    await done;
    await expect(lost).rejects.toBe(full);
    queue.add(finish(9));
    messages.length = 0;
    await untilAsleep();
    expect(messages).toEqual([]);
    queue.resume(post);
    await untilAsleep();
    expect(messages).toEqual([[finish(1), encodeRejection(sampleRejection(), 3), finish(9)]]);
  });

  it('ends the row of a begin that a dead worker may have committed', async () => {
    const { queue, messages } = queueWithWorker();
    const lost = queue.commit(begin(7));
    queue.fail(full, true);
    await expect(lost).rejects.toBe(full);
    messages.length = 0;
    queue.attach((operations) => void messages.push(operations), new Int32Array(new SharedArrayBuffer(8)));
    await untilAsleep();
    const nothing = { durationMs: 0, bytesRead: 0, bytesWritten: 0 };
    const end = encodeFinish(7, { ...nothing, status: 'FAILED', errorCode: 'log_unavailable' });
    expect(messages).toEqual([[end]]);
  });
});
