// What the address of the Requests page says: filter, order, columns and the request that is open. The address is the
// one place where this is kept, so that it can be sent to a colleague. Must take any text without throwing.
import type { RequestSort, SortKey } from '../../shared/contracts/console/models.ts';

export interface RequestsPlace {
  readonly filter: string;
  readonly sort: RequestSort;
  /** Column names in their order; empty: the remembered ones. */
  readonly columns: readonly string[];
  readonly id: number | null;
}

/** A query of the address by name; null removes an entry. */
export type PlaceQuery = Readonly<Record<'filter' | 'sort' | 'columns' | 'id', string | null>>;

const sortKeys: readonly SortKey[] = ['time', 'duration', 'bytesRead', 'bytesWritten'];

export const newestFirst: RequestSort = { key: 'time', descending: true };

/** Most columns that an address or a saved view may name. */
const maxColumns = 32;

/** What is broken counts as not said. @param read a value of the query, empty where there is none */
export function parsePlace(read: (name: keyof PlaceQuery) => string): RequestsPlace {
  const columns = read('columns')
    .split(',')
    .filter((name) => /^[a-zA-Z0-9]{1,32}$/.test(name));
  return {
    // Whole, however long: one that is too long is refused in words, where a part of it would find other requests.
    filter: read('filter'),
    sort: parseSort(read('sort')),
    columns: [...new Set(columns)].slice(0, maxColumns),
    id: parseId(read('id')),
  };
}

/** What is as on a plain visit is left out. */
export function formatPlace(place: RequestsPlace): PlaceQuery {
  return {
    filter: place.filter === '' ? null : place.filter,
    sort: sameSort(place.sort, newestFirst) ? null : formatSort(place.sort),
    columns: place.columns.length === 0 ? null : place.columns.join(','),
    id: place.id === null ? null : String(place.id),
  };
}

export function sameSort(a: RequestSort, b: RequestSort): boolean {
  return a.key === b.key && a.descending === b.descending;
}

/** `-duration` is the longest first, `duration` the shortest. */
function formatSort(sort: RequestSort): string {
  return `${sort.descending ? '-' : ''}${sort.key}`;
}

function parseSort(text: string): RequestSort {
  const key = sortKeys.find((name) => name === text.replace(/^-/, ''));
  return key === undefined ? newestFirst : { key, descending: text.startsWith('-') };
}

function parseId(text: string): number | null {
  if (!/^[1-9][0-9]{0,15}$/.test(text)) return null;
  const id = Number(text);
  return Number.isSafeInteger(id) ? id : null;
}
