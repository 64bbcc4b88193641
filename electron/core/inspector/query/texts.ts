// Full-text search in what was written in free words: rejections' messages, notes, captured payloads. Asks the
// full-text index, and reads what it has not reached yet. A text without any word is in no index of words: for it, the
// rows that have free texts are read, each when it is asked about.
import type { Database, Statement } from 'better-sqlite3';
import { searchableText } from '../payload-texts.ts';
import { phraseMatcher, phraseQuery } from './matchers.ts';
import type { WordMatcher } from './matchers.ts';

/** Whether the request with this id has the text in one of its free texts. */
export type HasText = (id: number) => boolean;

interface Texts {
  readonly rejection_message: string | null;
  readonly note: string | null;
  readonly captured: number;
}

export class FreeTexts {
  readonly #match: Statement;
  readonly #unindexed: Statement;
  readonly #row: Statement;
  readonly #bodies: Statement;

  constructor(db: Database) {
    this.#match = db.prepare('SELECT rowid >> 2 FROM texts WHERE texts MATCH ?').pluck();
    this.#unindexed = db.prepare('SELECT request_id, body FROM payloads WHERE indexed = 0');
    this.#row = db.prepare('SELECT rejection_message, note, captured FROM requests WHERE id = ?');
    this.#bodies = db.prepare('SELECT body FROM payloads WHERE request_id = ?').pluck();
  }

  find(text: string): HasText {
    const query = phraseQuery(text);
    const matcher = phraseMatcher(text);
    if (query === null) return (id) => this.#contains(id, matcher);
    // The rest first: what is indexed in between is then found twice, not missed.
    const rest = (this.#unindexed.all() as { request_id: number; body: Buffer }[])
      .filter(({ body }) => matcher(searchableText(body)))
      .map(({ request_id }) => request_id);
    const found = new Set([...rest, ...(this.#match.all(query) as number[])]);
    return (id) => found.has(id);
  }

  #contains(id: number, matcher: WordMatcher): boolean {
    const row = this.#row.get(id) as Texts | undefined;
    if (row === undefined) return false;
    if (matcher(row.rejection_message) || matcher(row.note)) return true;
    return (
      row.captured === 1 && (this.#bodies.all(id) as Buffer[]).some((body) => matcher(searchableText(body)))
    );
  }
}
