// Cursors: a place in the order of one query, opaque to whoever carries it. Must take none that is not from a page of
// the same query.
import { GatehouseError } from '../../../../shared/contracts/errors.ts';
import type { RequestSort } from '../../../../shared/contracts/console/models.ts';
import type { Place } from './order.ts';

const form = /^[A-Za-z0-9_-]{1,200}$/;

/** What a cursor belongs to: the filter as it was written, and the order. */
export function queryKey(filter: string, sort: RequestSort): string {
  return `${sort.key}${sort.descending ? '-' : '+'}${filter.trim()}`;
}

export function encodeCursor(query: string, { key, id }: Place): string {
  return Buffer.from(JSON.stringify([1, hash(query), key, id])).toString('base64url');
}

/** @throws GatehouseError `cursor_invalid` */
export function decodeCursor(query: string, cursor: string): Place {
  const parts = form.test(cursor) ? parse(Buffer.from(cursor, 'base64url').toString()) : null;
  if (!Array.isArray(parts) || parts.length !== 4) throw invalid();
  const [version, of, key, id] = parts as unknown[];
  if (version !== 1 || of !== hash(query)) throw invalid();
  if (typeof key !== 'number' || !Number.isFinite(key) || !Number.isSafeInteger(id)) throw invalid();
  return { key, id: id as number };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** FNV-1a, 32 bits: tells queries apart; it protects nothing. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  return value >>> 0;
}

function invalid(): GatehouseError {
  return new GatehouseError(
    'cursor_invalid',
    'This cursor is not from a page of this query. Load the list anew.',
  );
}
