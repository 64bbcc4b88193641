// The service's request log, as the rest of the service sees it: a row is committed before `begin` resolves,
// ends and rejections follow in their turn. Must never block the main thread on the disk, or resolve a
// begin that kill -9 could take back.
//
// What an acknowledged row survives: kill -9 and a crash of this program always. Loss of power or a crash
// of the operating system may take at most what came within the last `syncMs` (see database.ts, wal-sync.ts);
// a rejection is synced at once.
import { setTimeout as delay } from 'node:timers/promises';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { CapturedPayload } from '../../../shared/contracts/console/models.ts';
import type { RequestOutcome, RequestRow } from '../../../shared/contracts/requests.ts';
import { newChangeFeed } from './change-feed.ts';
import { CommitQueue } from './commit-queue.ts';
import { checkLimits, defaultLimits } from './limits.ts';
import type { RequestLogLimits } from './limits.ts';
import type { ConsoleWrite, RetentionSettings } from './protocol.ts';
import { quotaWindowMs, RejectionQuota } from './rejection-quota.ts';
import { barrier, encodeBegin, encodeCapture, encodeFinish, encodeRejection, operationKind } from './rows.ts';
import type { Operation, RejectionRow, StoredRequest } from './rows.ts';
import { summaryRow } from './rejection-summary.ts';
import { syncFileData, WalSync } from './wal-sync.ts';
import type { SyncFile } from './wal-sync.ts';
import { startThread, WorkerHost } from './worker-host.ts';
import type { StartWorker } from './worker-host.ts';

/** How long `close` waits for what is queued, in milliseconds. */
const closeWithinMs = 5000;

export type { RejectionRow, StoredRequest } from './rows.ts';

export interface RequestLogOptions extends RetentionSettings {
  /** The database file; made, with mode 0600, where it is missing. Its folder must be there. */
  readonly file: string;
  readonly limits?: Partial<RequestLogLimits>;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly startWorker?: StartWorker;
  readonly syncFile?: SyncFile;
}

export interface RequestLog {
  /** Ascending, and going on after a restart. */
  nextId(): number;
  /** Resolves once the row is committed. @throws GatehouseError `log_unavailable`, `shutting_down` */
  begin(row: RequestRow): Promise<void>;
  /** Queued, and kept while the log is unavailable; never throws. */
  finish(id: number, outcome: RequestOutcome): void;
  /** Queued as `finish`; dropped where more bytes wait than the limit says. The request must have begun. */
  capture(id: number, payload: CapturedPayload): void;
  /** As `finish`, under a quota of its own: what is over it is counted in one row a minute. */
  reject(row: RejectionRow): void;
  /** Resolves when all that was queued is committed and synced. @throws GatehouseError as `begin` */
  flush(): Promise<void>;
  /** Newest first, with all that was queued before the call. @param limit 1 to 10,000 */
  recent(limit: number): Promise<readonly StoredRequest[]>;
  /** Committed by the time it resolves, not synced. Number of rows changed; of an audit row its id. */
  write(write: ConsoleWrite): Promise<number>;
  /** Resolves when all commits before this call are on the disk. @throws the file system's error */
  sync(): Promise<void>;
  applySettings(settings: RetentionSettings): void;
  readonly file: string;
  /** Which rows change: see change-feed.ts. */
  readonly changes: SharedArrayBuffer;
  readonly available: boolean;
  /** Why it cannot be written now, as a sentence that names the cause; null while it can. */
  readonly problem: GatehouseError | null;
  /** Finishes, rejections and payloads given up since the start, because too many waited for an unavailable log. */
  readonly dropped: number;
  /** Writes what is queued, as far as it can be written, and ends the worker. */
  close(): Promise<void>;
}

/** @throws GatehouseError `log_newer_version`, `log_corrupt` (both leave the file as it is), `log_unavailable` */
export async function openRequestLog(options: RequestLogOptions): Promise<RequestLog> {
  const log = new SqliteRequestLog(options);
  await log.open();
  return log;
}

class SqliteRequestLog implements RequestLog {
  readonly file: string;
  readonly changes = newChangeFeed();
  readonly #limits: RequestLogLimits;
  readonly #now: () => number;
  readonly #queue: CommitQueue;
  readonly #host: WorkerHost;
  readonly #sync: WalSync;
  readonly #quota: RejectionQuota;
  readonly #storedCertificates = new Set<string>();
  #retention: RetentionSettings;
  #retentionTimer: NodeJS.Timeout | null = null;
  #summaryTimer: NodeJS.Timeout | null = null;
  #lastRejection: RejectionRow | null = null;
  #nextId = 1;
  #closed = false;

