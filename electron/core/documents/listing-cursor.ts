// What a listing is of, and the cursor that says how far it has come. A cursor comes from strangers: whatever it names is
// only compared with names, never opened.
import { createHash } from 'node:crypto';
import { GatehouseError } from '../../../shared/contracts/errors.ts';

/** What is listed: a collection, as far as it concerns a listing. */
export interface Listed {
  readonly id: string;
  readonly folder: string;
}

export interface Query {
  readonly listed: Listed;
  readonly needle: string;
}

/** How names are searched: whatever their case and Unicode form. */
export function foldedName(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/** A cursor names the last document of its page, and the listing that it is of. */
export function makeCursor(query: Query, after: string): string {
  return Buffer.from(JSON.stringify([queryTag(query), after])).toString('base64url');
}

/** The name to go on behind. @throws GatehouseError `cursor_invalid` */
export function readCursor(query: Query, cursor: string): string {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(parsed) && parsed.length === 2 && parsed[0] === queryTag(query)) {
      if (typeof parsed[1] === 'string') return parsed[1];
    }
  } catch {
    // It is not ours: said below.
  }
  throw new GatehouseError(
    'cursor_invalid',
    'The cursor is not from a page of this listing. List from the start.',
  );
}

function queryTag({ listed, needle }: Query): string {
  return createHash('sha256')
    .update(JSON.stringify([listed.id, needle]))
    .digest('base64url')
    .slice(0, 11);
}

export function aheadKey(query: Query, after: string): string {
  return JSON.stringify([query.listed.id, query.listed.folder, query.needle, after]);
}
