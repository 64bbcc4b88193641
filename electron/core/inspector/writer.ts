// Writes operations to the database, many in one transaction, and reads the newest rows. All or nothing: a
// batch that fails leaves no trace. Must never decide what happens after a failure; the worker does.
import type { Database, Statement } from 'better-sqlite3';
import {
  deviceColumns,
  endColumns,
  operationKind,
  optionalEndColumns,
  rejectionColumns,
  rowColumns,
} from './rows.ts';
import type { NewCertificate, Operation, StoredRequest } from './rows.ts';
import { RunningMark } from './running-mark.ts';
import { decodeRow } from './stored-rows.ts';
import type { DatabaseRow } from './stored-rows.ts';

/** Characters that a row keeps free for what its end tells: four figures and a few short ones (see migration 0004). */
const roomLength = 44;

export class Writer {
  readonly #db: Database;
  readonly #mark: RunningMark;
  readonly #insertRunning: Statement;
  readonly #insertRunningOfDevice: Statement;
  readonly #insertRejected: Statement;
  readonly #insertCertificate: Statement;
  readonly #insertRejectionText: Statement;
  /** By the shape of an end: 128 at most. */
  readonly #updates = new Map<number, Statement>();
  readonly #insertPayload: Statement;
  readonly #markCaptured: Statement;
  readonly #selectRecent: Statement;
  readonly #begin: Statement;
  readonly #commit: Statement;

  constructor(db: Database) {
    this.#db = db;
    this.#mark = new RunningMark(db);
    this.#insertRunning = db.prepare(insertRunning(rowColumns));
    this.#insertRunningOfDevice = db.prepare(insertRunning([...rowColumns, ...deviceColumns]));
    const ofRejection = [...rowColumns, ...deviceColumns, ...rejectionColumns];
    this.#insertRejected = db.prepare(
      `INSERT INTO requests (status, ${ofRejection.join(', ')}) VALUES ('REJECTED', ${placesOf(ofRejection)}) ` +
        'ON CONFLICT (id) DO NOTHING',
    );
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
      let begun = 0;
      let lowestId = Infinity;
      for (const operation of operations) {
        this.#apply(operation);
        if (operation[0] !== operationKind.begin) continue;
        begun += 1;
        lowestId = Math.min(lowestId, Number(operation[1][0]));
      }
      if (begun > 0) this.#mark.begun(begun, lowestId);
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
        return this.#begins(operation[1]);
      case operationKind.reject:
        this.#storeCertificate(operation[2]);
        this.#insertRejected.run(operation[1]);
        this.#insertRejectionText.run(operation[1][0], operation[1].at(-1));
        return;
      case operationKind.finish:
        this.#updateOf(operation[2]).run(operation[1]);
        return;
      case operationKind.capture:
        return this.#capture(operation[1]);
      case operationKind.barrier:
        return;
    }
  }

  #begins(values: Operation[1] & object): void {
    const isDevice = values.length > rowColumns.length;
    (isDevice ? this.#insertRunningOfDevice : this.#insertRunning).run(values);
  }

  #updateOf(shape: number): Statement {
    const known = this.#updates.get(shape);
    if (known !== undefined) return known;
    const made = this.#db.prepare(updateOf(shape));
    this.#updates.set(shape, made);
    return made;
  }

  /** A payload whose request retention has taken already goes nowhere. */
  #capture(values: Operation[1] & object): void {
    if (this.#markCaptured.run(values[0]).changes > 0) this.#insertPayload.run(values);
  }

  #storeCertificate(certificate: NewCertificate | null): void {
    if (certificate !== null) this.#insertCertificate.run(certificate);
  }
}

function insertRunning(columns: readonly string[]): string {
  const room = ' '.repeat(roomLength);
  return (
    `INSERT INTO requests (status, ${columns.join(', ')}, room) ` +
    `VALUES ('RUNNING', ${placesOf(columns)}, '${room}')`
  );
}

function placesOf(columns: readonly string[]): string {
  return columns.map(() => '?').join(', ');
}

function updateOf(shape: number): string {
  const present = optionalEndColumns.filter((_, index) => (shape & (1 << index)) !== 0);
  return `UPDATE requests SET room = NULL, ${[...endColumns, ...present].join(' = ?, ')} = ? WHERE id = ?`;
}
