// The columns of the inspector's list: which there are, which are shown, in what order and how wide. The choice is
// remembered in this browser; an address or a saved view that names columns goes before it.
import type { SortKey } from '../../shared/contracts/console/models.ts';

export type ColumnName =
  | 'marks'
  | 'id'
  | 'time'
  | 'status'
  | 'rpc'
  | 'client'
  | 'user'
  | 'e2ee'
  | 'kind'
  | 'by'
  | 'h2'
  | 'error'
  | 'duration'
  | 'read'
  | 'written';

export interface Column {
  readonly name: ColumnName;
  /** Pixels at first, and at least. */
  readonly widthPx: number;
  readonly leastPx: number;
  readonly sort?: SortKey;
  /** Of the filter language: a click on a cell filters by it. */
  readonly field?: string;
  readonly numeric?: boolean;
}

export const columns: readonly Column[] = [
  { name: 'marks', widthPx: 68, leastPx: 40 },
  { name: 'id', widthPx: 88, leastPx: 48, numeric: true },
  { name: 'time', widthPx: 116, leastPx: 72, sort: 'time' },
  { name: 'status', widthPx: 128, leastPx: 40, field: 'status' },
  { name: 'rpc', widthPx: 136, leastPx: 64, field: 'rpc' },
  { name: 'client', widthPx: 152, leastPx: 64, field: 'client' },
  { name: 'user', widthPx: 88, leastPx: 56, field: 'user' },
  { name: 'e2ee', widthPx: 128, leastPx: 56, field: 'e2ee' },
  { name: 'kind', widthPx: 120, leastPx: 56 },
  { name: 'by', widthPx: 104, leastPx: 56, field: 'by' },
  { name: 'h2', widthPx: 72, leastPx: 48, field: 'h2' },
  { name: 'error', widthPx: 160, leastPx: 64, field: 'error' },
  { name: 'duration', widthPx: 92, leastPx: 64, sort: 'duration', numeric: true },
  { name: 'read', widthPx: 84, leastPx: 64, sort: 'bytesRead', numeric: true },
  { name: 'written', widthPx: 84, leastPx: 64, sort: 'bytesWritten', numeric: true },
];

export const defaultColumns: readonly ColumnName[] = [
  'marks',
  'time',
  'status',
  'rpc',
  'client',
  'user',
  'e2ee',
  'duration',
  'read',
  'written',
];

const shownKey = 'gatehouse.requests.columns';
const widthsKey = 'gatehouse.requests.widths';
const mostPx = 800;

type Widths = Readonly<Partial<Record<ColumnName, number>>>;

/** What a browser remembers; it may refuse. */
export type ColumnStorage = Pick<Storage, 'getItem' | 'setItem'>;

export class Columns {
  #remembered = $state.raw<readonly ColumnName[]>(defaultColumns);
  #widths = $state.raw<Widths>({});
  readonly #storage: ColumnStorage;

  constructor(storage: ColumnStorage) {
    this.#storage = storage;
    const shown = knownColumns(readJson(storage, shownKey));
    if (shown.length > 0) this.#remembered = shown;
    this.#widths = knownWidths(readJson(storage, widthsKey));
  }

  /** @param named by the address; empty for the remembered ones */
  shown(named: readonly string[]): readonly Column[] {
    const wanted = knownColumns(named);
    const names = wanted.length > 0 ? wanted : this.#remembered;
    return names.flatMap((name) => columns.filter((column) => column.name === name));
  }

  widthOf(column: Column): number {
    return this.#widths[column.name] ?? column.widthPx;
  }

  setWidth(column: Column, px: number): void {
    const width = Math.round(Math.max(column.leastPx, Math.min(mostPx, px)));
    this.#widths = { ...this.#widths, [column.name]: width };
    writeJson(this.#storage, widthsKey, this.#widths);
  }

  remember(names: readonly ColumnName[]): void {
    this.#remembered = names.length === 0 ? defaultColumns : names;
    writeJson(this.#storage, shownKey, this.#remembered);
  }

  reset(): void {
    this.#widths = {};
    writeJson(this.#storage, widthsKey, {});
    this.remember(defaultColumns);
  }
}

export function isColumnName(name: unknown): name is ColumnName {
  return columns.some((column) => column.name === name);
}

/** The names with one shown or hidden; a shown one comes where the full list has it. At least one stays. */
export function toggled(names: readonly ColumnName[], name: ColumnName): readonly ColumnName[] {
  if (names.includes(name)) return names.length === 1 ? names : names.filter((other) => other !== name);
  const order = columns.map((column) => column.name);
  const after = names.filter((other) => order.indexOf(other) < order.indexOf(name)).at(-1);
  const at = after === undefined ? 0 : names.indexOf(after) + 1;
  return [...names.slice(0, at), name, ...names.slice(at)];
}

/** The names with one moved so many places. */
export function moved(names: readonly ColumnName[], name: ColumnName, by: number): readonly ColumnName[] {
  const from = names.indexOf(name);
  if (from === -1) return names;
  const to = Math.max(0, Math.min(names.length - 1, from + by));
  const rest = names.filter((other) => other !== name);
  return [...rest.slice(0, to), name, ...rest.slice(to)];
}

function knownColumns(names: unknown): ColumnName[] {
  return Array.isArray(names) ? [...new Set(names.filter(isColumnName))] : [];
}

function knownWidths(value: unknown): Widths {
  if (typeof value !== 'object' || value === null) return {};
  const entries = Object.entries(value).filter(
    ([name, px]) => isColumnName(name) && typeof px === 'number' && px > 0 && px <= mostPx,
  );
  return Object.fromEntries(entries);
}

function readJson(storage: ColumnStorage, key: string): unknown {
  try {
    return JSON.parse(storage.getItem(key) ?? 'null');
  } catch {
    return null;
  }
}

function writeJson(storage: ColumnStorage, key: string, value: unknown): void {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch {
    // The browser keeps nothing: the choice lasts as long as the page.
  }
}
