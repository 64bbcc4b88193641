// Full-text search in what was written in free words: rejections' messages, notes, captured payloads. Asks the
// full-text index, and reads what it has not reached yet.
import type { Database, Statement } from 'better-sqlite3';
import { searchableText } from '../payload-texts.ts';
import { phraseMatcher, phraseQuery } from './matchers.ts';

export class FreeTexts {
  readonly #match: Statement;
  readonly #unindexed: Statement;

  constructor(db: Database) {
    this.#match = db.prepare('SELECT rowid >> 2 FROM texts WHERE texts MATCH ?').pluck();
    this.#unindexed = db.prepare('SELECT request_id, body FROM payloads WHERE indexed = 0');
  }

  /** The ids of the requests with this phrase in one of their free texts. */
  find(text: string): ReadonlySet<number> {
    const query = phraseQuery(text);
    if (query === null) return new Set();
    // The rest first: what is indexed in between is then found twice, not missed.
    const matcher = phraseMatcher(text);
    const rest = (this.#unindexed.all() as { request_id: number; body: Buffer }[])
      .filter(({ body }) => matcher(searchableText(body)))
      .map(({ request_id }) => request_id);
    return new Set([...rest, ...(this.#match.all(query) as number[])]);
  }
}
