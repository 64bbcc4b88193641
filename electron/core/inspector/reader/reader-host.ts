// Keeps the thread that reads running and hands queries to it. Cancelling sets a word in shared memory: the call ends at
// once for its caller, and the query as soon as it looks. Must never import better-sqlite3: it runs on the main thread.
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { GatehouseError } from '../../../../shared/contracts/errors.ts';
import type { SerialisedError } from '../../../../shared/contracts/errors.ts';
import { cancelled } from '../query/cancelled.ts';
import { cancelWords } from './reader-protocol.ts';
import type { AnyQuery, FromReader, Queries, QueryName, ReaderStart, ToReader } from './reader-protocol.ts';

/** The first wait before a dead thread is started again, in milliseconds; it doubles up to the last. */
const firstRestartMs = 100;
const lastRestartMs = 5000;

/** How long `close` waits for the thread to finish, in milliseconds. */
const closeWithinMs = 5000;

type Result = Queries[QueryName]['result'];

interface Call {
  readonly resolve: (result: Result) => void;
  readonly reject: (error: GatehouseError) => void;
}

export type StartReader = (start: ReaderStart) => Worker;

export class ReaderHost {
  readonly #start: Omit<ReaderStart, 'cancel'>;
  readonly #startReader: StartReader;
  readonly #cancelBuffer = new SharedArrayBuffer(cancelWords * Int32Array.BYTES_PER_ELEMENT);
  readonly #cancel = new Int32Array(this.#cancelBuffer);
  readonly #calls = new Map<number, Call>();
  #worker: Worker | null = null;
  #nextCall = 1;
  #restartMs = firstRestartMs;
  #timer: NodeJS.Timeout | null = null;
  #closing = false;

  constructor(start: Omit<ReaderStart, 'cancel'>, startReader: StartReader) {
    this.#start = start;
    this.#startReader = startReader;
  }

  /** @throws GatehouseError `log_unavailable`, `log_corrupt` */
  open(): Promise<void> {
    return new Promise((resolve, reject) => this.#run(resolve, reject));
  }

  /** @throws GatehouseError `cancelled`, `log_unavailable`, `limit_exceeded`, or what the query itself refuses */
  query<N extends QueryName>(
    name: N,
    args: Queries[N]['args'],
    now: number,
    signal?: AbortSignal,
  ): Promise<Queries[N]['result']> {
    if (this.#closing) return Promise.reject(stopping());
    if (signal?.aborted === true) return Promise.reject(cancelled());
    if (this.#calls.size >= cancelWords) return Promise.reject(tooMany());
    const worker = this.#worker;
    if (worker === null) return Promise.reject(readerDied());
    const call = this.#nextCall++;
    const message: ToReader = { kind: 'query', call, now, query: { name, args } as AnyQuery };
    return new Promise((resolve, reject) => {
      const own = { resolve: (result: Result) => resolve(result), reject };
      this.#calls.set(
        call,
        endWith(signal, own, (error) => this.#cancelCall(call, error)),
      );
      worker.postMessage(message);
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const call of [...this.#calls.keys()]) this.#cancelCall(call, stopping());
    const worker = this.#worker;
    if (worker === null) return;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    const force = setTimeout(() => void worker.terminate(), closeWithinMs);
    worker.postMessage({ kind: 'close' } satisfies ToReader);
    await ended;
    clearTimeout(force);
  }

  #cancelCall(call: number, error: GatehouseError): void {
    Atomics.store(this.#cancel, call % cancelWords, call);
    this.#take(call)?.reject(error);
  }

  #run(opened: () => void, refused: (error: GatehouseError) => void): void {
    const worker = this.#startReader({ ...this.#start, cancel: this.#cancelBuffer });
    this.#worker = worker;
    let isOpen = false;
    let cause = readerDied();
    worker.on('message', (message: FromReader) => {
      if (message.kind === 'opened') {
        isOpen = true;
        this.#restartMs = firstRestartMs;
        opened();
      } else if (message.kind === 'failed') cause = revive(message.error);
      else this.#receive(message);
    });
    worker.on('error', (error: unknown) => (cause = readerDied(error)));
    worker.on('exit', () => {
      this.#worker = null;
      if (isOpen) this.#died(cause);
      else refused(cause);
    });
  }

  #receive(message: Extract<FromReader, { call: number }>): void {
    const call = this.#take(message.call);
    if (message.kind === 'answer') call?.resolve(message.result);
    else call?.reject(revive(message.error));
  }

  /** What was asked may be what it died of: it is not asked again. */
  #died(error: GatehouseError): void {
    for (const call of [...this.#calls.keys()]) this.#take(call)?.reject(error);
    if (!this.#closing) this.#restartLater();
  }

  #restartLater(): void {
    const again = () =>
      this.#run(
        () => {},
        () => this.#restartAgain(),
      );
    this.#timer = setTimeout(again, this.#restartMs);
    this.#restartMs = Math.min(this.#restartMs * 2, lastRestartMs);
  }

  #restartAgain(): void {
    if (!this.#closing) this.#restartLater();
  }

  #take(call: number): Call | undefined {
    const found = this.#calls.get(call);
    this.#calls.delete(call);
    return found;
  }
}

/** `call`, ended by the signal, and free of it when it is over. */
function endWith(signal: AbortSignal | undefined, call: Call, cancel: (error: GatehouseError) => void): Call {
  if (signal === undefined) return call;
  const abort = () => cancel(cancelled());
  signal.addEventListener('abort', abort, { once: true });
  const forget = () => signal.removeEventListener('abort', abort);
  return {
    resolve: (result) => {
      forget();
      call.resolve(result);
    },
    reject: (error) => {
      forget();
      call.reject(error);
    },
  };
}

/** The bundled thread where this module is bundled, else the source. */
export function startReaderThread(start: ReaderStart): Worker {
  const bundled = new URL('./inspector-reader.mjs', import.meta.url);
  const entry = existsSync(bundled) ? bundled : new URL('./reader.ts', import.meta.url);
  return new Worker(entry, { workerData: start, name: 'request-log-reader' });
}

function revive({ code, message, details }: SerialisedError): GatehouseError {
  return new GatehouseError(code, message, details === undefined ? {} : { details });
}

function stopping(): GatehouseError {
  return new GatehouseError('shutting_down', 'The service is stopping and answers no more queries.');
}

function tooMany(): GatehouseError {
  const message = `More than ${cancelWords} queries of the request log are under way. Wait for some of them.`;
  return new GatehouseError('limit_exceeded', message);
}

function readerDied(cause?: unknown): GatehouseError {
  const message =
    'The thread that reads the request log ended. It is started again by itself; try again soon.';
  return new GatehouseError('log_unavailable', message, { cause });
}
