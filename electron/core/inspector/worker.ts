// The thread that owns the database: commits what arrives, all that is waiting in one transaction, and
// acknowledges by a counter in shared memory. Retention runs in small steps between the messages.
// Must never acknowledge what is not committed, or write anything between a failure and `resume`.
import { dirname, join } from 'node:path';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import type { Database } from 'better-sqlite3';
import type { GatehouseError } from '../../../shared/contracts/errors.ts';
import { ChangeWriter } from './change-feed.ts';
import { Checkpoints } from './checkpoints.ts';
import { ConsoleWriter } from './console-writer.ts';
import { openDatabase } from './database.ts';
import { describeFailure, diskFull } from './failures.ts';
import { controlWord, maxTransaction } from './protocol.ts';
import type { ConsoleWrite, FromWorker, ToWorker, WorkerStart } from './protocol.ts';
import { isPacked, unpackOperations } from './packed-operations.ts';
import type { PackedOperations } from './packed-operations.ts';
import { PayloadTexts } from './payload-texts.ts';
import { Reserve } from './reserve.ts';
import { RetentionRun } from './retention.ts';
import { operationKind, requestIdOf } from './rows.ts';
import type { Operation } from './rows.ts';
import { Writer } from './writer.ts';

/** Beside the database file. */
const reserveName = 'audit-reserve';

type Command = Exclude<ToWorker, PackedOperations>;

class LogWorker {
  readonly #port: MessagePort;
  readonly #file: string;
  readonly #control: Int32Array;
  readonly #db: Database;
  readonly #writer: Writer;
  readonly #console: ConsoleWriter;
  readonly #texts: PayloadTexts;
  readonly #reserve: Reserve;
  readonly #changes: ChangeWriter;
  readonly #checkpoints: Checkpoints;
  /** Why nothing is written at the moment. */
  #failure: GatehouseError | null = null;
  #indexing = false;
  #retention: RetentionRun | null = null;

