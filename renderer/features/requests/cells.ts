// What stands in a cell of the list as text, and the value by which a click on it filters.
import type { RequestView } from '../../../shared/contracts/console/models.ts';
import type { Column, ColumnName } from '../../state/requests-columns.svelte.ts';
import { formatBytes, formatDuration } from '../../ui/format.ts';
import { formatShort } from '../../ui/virtual-list-time.ts';
import { kindWords, statusWords, verifiedByWords, yesNo } from './words.ts';
import { securityWord } from './security.ts';

const nothing = '–';

const texts: Readonly<Record<ColumnName, (row: RequestView) => string>> = {
  marks: () => '',
  id: (row) => String(row.id),
  time: (row) => formatShort(row.sentAt),
  status: (row) => statusWords[row.status](),
  rpc: (row) => row.rpcName,
  client: (row) => row.clientId,
  user: (row) => row.remoteUser ?? nothing,
  e2ee: (row) => securityWord(row),
  kind: (row) => kindWords[row.sessionKind](),
  by: (row) => verifiedByWords[row.verifiedBy](),
  h2: (row) => yesNo(row.h2MultiplexingUsed),
  error: (row) => row.errorCode ?? '',
  duration: (row) => (row.durationMs === null ? nothing : formatDuration(row.durationMs)),
  read: (row) => (row.bytesRead === null ? nothing : formatBytes(row.bytesRead)),
  written: (row) => (row.bytesWritten === null ? nothing : formatBytes(row.bytesWritten)),
};

const values: Readonly<Record<string, (row: RequestView) => string | null>> = {
  status: (row) => row.status,
  rpc: (row) => row.rpcName,
  client: (row) => row.clientId,
  user: (row) => row.remoteUser,
  e2ee: (row) => (row.e2eeUsed ? 'yes' : 'no'),
  by: (row) => row.verifiedBy,
  h2: (row) => (row.h2MultiplexingUsed ? 'yes' : 'no'),
  error: (row) => row.errorCode,
};

export function cellText(name: ColumnName, row: RequestView): string {
  return texts[name](row);
}

/** Null where the cell has nothing to filter by. */
export function cellValue({ field }: Column, row: RequestView): string | null {
  if (field === undefined) return null;
  const value = values[field]?.(row) ?? null;
  return value === '' ? null : value;
}
