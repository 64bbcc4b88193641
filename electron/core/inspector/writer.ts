// Writes operations to the database, many in one transaction, and reads the newest rows. All or nothing: a
// batch that fails leaves no trace. Must never decide what happens after a failure; the worker does.
import type { Database, Statement } from 'better-sqlite3';
import { decodeRow, operationKind, outcomeColumns, rowColumns, timingColumns } from './rows.ts';
import type { DatabaseRow, NewCertificate, Operation, StoredRequest } from './rows.ts';

export class Writer {
  readonly #db: Database;
  readonly #insertRunning: Statement;
  readonly #insertRejected: Statement;
  readonly #insertCertificate: Statement;
  readonly #insertRejectionText: Statement;
  readonly #update: Statement;
  readonly #insertPayload: Statement;
  readonly #markCaptured: Statement;
  readonly #selectRecent: Statement;
  readonly #begin: Statement;
  readonly #commit: Statement;

  constructor(db: Database) {
    this.#db = db;
    this.#insertRunning = db.prepare(insertInto(rowColumns));
    this.#insertRejected = db.prepare(
      `${insertInto([...rowColumns, ...outcomeColumns])} ON CONFLICT (id) DO NOTHING`,
    );
    this.#insertCertificate = db.prepare('INSERT OR IGNORE INTO certificates (sha256, pem) VALUES (?, ?)');
    this.#update = db.prepare(
      'UPDATE requests SET status = ?, duration_ms = ?, bytes_read = ?, bytes_written = ?, ' +
        `error_code = ?, rejection_code = ?, ${timingColumns.join(' = ?, ')} = ? WHERE id = ?`,
    );
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
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #apply(operation: Operation): void {
    switch (operation[0]) {
      case operationKind.begin:
        this.#storeCertificate(operation[2]);
        this.#insertRunning.run(operation[1]);
        return;
      case operationKind.reject:
        this.#storeCertificate(operation[2]);
        this.#insertRejected.run(operation[1]);
        this.#insertRejectionText.run(operation[1][0], operation[1].at(-1));
        return;
      case operationKind.finish:
        this.#update.run(operation[1]);
        return;
      case operationKind.capture:
        return this.#capture(operation[1]);
      case operationKind.barrier:
        return;
    }
  }

  /** A payload whose request retention has taken already goes nowhere. */
  #capture(values: Operation[1] & object): void {
    if (this.#markCaptured.run(values[0]).changes > 0) this.#insertPayload.run(values);
  }

  #storeCertificate(certificate: NewCertificate | null): void {
    if (certificate !== null) this.#insertCertificate.run(certificate);
  }
}

function insertInto(columns: readonly string[]): string {
  return `INSERT INTO requests (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
}
