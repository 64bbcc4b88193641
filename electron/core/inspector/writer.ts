// Writes operations to the database, many in one transaction, and reads the newest rows. All or nothing: a
// batch that fails leaves no trace. Must never decide what happens after a failure; the worker does.
import type { Database, Statement } from 'better-sqlite3';
import { BeginWriter } from './begin-writer.ts';
import { expressionsOf, shapedEndColumns, shapedRowColumns } from './row-shapes.ts';
import { endColumns, operationKind, rejectionColumns, rowColumns } from './rows.ts';
import type { NewCertificate, Operation, SqlValues, StoredRequest } from './rows.ts';
import { decodeRow } from './stored-rows.ts';
import type { DatabaseRow } from './stored-rows.ts';

export class Writer {
  readonly #db: Database;
  readonly #begins: BeginWriter;
  readonly #insertRejected: Statement;
  readonly #insertCertificate: Statement;
  readonly #insertRejectionText: Statement;
  /** By the shape of an end; some ten, some hundred at most. */
  readonly #updates = new Map<number, Statement>();
  readonly #insertPayload: Statement;
  readonly #markCaptured: Statement;
  readonly #selectRecent: Statement;
  readonly #begin: Statement;
  readonly #commit: Statement;

  constructor(db: Database) {
    this.#db = db;
    this.#begins = new BeginWriter(db);
    this.#insertRejected = db.prepare(insertRejected());
    this.#insertCertificate = db.prepare('INSERT OR IGNORE INTO certificates (sha256, pem) VALUES (?, ?)');
    this.#insertRejectionText = db.prepare('INSERT OR REPLACE INTO texts (rowid, text) VALUES (? * 4, ?)');
    this.#insertPayload = db.prepare(
      'INSERT OR REPLACE INTO payloads (request_id, direction, content_type, body, total_bytes, truncated, ' +
        'redactions) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#markCaptured = db.prepare('UPDATE requests SET captured = 1 WHERE id = ?');
    this.#selectRecent = db.prepare(
      'SELECT requests.*, pem FROM requests LEFT JOIN certificates ON sha256 = sha256_hash_hexdigest ' +
        'ORDER BY id DESC LIMIT ?',
    );
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
  }

  /**
   * Commits all of `operations`, or throws SQLite's error and has written none. Finishes and rejections may
   * come twice, after a worker died between commit and acknowledgement; a request begins once.
   */
  write(operations: readonly Operation[]): void {
    this.#transaction(() => {
      for (const operation of operations) {
        if (operation[0] !== operationKind.begin) continue;
        this.#storeCertificate(operation[2]);
        this.#begins.add(operation[1], operation[3]);
      }
      this.#begins.finish();
      for (const operation of operations) this.#apply(operation);
    });
  }

  /** Writes a page and commits it, to see whether writing works; changes nothing. */
  probe(): void {
    const version = this.#db.pragma('user_version', { simple: true }) as number;
    this.#transaction(() => this.#db.pragma(`user_version = ${version}`));
  }

  /** Newest first. */
  recent(limit: number): StoredRequest[] {
    return (this.#selectRecent.all(limit) as DatabaseRow[]).map(decodeRow);
  }

  /** The highest id in the file; 0 where there is none. */
  maxId(): number {
    const row = this.#db.prepare('SELECT max(id) AS id FROM requests').get() as { id: number | null };
    return row.id ?? 0;
  }

  #transaction(work: () => void): void {
    this.#begin.run();
    try {
      work();
      this.#commit.run();
    } catch (error) {
      this.#begins.forget();
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** All but a begin, whose row is there already. */
  #apply(operation: Operation): void {
    switch (operation[0]) {
      case operationKind.reject:
        this.#storeCertificate(operation[2]);
        this.#insertRejected.run(operation[1]);
        this.#insertRejectionText.run(operation[1][0], operation[1].at(-1));
        return;
      case operationKind.finish:
        this.#updateOf(operation[3]).run(operation[1]);
        return;
      case operationKind.capture:
        return this.#capture(operation[1]);
      case operationKind.begin:
      case operationKind.barrier:
        return;
    }
  }

  #updateOf(shape: number): Statement {
    const known = this.#updates.get(shape);
    if (known !== undefined) return known;
    const made = this.#db.prepare(updateOf(shape));
    this.#updates.set(shape, made);
    return made;
  }

  /** A payload whose request retention has taken already goes nowhere. */
  #capture(values: SqlValues): void {
    if (this.#markCaptured.run(values[0]).changes > 0) this.#insertPayload.run(values);
  }

  #storeCertificate(certificate: NewCertificate | null): void {
    if (certificate !== null) this.#insertCertificate.run(certificate);
  }
}

function insertRejected(): string {
  const columns = [...rowColumns, ...shapedRowColumns.map(({ name }) => name), ...rejectionColumns];
  const places = columns.map(() => '?').join(', ');
  return (
    `INSERT INTO requests (status, ${columns.join(', ')}) VALUES ('REJECTED', ${places}) ` +
    'ON CONFLICT (id) DO NOTHING'
  );
}

function updateOf(shape: number): string {
  const bound = endColumns.map((name) => `${name} = ?`);
  const expressions = expressionsOf(shapedEndColumns, shape);
  const shaped = shapedEndColumns.map(({ name }, index) => `${name} = ${expressions[index]}`);
  return `UPDATE requests SET room = NULL, ${[...bound, ...shaped].join(', ')} WHERE id = ?`;
}
