// Pages of the audit log, newest first, and the saved views. The audit log is bounded and small beside the requests: it
// is read row by row.
import type { Database, Statement } from 'better-sqlite3';
import type {
  AuditPage,
  AuditView,
  SavedView,
  SortKey,
} from '../../../../shared/contracts/console/models.ts';
import { auditFields } from '../../../../shared/contracts/filter/fields.ts';
import type { AuditFieldName } from '../../../../shared/contracts/filter/fields.ts';
import type { Term } from '../../../../shared/contracts/filter/filter.ts';
import type { AuditQuery } from '../inspector-api.ts';
import { decodeCursor, encodeCursor, queryKey } from './cursor.ts';
import { phraseMatcher, wordMatcher } from './matchers.ts';
import { parse } from './request-queries.ts';
import { numberTest } from './number-test.ts';
import type { CheckCancelled } from './scan.ts';

/** Rows read between two looks at the flag of cancellation. */
const stepRows = 1000;

/** The audit log has one order. */
const order = { key: 'time', descending: true } as const;

type Test = (row: AuditView) => boolean;

interface ViewRow {
  readonly id: string;
  readonly name: string;
  readonly filter: string;
  readonly sort_key: SortKey;
  readonly descending: number;
  readonly columns: string;
}

export class AuditQueries {
  readonly #older: Statement;
  readonly #newest: Statement;
  readonly #views: Statement;

  constructor(db: Database) {
    this.#older = db.prepare(`SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ${stepRows}`);
    this.#newest = db.prepare('SELECT coalesce(max(id), 0) FROM audit').pluck();
    this.#views = db.prepare('SELECT * FROM saved_views ORDER BY name COLLATE NOCASE, id');
  }

  newestId(): number {
    return this.#newest.get() as number;
  }

  /** @param now milliseconds since the epoch, from which ages in the filter count */
  page({ filter, cursor, limit }: AuditQuery, now: number, check: CheckCancelled): AuditPage {
    const key = `audit ${queryKey(filter, order)}`;
    const tests = parse(filter, auditFields, now).terms.map(testOf);
    const before = cursor === null ? Number.MAX_SAFE_INTEGER : decodeCursor(key, cursor).id;
    const rows = this.#matching(tests, before, limit + 1, check);
    const more = rows.length > limit;
    if (more) rows.pop();
    const last = rows.at(-1);
    const next = more && last !== undefined ? encodeCursor(key, { key: last.id, id: last.id }) : null;
    return { rows, next, newestId: this.newestId() };
  }

  views(): SavedView[] {
    return (this.#views.all() as ViewRow[]).map(
      ({ id, name, filter, sort_key: key, descending, columns }) => ({
        ...{ id, name, filter },
        sort: { key, descending: descending === 1 },
        columns: JSON.parse(columns) as string[],
      }),
    );
  }

  #matching(tests: readonly Test[], before: number, limit: number, check: CheckCancelled): AuditView[] {
    const found: AuditView[] = [];
    for (let below = before; ;) {
      check();
      const rows = this.#older.all(below) as AuditView[];
      for (const row of rows) {
        if (tests.every((test) => test(row))) found.push(row);
        if (found.length === limit) return found;
      }
      if (rows.length < stepRows) return found;
      below = rows.at(-1)?.id ?? 0;
    }
  }
}

function testOf(term: Term): Test {
  const test = term.kind === 'text' ? textTest(term.text) : fieldTest(term);
  return (row) => test(row) !== term.negated;
}

function textTest(text: string): Test {
  const matches = phraseMatcher(text);
  return (row) =>
    [row.subject, row.actor, row.action, row.old, row.value, row.code, row.message].some(matches);
}

function fieldTest(term: Extract<Term, { kind: 'field' }>): Test {
  const name = term.field as AuditFieldName;
  switch (name) {
    case 'since':
    case 'until': {
      const holds = numberTest(term);
      return ({ at }) => holds(at);
    }
    case 'id': {
      const holds = numberTest(term);
      return ({ id }) => holds(id);
    }
    case 'action':
    case 'actor':
    case 'subject':
    case 'code': {
      const matches = wordMatcher(term.values);
      return (row) => matches(row[name]);
    }
  }
}
