// What the handlers of the console API call. Must hold no behaviour.
import type {
  AuditAction,
  AuditChange,
  AuditPage,
  Cursor,
  ExportFormat,
  RequestChart,
  RequestCount,
  RequestDetail,
  RequestPage,
  RequestSort,
  RequestsChange,
  SavedView,
} from '../../../shared/contracts/console/models.ts';

export interface PageQuery {
  readonly filter: string;
  readonly sort: RequestSort;
  readonly cursor: Cursor | null;
  readonly backwards: boolean;
  readonly limit: number;
}

export interface PageAtQuery {
  readonly filter: string;
  readonly sort: RequestSort;
  readonly id: number;
  readonly limit: number;
}

export interface PageNearQuery {
  readonly filter: string;
  readonly sort: RequestSort;
  readonly share: number;
  readonly limit: number;
}

export interface ChartQuery {
  readonly filter: string;
  readonly from: number | null;
  readonly to: number | null;
  readonly buckets: number;
}

export interface CompleteQuery {
  readonly field: string;
  readonly prefix: string;
  readonly limit: number;
}

export interface ExportQuery {
  readonly filter: string;
  readonly sort: RequestSort;
  readonly format: ExportFormat;
}

export interface ExportChunk {
  readonly bytes: Uint8Array;
  readonly rows: number;
}

export interface AuditQuery {
  readonly filter: string;
  readonly cursor: Cursor | null;
  readonly limit: number;
}

export interface AuditEntry {
  readonly action: AuditAction;
  readonly actor: string;
  readonly subject: string;
  readonly old?: string | null;
  readonly value?: string | null;
  readonly code?: string | null;
  readonly message?: string | null;
}

export interface InspectorApi {
  page(query: PageQuery, signal?: AbortSignal): Promise<RequestPage>;
  pageAt(query: PageAtQuery, signal?: AbortSignal): Promise<RequestPage>;
  pageNear(query: PageNearQuery, signal?: AbortSignal): Promise<RequestPage>;
  count(filter: string, signal?: AbortSignal): Promise<RequestCount>;
  detail(id: number, signal?: AbortSignal): Promise<RequestDetail>;
  chart(query: ChartQuery, signal?: AbortSignal): Promise<RequestChart>;
  complete(query: CompleteQuery, signal?: AbortSignal): Promise<{ readonly values: readonly string[] }>;
  tokenUse(signal?: AbortSignal): Promise<ReadonlyMap<string, number>>;
  pin(id: number, pinned: boolean): Promise<void>;
  annotate(id: number, note: string): Promise<void>;
  views(): Promise<readonly SavedView[]>;
  saveView(view: Omit<SavedView, 'id'>): Promise<SavedView>;
  deleteView(id: string): Promise<void>;
  export(query: ExportQuery, signal?: AbortSignal): AsyncIterable<ExportChunk>;
  readonly change: RequestsChange;
  onChange(tell: (change: RequestsChange) => void): () => void;
  close(): Promise<void>;
}

export interface AuditLogApi {
  append(entry: AuditEntry): Promise<number>;
  page(query: AuditQuery, signal?: AbortSignal): Promise<AuditPage>;
  readonly change: AuditChange;
  onChange(tell: (change: AuditChange) => void): () => void;
}
