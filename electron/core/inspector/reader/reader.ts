// The thread that reads: owns a connection that cannot write and the index, loads it in small steps between the queries,
// and answers them. Must never write, nor hold a read transaction longer than a statement: checkpoints wait for it.
import { parentPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import DatabaseConstructor from 'better-sqlite3';
import type { Database } from 'better-sqlite3';
import { asGatehouseError } from '../../../../shared/contracts/errors.ts';
import type { GatehouseError } from '../../../../shared/contracts/errors.ts';
import { ExportParts } from '../export/export-part.ts';
import { describeFailure } from '../failures.ts';
import { NotLoadedYet, RowIndex } from '../index/row-index.ts';
import { AuditQueries } from '../query/audit-queries.ts';
import { ExportPlaces } from '../query/export-places.ts';
import { RequestQueries } from '../query/request-queries.ts';
import { RequestRows } from '../query/request-rows.ts';
import { cancelled } from '../query/cancelled.ts';
import { FreeTexts } from '../query/texts.ts';
import type { CheckCancelled } from '../query/scan.ts';
import type { AnyQuery, FromReader, Queries, QueryName, ReaderStart, ToReader } from './reader-protocol.ts';

/** Page cache in KiB. */
const cacheKiB = 32 * 1024;

/** How often the index follows the changes while nobody asks, in milliseconds. */
const followMs = 50;

/** The index sorts only where nobody has asked for so long, in milliseconds: who asks does not wait for a step of it. */
const quietMs = 40;

type IndexedQuery = Exclude<AnyQuery, { name: 'detail' | 'views' | 'audit' | 'auditNewestId' }>;

type Result = Queries[QueryName]['result'];

class Reader {
  readonly #port: MessagePort;
  readonly #file: string;
  readonly #cancel: Int32Array;
  readonly #db: Database;
  readonly #index: RowIndex;
  readonly #requests: RequestQueries;
  readonly #rows: RequestRows;
  readonly #audit: AuditQueries;
  readonly #exports: ExportParts;
  readonly #follow: NodeJS.Timeout;
  #waiting: (() => void)[] = [];
  #stepping = false;
  #askedAt = 0;

  constructor(port: MessagePort, start: ReaderStart) {
    this.#port = port;
    this.#file = start.file;
    this.#cancel = new Int32Array(start.cancel);
    this.#db = new DatabaseConstructor(start.file, { readonly: true, timeout: start.lockWaitMs });
    this.#db.pragma(`cache_size = -${cacheKiB}`);
    this.#index = new RowIndex(this.#db, start.changes, start.limits);
    this.#rows = new RequestRows(this.#db);
    const texts = new FreeTexts(this.#db);
    this.#requests = new RequestQueries(this.#index, this.#rows, texts);
    this.#audit = new AuditQueries(this.#db);
    this.#exports = new ExportParts(new ExportPlaces(this.#index, (text) => texts.find(text)), this.#rows);
    port.on('message', (message: ToReader) => {
      if (message.kind === 'close') this.#close();
      else void this.#answer(message);
    });
    this.#send({ kind: 'opened' });
    this.#follow = setInterval(() => this.#refresh(), followMs);
    this.#stepSoon();
  }

  async #answer({ call, now, query }: Extract<ToReader, { kind: 'query' }>): Promise<void> {
    this.#askedAt = performance.now();
    const check = () => {
      if (Atomics.load(this.#cancel, call % this.#cancel.length) === call) throw cancelled();
    };
    try {
      this.#send({ kind: 'answer', call, result: await this.#whenLoaded(query, now, check) });
    } catch (error) {
      this.#send({ kind: 'refused', call, error: this.#refusal(error).toJSON() });
    }
  }

  #refusal(error: unknown): GatehouseError {
    const sqlite = error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_');
    return sqlite ? describeFailure(error, this.#file) : asGatehouseError(error);
  }

  /** A query that needs older rows waits for them, a step at a time, while others are answered. */
  async #whenLoaded(query: AnyQuery, now: number, check: CheckCancelled): Promise<Result> {
    for (let steps = 1; ; steps *= 2) {
      try {
        check();
        this.#index.refresh();
        return this.#run(query, now, check);
      } catch (error) {
        if (!(error instanceof NotLoadedYet)) throw error;
      }
      for (let step = 0; step < steps && this.#index.loading; step += 1) {
        await this.#nextStep();
        check();
      }
    }
  }

  #run(query: AnyQuery, now: number, check: CheckCancelled): Result {
    switch (query.name) {
      case 'detail':
        return this.#rows.detail(query.args);
      case 'views':
        return this.#audit.views();
      case 'audit':
        return this.#audit.page(query.args, now, check);
      case 'auditNewestId':
        return this.#audit.newestId();
      default:
        return this.#runIndexed(query, now, check);
    }
  }

  #runIndexed(query: IndexedQuery, now: number, check: CheckCancelled): Result {
    switch (query.name) {
      case 'page':
        return this.#requests.page(query.args, now, check);
      case 'pageAt':
        return this.#requests.pageAt(query.args, now, check);
      case 'pageNear':
        return this.#requests.pageNear(query.args, now, check);
      case 'count':
        return this.#requests.count(query.args, now, check);
      case 'chart':
        return this.#requests.chart(query.args, now, check);
      case 'complete':
        return this.#requests.complete(query.args);
      case 'tokenUse':
        return this.#requests.tokenUse(check);
      case 'exportPart':
        return this.#exports.next(query.args, now, check);
    }
  }

  #refresh(): void {
    try {
      this.#index.refresh();
      this.#index.settle();
      this.#stepSoon();
    } catch {
      // The next query meets the same failure and reports it.
    }
  }

  #nextStep(): Promise<void> {
    this.#stepSoon();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #stepSoon(): void {
    if (this.#stepping) return;
    this.#stepping = true;
    setImmediate(() => this.#step());
  }

  #step(): void {
    this.#stepping = false;
    if (!this.#db.open) return;
    try {
      this.#index.refresh();
      const isQuiet = performance.now() - this.#askedAt > quietMs;
      if (this.#index.loadStep() || (isQuiet && this.#index.sortStep())) this.#stepSoon();
    } catch {
      // As above; the interval tries again.
    }
    for (const go of this.#waiting.splice(0)) go();
  }

  #close(): void {
    clearInterval(this.#follow);
    this.#db.close();
    this.#port.close();
  }

  #send(message: FromReader): void {
    this.#port.postMessage(message);
  }
}

function serve(port: MessagePort, start: ReaderStart): void {
  try {
    new Reader(port, start);
  } catch (error) {
    const failed: FromReader = { kind: 'failed', error: describeFailure(error, start.file).toJSON() };
    port.postMessage(failed);
    port.close();
  }
}

if (parentPort !== null) serve(parentPort, workerData as ReaderStart);
