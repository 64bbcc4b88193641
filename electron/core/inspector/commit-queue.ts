// What waits on the main thread: operations not yet sent, and operations sent and not yet committed.
// Sends the first one at once, and while the worker is busy all that gathers in a turn as one message.
// Must never resolve a begin before its commit, nor hold more operations than its limit.
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { controlBytes, controlWord, maxBatch } from './protocol.ts';
import { bodyBytes, encodeFinish, operationKind } from './rows.ts';
import type { Operation } from './rows.ts';

/**
 * How long the main thread waits for the acknowledgement in shared memory, once for each message, in
 * milliseconds. A commit takes 30 µs, and waking a sleeping event loop 50 more. Waiting leaves the core to others
 * (the client, the relay, the worker itself), where looking again and again would take it from them.
 */
const waitMs = 0.1;

/** An end is in no hurry: it waits this many milliseconds for a begin to travel with. */
const finishDelayMs = 5;

/** Refuses a begin: nothing of its row was written. */
type Refuse = (error: GatehouseError) => void;

interface Entry {
  readonly operation: Operation;
  readonly settle: { readonly resolve: () => void; readonly reject: Refuse } | null;
}

export interface CommitQueueOptions {
  /** Operations held at most, sent and unsent. */
  readonly maxQueued: number;
  /** Bytes of payloads held at most, sent and unsent. */
  readonly maxQueuedPayloadBytes: number;
  /** Called with operations that have just been committed. */
  readonly onCommitted: (operations: readonly Operation[]) => void;
  readonly onFailed: () => void;
}

export class CommitQueue {
  readonly #options: CommitQueueOptions;
  #post: ((operations: readonly Operation[]) => void) | null = null;
  #control: Int32Array = new Int32Array(new SharedArrayBuffer(controlBytes));
  #committed = 0;
  #waiting: Entry[] = [];
  #sent: Entry[] = [];
  #dropped = 0;
  #payloadBytes = 0;
  #mayWait = false;
  #ticking = false;
  #delay: NodeJS.Timeout | null = null;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
  }

  /** Finishes and rejections that were given up because too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Connects a worker that has committed nothing yet. */
  attach(post: (operations: readonly Operation[]) => void, control: Int32Array): void {
    this.#control = control;
    this.#committed = 0;
    this.resume(post);
  }

  /** Goes on after `fail`, with what was kept. */
  resume(post: (operations: readonly Operation[]) => void): void {
    this.#post = post;
    this.#wake();
  }

  /** Resolves once committed. @throws GatehouseError `log_unavailable` */
  commit(operation: Operation): Promise<void> {
    if (this.#isFull()) return Promise.reject(overloaded());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ operation, settle: { resolve, reject } });
      if (this.#sent.length === 0 || this.#waiting.length >= maxBatch) this.#sendWaiting();
      else this.#wake();
    });
  }

  /** Queues; dropped and counted where too many wait. */
  add(operation: Operation): void {
    const bytes = bodyBytes(operation);
    const tooMuch = bytes > 0 && this.#payloadBytes + bytes > this.#options.maxQueuedPayloadBytes;
    if (tooMuch || this.#isFull()) {
      this.#dropped += 1;
      return;
    }
    this.#payloadBytes += bytes;
    this.#waiting.push({ operation, settle: null });
    if (this.#sent.length > 0 || this.#waiting.length >= maxBatch) this.#wake();
    else this.#delay ??= setTimeout(() => this.#wake(), finishDelayMs);
  }

  /** The worker has something committed to tell, and tells no more until it is asked to. */
  notice(): void {
    this.#look();
    if (this.#sent.length > 0) this.#wake();
  }

  /**
   * Writing failed: begins are refused, everything else is kept for `resume`.
   * @param workerDied then a begin may be committed all the same, so an end for it is kept as well
   */
  fail(error: GatehouseError, workerDied: boolean): void {
    this.#look();
    this.#post = null;
    this.#options.onFailed();
    const entries = [...this.#sent, ...this.#waiting];
    const sent = this.#sent.length;
    this.#sent = [];
    this.#waiting = entries.flatMap((entry, index) => {
      if (entry.settle === null) return [entry];
      entry.settle.reject(error);
      return workerDied && index < sent ? endOf(entry.operation) : [];
    });
  }

  #isFull(): boolean {
    return this.#waiting.length + this.#sent.length >= this.#options.maxQueued;
  }

  #wake(): void {
    if (this.#delay !== null) clearTimeout(this.#delay);
    this.#delay = null;
    if (this.#ticking) return;
    this.#ticking = true;
    setImmediate(() => this.#tick());
  }

  #tick(): void {
    this.#ticking = false;
    this.#look();
    this.#sendWaiting();
    if (this.#sent.length === 0) return;
    if (this.#mayWait) this.#waitOnce();
    if (this.#sent.length === 0) return;
    Atomics.store(this.#control, controlWord.sleeping, 1);
    // The worker may have committed after the look above and before it could see the word: look again.
    this.#look();
  }

  /** Sleeps until the worker has committed something, or the time is up. */
  #waitOnce(): void {
    this.#mayWait = false;
    Atomics.wait(this.#control, controlWord.committed, this.#committed | 0, waitMs);
    this.#look();
  }

  /** Reads the worker's counter and settles what it covers. */
  #look(): void {
    const count = (Atomics.load(this.#control, controlWord.committed) - this.#committed) >>> 0;
    if (count === 0) return;
    this.#committed += count;
    const entries = this.#sent.splice(0, count);
    for (const { operation, settle } of entries) {
      settle?.resolve();
      this.#payloadBytes -= bodyBytes(operation);
    }
    this.#options.onCommitted(entries.map((entry) => entry.operation));
  }

  #sendWaiting(): void {
    if (this.#post === null || this.#waiting.length === 0) return;
    const entries = this.#waiting;
    this.#waiting = [];
    this.#sent = this.#sent.length === 0 ? entries : this.#sent.concat(entries);
    Atomics.store(this.#control, controlWord.sleeping, 0);
    for (let start = 0; start < entries.length; start += maxBatch) {
      this.#post(entries.slice(start, start + maxBatch).map((entry) => entry.operation));
    }
    this.#mayWait = true;
    this.#wake();
  }
}

function endOf(operation: Operation): Entry[] {
  if (operation[0] !== operationKind.begin) return [];
  const outcome = { status: 'FAILED', durationMs: 0, bytesRead: 0, bytesWritten: 0 } as const;
  const id = Number(operation[1][0]);
  return [{ operation: encodeFinish(id, { ...outcome, errorCode: 'log_unavailable' }), settle: null }];
}

function overloaded(): GatehouseError {
  return new GatehouseError(
    'log_unavailable',
    'The request log cannot keep up with the requests. Send fewer at a time, or use a faster disk.',
  );
}
