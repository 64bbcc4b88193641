// Keeps the log's worker running: starts it, starts it again when it dies, probes it after a failure, and
// hands its answers on. Must never import better-sqlite3: it runs on the main thread.
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { SerialisedError } from '../../../shared/contracts/errors.ts';
import { controlBytes } from './protocol.ts';
import { packOperations } from './packed-operations.ts';
import type { ConsoleWrite, FromWorker, ToWorker, WorkerStart } from './protocol.ts';
import type { Operation, StoredRequest } from './rows.ts';
import type { CommitQueue } from './commit-queue.ts';

/** The first wait before a dead worker is started again, in milliseconds; it doubles up to the last. */
const firstRestartMs = 100;
const lastRestartMs = 5000;

/** How long `close` waits for the worker to finish, in milliseconds. */
const closeWithinMs = 5000;

export type StartWorker = (start: WorkerStart) => Worker;

export interface WorkerHostOptions {
  readonly file: string;
  readonly lockWaitMs: number;
  /** Milliseconds between attempts to write again after a failure. */
  readonly probeMs: number;
  readonly startWorker: StartWorker;
  readonly changes: SharedArrayBuffer;
  readonly reserveBytes: number;
}

interface Call {
  readonly resolve: (answer: Extract<FromWorker, { kind: 'rows' | 'written' }>) => void;
  readonly reject: (error: GatehouseError) => void;
}

export class WorkerHost {
  readonly #options: WorkerHostOptions;
  readonly #queue: CommitQueue;
  readonly #calls = new Map<number, Call>();
  /** The thread, from its start to its exit, and the same once its database is open. */
  #thread: Worker | null = null;
  #worker: Worker | null = null;
  #nextCall = 1;
  #restartMs = firstRestartMs;
  #timer: NodeJS.Timeout | null = null;
  #failure: GatehouseError | null = null;
  #closing = false;

  constructor(options: WorkerHostOptions, queue: CommitQueue) {
    this.#options = options;
    this.#queue = queue;
  }

  /** Why the log cannot be written at the moment; null where it can. */
  get failure(): GatehouseError | null {
    return this.#failure;
  }

  /** Opens the file; resolves with its highest id. @throws GatehouseError as `openDatabase` does */
  open(): Promise<number> {
    return new Promise((resolve, reject) => this.#start(true, resolve, reject));
  }

  /** Newest first, after all that was sent before. @throws GatehouseError `log_unavailable` */
  async recent(limit: number): Promise<readonly StoredRequest[]> {
    const answer = await this.#call((call) => ({ kind: 'recent', call, limit }));
    return answer.kind === 'rows' ? answer.rows : [];
  }

  /** Resolves once committed. @throws GatehouseError `log_unavailable`, or what the write itself refuses */
  async write(write: ConsoleWrite): Promise<number> {
    const answer = await this.#call((call) => ({ kind: 'write', call, write }));
    return answer.kind === 'written' ? answer.result : 0;
  }

  /** Dropped where no worker runs. */
  send(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  /** Closes the database and ends the worker, by force if it does not end by itself. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const thread = this.#thread;
    if (thread === null) return;
    const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
    const force = setTimeout(() => void thread.terminate(), closeWithinMs);
    thread.postMessage({ kind: 'close' } satisfies ToWorker);
    await ended;
    clearTimeout(force);
  }

  #call(message: (call: number) => ToWorker): Promise<Parameters<Call['resolve']>[0]> {
    const call = this.#nextCall++;
    return new Promise((resolve, reject) => {
      if (this.#worker === null) return reject(this.#failure ?? workerDied());
      this.#calls.set(call, { resolve, reject });
      this.send(message(call));
    });
  }

  #start(first: boolean, opened: (maxId: number) => void, refused: (error: GatehouseError) => void): void {
    const control = new SharedArrayBuffer(controlBytes);
    const { file, lockWaitMs, startWorker, changes, reserveBytes } = this.#options;
    const start = { file, lockWaitMs, changes, reserveBytes };
    const worker = startWorker({ ...start, interruptRunning: first, control });
    this.#thread = worker;
    let isOpen = false;
    let cause = workerDied();
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'opened') {
        isOpen = true;
        this.#opened(worker, control);
        opened(message.maxId);
      } else if (message.kind === 'failed' && !isOpen) cause = revive(message.error);
      else this.#receive(message);
    });
    worker.on('error', (error: unknown) => (cause = workerDied(error)));
    worker.on('exit', () => {
      this.#thread = null;
      if (isOpen) this.#died(cause);
      else refused(cause);
    });
  }

  #opened(worker: Worker, control: SharedArrayBuffer): void {
    if (this.#closing) return;
    this.#worker = worker;
    this.#failure = null;
    this.#restartMs = firstRestartMs;
    this.#queue.attach((operations) => this.#send(operations), new Int32Array(control));
  }

  #send(operations: readonly Operation[]): void {
    this.send(packOperations(operations));
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case 'committed':
        return this.#queue.notice();
      case 'failed':
        return this.#failed(unavailable(revive(message.error)));
      case 'resumed':
        this.#failure = null;
        return this.#queue.resume((operations) => this.#send(operations));
      case 'rows':
      case 'written':
        return this.#takeCall(message.call)?.resolve(message);
      case 'callFailed':
        return this.#takeCall(message.call)?.reject(revive(message.error));
      case 'opened':
      case 'closed':
    }
  }

  #failed(error: GatehouseError): void {
    this.#failure = error;
    this.#queue.fail(error, false);
    this.#later(this.#options.probeMs, () => this.send({ kind: 'resume' }));
  }

  #died(error: GatehouseError): void {
    this.#worker = null;
    for (const call of this.#calls.values()) call.reject(error);
    this.#calls.clear();
    this.#failure = error;
    this.#queue.fail(error, true);
    if (!this.#closing) this.#restartLater();
  }

  #restartLater(): void {
    this.#later(this.#restartMs, () => this.#start(false, ignore, (error) => this.#restartFailed(error)));
    this.#restartMs = Math.min(this.#restartMs * 2, lastRestartMs);
  }

  #restartFailed(error: GatehouseError): void {
    this.#failure = unavailable(error);
    if (!this.#closing) this.#restartLater();
  }

  #later(ms: number, work: () => void): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(work, ms);
  }

  #takeCall(call: number): Call | undefined {
    const found = this.#calls.get(call);
    this.#calls.delete(call);
    return found;
  }
}

/** The bundled worker where this module is bundled, else the source. */
export function startThread(start: WorkerStart): Worker {
  const bundled = new URL('./inspector-worker.mjs', import.meta.url);
  const entry = existsSync(bundled) ? bundled : new URL('./worker.ts', import.meta.url);
  return new Worker(entry, { workerData: start, name: 'request-log' });
}

function revive({ code, message, details }: SerialisedError): GatehouseError {
  return new GatehouseError(code, message, details === undefined ? {} : { details });
}

/** While the service runs there is one code for every cause; the sentence and the details tell it. */
function unavailable({ message, details }: GatehouseError): GatehouseError {
  return new GatehouseError('log_unavailable', message, { details });
}

function workerDied(cause?: unknown): GatehouseError {
  const message =
    'The thread that writes the request log ended. It is started again by itself; try again soon.';
  return new GatehouseError('log_unavailable', message, { cause });
}

function ignore(): void {}
