// The inspector as the console's handlers see it: queries go to the thread that reads, changes to the thread that
// writes. Must never block the main thread, and never answer less than the truth: a query takes longer or fails.
import { randomUUID } from 'node:crypto';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type {
  AuditPage,
  RequestChart,
  RequestCount,
  RequestDetail,
  RequestPage,
  RequestsChange,
  SavedView,
} from '../../../shared/contracts/console/models.ts';
import { ChangeReader } from './change-feed.ts';
import { exportStream } from './export/export-stream.ts';
import { defaultIndexLimits } from './index/row-index.ts';
import type { IndexLimits } from './index/row-index.ts';
import type {
  AuditQuery,
  ChartQuery,
  CompleteQuery,
  ExportChunk,
  ExportQuery,
  InspectorApi,
  PageAtQuery,
  PageNearQuery,
  PageQuery,
} from './inspector-api.ts';
import { defaultLimits } from './limits.ts';
import { ReaderHost, startReaderThread } from './reader/reader-host.ts';
import type { StartReader } from './reader/reader-host.ts';
import type { Queries, QueryName } from './reader/reader-protocol.ts';
import type { RequestLog } from './request-log.ts';

/** How often a change is looked for and told, in milliseconds. */
const tellMs = 100;

export interface InspectorOptions {
  /** Open; the inspector is closed before it. */
  readonly log: Pick<RequestLog, 'file' | 'changes' | 'write'>;
  readonly limits?: Partial<IndexLimits>;
  /** Milliseconds since the epoch, from which ages in filters count. */
  readonly now?: () => number;
  readonly startReader?: StartReader;
}

export class Inspector implements InspectorApi {
  readonly #log: InspectorOptions['log'];
  readonly #now: () => number;
  readonly #reader: ReaderHost;
  readonly #changes: ChangeReader;
  readonly #listeners = new Set<(change: RequestsChange) => void>();
  #told = 0;
  #timer: NodeJS.Timeout | null = null;

  private constructor({ log, limits, now = Date.now, startReader = startReaderThread }: InspectorOptions) {
    this.#log = log;
    this.#now = now;
    this.#changes = new ChangeReader(log.changes);
    const { file, changes } = log;
    const { lockWaitMs } = defaultLimits;
    const start = { file, changes, lockWaitMs, limits: { ...defaultIndexLimits, ...limits } };
    this.#reader = new ReaderHost(start, startReader);
  }

  /** Resolves when queries can be asked; the index is loaded behind them. @throws GatehouseError `log_unavailable` */
  static async open(options: InspectorOptions): Promise<Inspector> {
    const inspector = new Inspector(options);
    await inspector.#reader.open();
    return inspector;
  }

  page(query: PageQuery, signal?: AbortSignal): Promise<RequestPage> {
    return this.#ask('page', query, signal);
  }

  pageAt(query: PageAtQuery, signal?: AbortSignal): Promise<RequestPage> {
    return this.#ask('pageAt', query, signal);
  }

  pageNear(query: PageNearQuery, signal?: AbortSignal): Promise<RequestPage> {
    return this.#ask('pageNear', query, signal);
  }

  count(filter: string, signal?: AbortSignal): Promise<RequestCount> {
    return this.#ask('count', filter, signal);
  }

  detail(id: number, signal?: AbortSignal): Promise<RequestDetail> {
    return this.#ask('detail', id, signal);
  }

  chart(query: ChartQuery, signal?: AbortSignal): Promise<RequestChart> {
    return this.#ask('chart', query, signal);
  }

  async complete(
    query: CompleteQuery,
    signal?: AbortSignal,
  ): Promise<{ readonly values: readonly string[] }> {
    return { values: await this.#ask('complete', query, signal) };
  }

  async tokenUse(signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
    return new Map(await this.#ask('tokenUse', null, signal));
  }

  /** @throws GatehouseError `request_unknown` */
  async pin(id: number, pinned: boolean): Promise<void> {
    if ((await this.#log.write({ kind: 'pin', id, pinned })) === 0) throw requestUnknown(id);
  }

  /** An empty note removes it. @throws GatehouseError `request_unknown` */
  async annotate(id: number, note: string): Promise<void> {
    if ((await this.#log.write({ kind: 'annotate', id, note })) === 0) throw requestUnknown(id);
  }

  views(): Promise<readonly SavedView[]> {
    return this.#ask('views', null);
  }

  /** @throws GatehouseError `limit_exceeded` */
  async saveView(view: Omit<SavedView, 'id'>): Promise<SavedView> {
    const saved = { ...view, id: randomUUID() };
    await this.#log.write({ kind: 'saveView', view: saved });
    return saved;
  }

  /** @throws GatehouseError `view_unknown` */
  async deleteView(id: string): Promise<void> {
    if ((await this.#log.write({ kind: 'deleteView', id })) > 0) return;
    throw new GatehouseError(
      'view_unknown',
      'There is no saved view with this id. It may have been deleted already.',
    );
  }

  /** Of what is there when the first chunk is asked for. @throws GatehouseError `cancelled`, `filter_invalid` */
  export(query: ExportQuery, signal?: AbortSignal): AsyncIterable<ExportChunk> {
    const now = this.#now();
    return exportStream(query, this.#changes.newestId, (part) =>
      this.#reader.query('exportPart', part, now, signal),
    );
  }

  /** For the audit log: its pages are read here. */
  auditPage(query: AuditQuery, signal?: AbortSignal): Promise<AuditPage> {
    return this.#ask('audit', query, signal);
  }

  auditNewestId(): Promise<number> {
    return this.#ask('auditNewestId', null);
  }

  get change(): RequestsChange {
    return { newestId: this.#changes.newestId, revision: this.#changes.revision };
  }

  /** Tells that something has changed, ten times a second at most. Returns the unsubscribe. */
  onChange(tell: (change: RequestsChange) => void): () => void {
    if (this.#listeners.size === 0) this.#told = this.#changes.revision;
    this.#listeners.add(tell);
    this.#timer ??= setInterval(() => this.#tell(), tellMs).unref();
    return () => {
      this.#listeners.delete(tell);
      if (this.#listeners.size === 0) this.#stopTelling();
    };
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    this.#stopTelling();
    await this.#reader.close();
  }

  #ask<N extends QueryName>(
    name: N,
    args: Queries[N]['args'],
    signal?: AbortSignal,
  ): Promise<Queries[N]['result']> {
    return this.#reader.query(name, args, this.#now(), signal);
  }

  #tell(): void {
    const { change } = this;
    if (change.revision === this.#told) return;
    this.#told = change.revision;
    for (const tell of this.#listeners) tell(change);
  }

  #stopTelling(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}

function requestUnknown(id: number): GatehouseError {
  return new GatehouseError(
    'request_unknown',
    `The request log has no request ${id}, or it has been removed by age.`,
  );
}
