// What the main thread and the thread that reads say to each other. Must never import better-sqlite3: both load this.
import type {
  AuditPage,
  RequestChart,
  RequestCount,
  RequestDetail,
  RequestPage,
  SavedView,
} from '../../../../shared/contracts/console/models.ts';
import type { SerialisedError } from '../../../../shared/contracts/errors.ts';
import type { ExportPart, ExportPartQuery } from '../export/export-part.ts';
import type { IndexLimits } from '../index/row-index.ts';
import type {
  AuditQuery,
  ChartQuery,
  CompleteQuery,
  PageAtQuery,
  PageNearQuery,
  PageQuery,
} from '../inspector-api.ts';

/** Every query by name: what it takes and what it answers. */
export interface Queries {
  readonly page: { readonly args: PageQuery; readonly result: RequestPage };
  readonly pageAt: { readonly args: PageAtQuery; readonly result: RequestPage };
  readonly pageNear: { readonly args: PageNearQuery; readonly result: RequestPage };
  readonly count: { readonly args: string; readonly result: RequestCount };
  readonly detail: { readonly args: number; readonly result: RequestDetail };
  readonly chart: { readonly args: ChartQuery; readonly result: RequestChart };
  readonly complete: { readonly args: CompleteQuery; readonly result: string[] };
  readonly tokenUse: { readonly args: null; readonly result: [string, number][] };
  readonly exportPart: { readonly args: ExportPartQuery; readonly result: ExportPart };
  readonly views: { readonly args: null; readonly result: SavedView[] };
  readonly audit: { readonly args: AuditQuery; readonly result: AuditPage };
  readonly auditNewestId: { readonly args: null; readonly result: number };
}

export type QueryName = keyof Queries;

export type AnyQuery = {
  [N in QueryName]: { readonly name: N; readonly args: Queries[N]['args'] };
}[QueryName];

export interface ReaderStart {
  readonly file: string;
  /** How long a read waits for another process's lock, in milliseconds. */
  readonly lockWaitMs: number;
  readonly changes: SharedArrayBuffer;
  /** A word for each query that may run at a time: the number of the call that is to end. */
  readonly cancel: SharedArrayBuffer;
  readonly limits: IndexLimits;
}

export const cancelWords = 1024;

export type ToReader =
  | { readonly kind: 'query'; readonly call: number; readonly now: number; readonly query: AnyQuery }
  | { readonly kind: 'close' };

export type FromReader =
  | { readonly kind: 'opened' }
  | { readonly kind: 'failed'; readonly error: SerialisedError }
  | { readonly kind: 'answer'; readonly call: number; readonly result: Queries[QueryName]['result'] }
  | { readonly kind: 'refused'; readonly call: number; readonly error: SerialisedError };
