// Stands in until the inspector's own implementation is opened with the request log.
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { AuditLogApi, InspectorApi } from './inspector-api.ts';

const absent = (): never => {
  throw new GatehouseError('log_unavailable', 'The request log cannot be asked yet.');
};

export const absentInspector: InspectorApi = {
  page: async () => absent(),
  pageAt: async () => absent(),
  pageNear: async () => absent(),
  count: async () => absent(),
  detail: async () => absent(),
  chart: async () => absent(),
  complete: async () => absent(),
  tokenUse: async () => new Map(),
  pin: async () => absent(),
  annotate: async () => absent(),
  views: async () => [],
  saveView: async () => absent(),
  deleteView: async () => absent(),
  export: absent,
  change: { newestId: 0, revision: 0 },
  onChange: () => () => undefined,
  close: async () => undefined,
};

export const absentAudit: AuditLogApi = {
  append: async () => 0,
  page: async () => ({ rows: [], next: null, newestId: 0 }),
  change: { newestId: 0 },
  onChange: () => () => undefined,
};
