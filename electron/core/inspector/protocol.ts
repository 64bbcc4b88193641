// What the main thread and the log's worker say to each other. Operations travel as bare arrays, which are
// the hot path; all else is an object with a kind. Must never import better-sqlite3: both threads load this.
import type { SerialisedError } from '../../../shared/contracts/errors.ts';
import type { SavedView } from '../../../shared/contracts/console/models.ts';
import type { PackedOperations } from './packed-operations.ts';
import type { StoredRequest } from './rows.ts';

/** Retention: rows older than `retentionDays` go, and the oldest ones while the files are over `maxSizeMb`. */
export interface RetentionSettings {
  /** Days of 24 hours. */
  readonly retentionDays: number;
  /** MiB of the database with its WAL. */
  readonly maxSizeMb: number;
}

/** The worker checkpoints when the WAL is longer; of `maxSizeMb` this much is the WAL's share. */
export const walCheckpointBytes = 4 * 1024 * 1024;

/** Operations in one message: 128 instead of 64 take a twentieth off the CPU time a row of both threads. */
export const maxBatch = 128;

/**
 * Operations after which no further message joins a transaction. While many wait, each commit and each word to the
 * main thread are shared by more of them: 512 instead of 64 take a quarter off the writing thread's CPU time a row, and
 * leave the main thread something to do meanwhile.
 */
export const maxTransaction = 512;

/** Given to the worker when it starts. */
export interface WorkerStart {
  readonly file: string;
  /** How long a write waits for another process's lock, in milliseconds. */
  readonly lockWaitMs: number;
  /** Whether rows that are `RUNNING` in the file belong to a process that died. */
  readonly interruptRunning: boolean;
  /** The words of `controlWord`, shared by both threads. */
  readonly control: SharedArrayBuffer;
  /** See change-feed.ts. */
  readonly changes: SharedArrayBuffer;
  /** Room kept on the disk for audit rows, in bytes. */
  readonly reserveBytes: number;
}

/** Indexes into the shared Int32Array. */
export const controlWord = {
  /** Operations committed since the worker started, modulo 2^32; written by the worker alone. */
  committed: 0,
  /** 1 while the main thread waits for a message instead of looking at `committed`. */
  sleeping: 1,
} as const;

export const controlBytes = 2 * Int32Array.BYTES_PER_ELEMENT;

/** An audit row as it is written; its texts are within their bounds. */
export interface AuditRow {
  readonly at: number;
  readonly action: string;
  readonly actor: string;
  readonly subject: string;
  readonly old: string | null;
  readonly value: string | null;
  readonly code: string | null;
  readonly message: string | null;
}

/** What the console writes; answered by the number of rows changed, an audit row by its id. */
export type ConsoleWrite =
  | { readonly kind: 'pin'; readonly id: number; readonly pinned: boolean }
  | { readonly kind: 'annotate'; readonly id: number; readonly note: string }
  | { readonly kind: 'saveView'; readonly view: SavedView }
  | { readonly kind: 'deleteView'; readonly id: string }
  | { readonly kind: 'audit'; readonly row: AuditRow };

export type ToWorker =
  | PackedOperations
  | { readonly kind: 'resume' }
  | { readonly kind: 'retain'; readonly now: number; readonly settings: RetentionSettings }
  | { readonly kind: 'recent'; readonly call: number; readonly limit: number }
  | { readonly kind: 'write'; readonly call: number; readonly write: ConsoleWrite }
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
  | { readonly kind: 'written'; readonly call: number; readonly result: number }
  | { readonly kind: 'callFailed'; readonly call: number; readonly error: SerialisedError }
  | { readonly kind: 'closed' };