  constructor(options: RequestLogOptions) {
    const { file, startWorker = startThread, syncFile = syncFileData, now = Date.now } = options;
    this.#limits = checkLimits({ ...defaultLimits, ...options.limits });
    this.file = file;
    this.#retention = retentionOf(options);
    this.#now = now;
    this.#sync = new WalSync(file, this.#limits.syncMs, syncFile);
    this.#quota = new RejectionQuota(this.#limits);
    const onCommitted = (operations: readonly Operation[]) => this.#committed(operations);
    // Whatever failed, the next begin brings its certificate again.
    const onFailed = () => this.#storedCertificates.clear();
    this.#queue = new CommitQueue({ ...this.#limits, onCommitted, onFailed });
    this.#host = new WorkerHost({ file, startWorker, changes: this.changes, ...this.#limits }, this.#queue);
  }

  async open(): Promise<void> {
    this.#nextId = (await this.#host.open()) + 1;
    this.#retain();
    this.#retentionTimer = setInterval(() => this.#retain(), this.#limits.retentionEveryMs).unref();
  }

  get available(): boolean {
    return !this.#closed && this.#host.failure === null;
  }

  get problem(): GatehouseError | null {
    return this.#host.failure;
  }

  get dropped(): number {
    return this.#queue.dropped;
  }

  nextId(): number {
    return this.#nextId++;
  }

  begin(row: RequestRow): Promise<void> {
    const refusal = this.#refusal();
    if (refusal !== null) return Promise.reject(refusal);
    return this.#queue.commit(encodeBegin(row, this.#storedCertificates));
  }

  finish(id: number, outcome: RequestOutcome): void {
    if (!this.#closed) this.#queue.add(encodeFinish(id, outcome));
  }

  capture(id: number, payload: CapturedPayload): void {
    if (!this.#closed) this.#queue.add(encodeCapture(id, payload));
  }

  reject(row: RejectionRow): void {
    if (this.#closed) return;
    if (this.#quota.admit(row.clientId, row.rejectionCode, this.#now())) return this.#addRejection(row);
    this.#lastRejection = row;
    this.#summaryTimer ??= setTimeout(() => this.#summarise(), quotaWindowMs).unref();
  }

  async flush(): Promise<void> {
    const refusal = this.#refusal();
    if (refusal !== null) throw refusal;
    await this.#queue.commit(barrier);
    await this.#sync.settled();
  }

  async recent(limit: number): Promise<readonly StoredRequest[]> {
    if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) {
      throw new GatehouseError('usage', 'Ask for 1 to 10,000 requests.');
    }
    if (this.available) await this.#queue.commit(barrier);
    return this.#host.recent(limit);
  }

  write(write: ConsoleWrite): Promise<number> {
    return this.#closed ? Promise.reject(stopping()) : this.#host.write(write);
  }

  sync(): Promise<void> {
    return this.#sync.settled();
  }

  applySettings(settings: RetentionSettings): void {
    this.#retention = retentionOf(settings);
    this.#retain();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#summarise();
    if (this.#retentionTimer !== null) clearInterval(this.#retentionTimer);
    // What cannot be written now is lost with this process: its rows become INTERRUPTED at the next start.
    await Promise.race([this.flush().catch(ignore), delay(closeWithinMs, undefined, { ref: false })]);
    this.#closed = true;
    await this.#sync.close();
    await this.#host.close();
  }

  #refusal(): GatehouseError | null {
    if (this.#closed) return stopping();
    const { failure } = this.#host;
    return failure === null ? null : new GatehouseError(failure.code, failure.message, failure);
  }

  #addRejection(row: RejectionRow): void {
    this.#queue.add(encodeRejection(row, this.nextId()));
  }

  #summarise(): void {
    if (this.#summaryTimer !== null) clearTimeout(this.#summaryTimer);
    this.#summaryTimer = null;
    const rejectionMessage = this.#quota.takeSummary();
    if (rejectionMessage === null || this.#lastRejection === null) return;
    this.#addRejection(summaryRow(this.#lastRejection, rejectionMessage, this.#now()));
  }

  #committed(operations: readonly Operation[]): void {
    let audit = false;
    for (const operation of operations) {
      if (operation[0] === operationKind.reject) audit = true;
      if (operation[0] === operationKind.begin && operation[2] !== null) {
        this.#storedCertificates.add(operation[2][0]);
      }
    }
    if (audit) this.#sync.now();
    else this.#sync.soon();
  }

  #retain(): void {
    this.#host.send({ kind: 'retain', now: this.#now(), settings: this.#retention });
  }
}

function retentionOf({ retentionDays, maxSizeMb }: RetentionSettings): RetentionSettings {
  return { retentionDays, maxSizeMb };
}

function stopping(): GatehouseError {
  return new GatehouseError('shutting_down', 'The service is stopping and takes no new requests.');
}

function ignore(): void {}
