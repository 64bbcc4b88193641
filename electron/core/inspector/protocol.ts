// What the main thread and the log's worker say to each other. Operations travel as bare arrays, which are
// the hot path; all else is an object with a kind. Must never import better-sqlite3: both threads load this.
import type { SerialisedError } from '../../../shared/contracts/errors.ts';
import type { Operation, StoredRequest } from './rows.ts';

/** Retention: rows older than `retentionDays` go, and the oldest ones while the files are over `maxSizeMb`. */
export interface RetentionSettings {
  /** Days of 24 hours. */
  readonly retentionDays: number;
  /** MiB of the database with its WAL. */
  readonly maxSizeMb: number;
}

/** The worker checkpoints when the WAL is longer; of `maxSizeMb` this much is the WAL's share. */
export const walCheckpointBytes = 4 * 1024 * 1024;

/** Operations in one message and, about, in one transaction: what a `begin` may have to wait behind. */
export const maxBatch = 64;

/** Given to the worker when it starts. */
export interface WorkerStart {
  readonly file: string;
  /** How long a write waits for another process's lock, in milliseconds. */
  readonly lockWaitMs: number;
  /** Whether rows that are `RUNNING` in the file belong to a process that died. */
  readonly interruptRunning: boolean;
  /** The words of `controlWord`, shared by both threads. */
  readonly control: SharedArrayBuffer;
}

/** Indexes into the shared Int32Array. */
export const controlWord = {
  /** Operations committed since the worker started, modulo 2^32; written by the worker alone. */
  committed: 0,
  /** 1 while the main thread waits for a message instead of looking at `committed`. */
  sleeping: 1,
} as const;

export const controlBytes = 2 * Int32Array.BYTES_PER_ELEMENT;

export type ToWorker =
  | readonly Operation[]
  | { readonly kind: 'resume' }
  | { readonly kind: 'retain'; readonly now: number; readonly settings: RetentionSettings }
  | { readonly kind: 'recent'; readonly call: number; readonly limit: number }
  | { readonly kind: 'close' };

/**
 * `failed`: nothing after `committed` has been written, and nothing will be until `resume`, which is
 * answered by `resumed` or by `failed` again.
 */
export type FromWorker =
  | { readonly kind: 'opened'; readonly maxId: number }
  | { readonly kind: 'committed' }
  | { readonly kind: 'failed'; readonly error: SerialisedError }
  | { readonly kind: 'resumed' }
  | { readonly kind: 'rows'; readonly call: number; readonly rows: readonly StoredRequest[] }
  | { readonly kind: 'rowsFailed'; readonly call: number; readonly error: SerialisedError }
  | { readonly kind: 'closed' };
