// The id below which no request is running, kept in the file: so the rows of a dead process are found without reading
// a million of them, and no index has to follow every row. It moves in the transaction that begins requests, by what
// the file itself says then. Must never lead, or a row below it would be running for ever; it may lag.
import type { Database, Statement } from 'better-sqlite3';

/** Begins between two moves. */
const moveEvery = 1024;

/**
 * Ids that it passes in a move at most: more than begin meanwhile, so that it catches up behind a request that ran for
 * long, and few enough that the commit does not wait for it.
 */
const maxStep = 4096;

export class RunningMark {
  readonly #lower: Statement;
  readonly #raise: Statement;
  #begun = 0;

  constructor(db: Database) {
    this.#lower = db.prepare('UPDATE running_mark SET id = ? WHERE id > ?');
    this.#raise = db.prepare(
      'UPDATE running_mark SET id = coalesce(' +
        '(SELECT requests.id FROM requests WHERE requests.id >= running_mark.id AND ' +
        `requests.id < running_mark.id + ${maxStep} AND status = 'RUNNING' ORDER BY requests.id LIMIT 1), ` +
        `min(running_mark.id + ${maxStep}, (SELECT max(requests.id) + 1 FROM requests)))`,
    );
  }

  /**
   * To be called in the transaction that begins `count` requests, behind them. An id may be below the mark: it was
   * given out before others that are over, or by another process.
   */
  begun(count: number, lowestId: number): void {
    this.#lower.run(lowestId, lowestId);
    this.#begun += count;
    if (this.#begun < moveEvery) return;
    this.#begun = 0;
    this.#raise.run();
  }
}

/**
 * Marks what a dead process left running. Reads the rows from the mark on: some thousand (2 ms), or all since the oldest
 * request that was still running (a million: 0.2 s). @throws SQLite's error, having changed nothing
 */
export function interruptRunning(db: Database): void {
  db.transaction(() => {
    db.exec(
      "UPDATE requests SET status = 'INTERRUPTED', room = NULL " +
        "WHERE id >= coalesce((SELECT id FROM running_mark), 0) AND status = 'RUNNING'",
    );
    // A mark that lags little stays, so that opening a log writes nothing.
    db.exec(
      'UPDATE running_mark SET id = (SELECT max(requests.id) + 1 FROM requests) ' +
        `WHERE id < (SELECT max(requests.id) - ${2 * maxStep} FROM requests)`,
    );
  }).immediate();
}