  constructor(port: MessagePort, start: WorkerStart) {
    this.#port = port;
    this.#file = start.file;
    this.#control = new Int32Array(start.control);
    this.#db = openDatabase(start);
    this.#writer = new Writer(this.#db);
    this.#console = new ConsoleWriter(this.#db);
    this.#texts = new PayloadTexts(this.#db);
    this.#checkpoints = new Checkpoints(this.#db, start.file);
    this.#reserve = new Reserve(join(dirname(start.file), reserveName), start.reserveBytes);
    const maxId = this.#writer.maxId();
    this.#changes = new ChangeWriter(start.changes, maxId);
    port.on('message', (message: ToWorker) => this.#receive(message));
    this.#send({ kind: 'opened', maxId });
    if (this.#owes()) this.#fail(diskFull());
    this.#indexSoon();
  }

  /** Takes all operations that wait behind the first message into its transaction. */
  #receive(first: ToWorker): void {
    if (!isPacked(first)) return this.#obey(first);
    const operations = unpackOperations(first);
    let next = takeMessage(this.#port);
    while (next !== undefined && isPacked(next)) {
      operations.push(...unpackOperations(next));
      next = operations.length < maxTransaction ? takeMessage(this.#port) : undefined;
    }
    this.#write(operations);
    if (next !== undefined) this.#obey(next);
  }

  #obey(command: Command): void {
    switch (command.kind) {
      case 'resume':
        return this.#resume();
      case 'retain':
        return this.#retain(command);
      case 'recent':
        return this.#recent(command.call, command.limit);
      case 'write':
        return this.#writeForConsole(command.call, command.write);
      case 'close':
        return this.#close();
    }
  }

  #write(operations: readonly Operation[]): void {
    if (this.#failure !== null) return;
    try {
      this.#writer.write(operations);
    } catch (error) {
      return this.#fail(error);
    }
    this.#tell(operations);
    Atomics.add(this.#control, controlWord.committed, operations.length);
    Atomics.notify(this.#control, controlWord.committed);
    const asleep = Atomics.exchange(this.#control, controlWord.sleeping, 0) === 1;
    if (asleep) this.#send({ kind: 'committed' });
    this.#checkpoints.after(operations.length);
  }

  #tell(operations: readonly Operation[]): void {
    for (const operation of operations) {
      const id = requestIdOf(operation);
      if (id !== null) this.#changes.add(id);
      if (operation[0] === operationKind.capture) this.#indexSoon();
    }
    this.#changes.publish();
  }

  /** Not before the audit log has its room again: requests would take it. */
  #resume(): void {
    try {
      if (this.#owes()) return this.#fail(diskFull());
      this.#writer.probe();
      this.#failure = null;
      this.#send({ kind: 'resumed' });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Whether the audit log still lacks its room, having tried. */
  #owes(): boolean {
    if (this.#reserve.owed) this.#reserve.make();
    return this.#reserve.owed;
  }

  #fail(error: unknown): void {
    this.#failure = describeFailure(error, this.#file);
    this.#send({ kind: 'failed', error: this.#failure.toJSON() });
  }

  #writeForConsole(call: number, write: ConsoleWrite): void {
    try {
      const result = write.kind === 'audit' ? this.#audit(write) : this.#change(write);
      this.#send({ kind: 'written', call, result });
      this.#checkpoints.after(1);
    } catch (error) {
      this.#send({ kind: 'callFailed', call, error: describeFailure(error, this.#file).toJSON() });
    }
  }

  #change(write: ConsoleWrite): number {
    if (this.#failure !== null) throw this.#failure;
    const result = this.#console.write(write);
    if (write.kind === 'pin' || write.kind === 'annotate') this.#changes.add(write.id);
    this.#changes.publish();
    return result;
  }

  /** Written even while requests are refused; on a full disk into the room of the reserve. */
  #audit(write: ConsoleWrite): number {
    try {
      return this.#console.write(write);
    } catch (error) {
      const full = describeFailure(error, this.#file).details.sqliteCode === 'SQLITE_FULL';
      if (!full || !this.#reserve.giveUp()) throw error;
      if (this.#failure === null) this.#fail(error);
      return this.#console.write(write);
    }
  }

  #retain({ now, settings }: Extract<Command, { kind: 'retain' }>): void {
    const idle = this.#retention === null;
    this.#retention = new RetentionRun(this.#db, settings, now, (id) => this.#changes.add(id));
    this.#keepAudit(now);
    if (idle) setImmediate(() => this.#retentionStep());
  }

  #keepAudit(now: number): void {
    this.#reserve.make();
    try {
      this.#console.trimAudit(now);
    } catch {
      // The next run tries again.
    }
  }

  #indexSoon(): void {
    if (!this.#indexing) setImmediate(() => this.#indexStep());
    this.#indexing = true;
  }

  /** A step that fails is tried again with the next payload; until then its texts are found by reading them. */
  #indexStep(): void {
    this.#indexing = false;
    try {
      if (this.#failure === null && this.#db.open && this.#texts.step()) this.#indexSoon();
      this.#checkpoints.after(0);
    } catch {
      this.#indexing = false;
    }
  }

  /** A step that fails ends the run; the next one tries again, and writes report the cause meanwhile. */
  #retentionStep(): void {
    if (this.#retention === null) return;
    try {
      if (!this.#retention.step()) this.#retention = null;
      this.#changes.publish();
      this.#checkpoints.after(0);
    } catch {
      this.#retention = null;
    }
    if (this.#retention !== null) setImmediate(() => this.#retentionStep());
  }

  #recent(call: number, limit: number): void {
    try {
      this.#send({ kind: 'rows', call, rows: this.#writer.recent(limit) });
    } catch (error) {
      this.#send({ kind: 'callFailed', call, error: describeFailure(error, this.#file).toJSON() });
    }
  }

  #close(): void {
    this.#retention = null;
    this.#db.close();
    this.#send({ kind: 'closed' });
    this.#port.close();
  }

  #send(message: FromWorker): void {
    this.#port.postMessage(message);
  }
}

function takeMessage(port: MessagePort): ToWorker | undefined {
  return (receiveMessageOnPort(port) as { message: ToWorker } | undefined)?.message;
}

function serve(port: MessagePort, start: WorkerStart): void {
  try {
    new LogWorker(port, start);
  } catch (error) {
    const failed: FromWorker = { kind: 'failed', error: describeFailure(error, start.file).toJSON() };
    port.postMessage(failed);
    port.close();
  }
}

if (parentPort !== null) serve(parentPort, workerData as WorkerStart);
