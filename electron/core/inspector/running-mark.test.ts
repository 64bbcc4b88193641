// The rows of a dead process are all found, and found without reading the others: whatever order requests begin and
// end in, whoever else writes the file, and from the forms of the file that had an index instead.
import { join } from 'node:path';
import DatabaseConstructor from 'better-sqlite3';
import type { Database } from 'better-sqlite3';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { openDatabase } from './database.ts';
import { migrate, migrations } from './migrations.ts';
import { RetentionRun } from './retention.ts';
import { encodeBegin, encodeFinish } from './rows.ts';
import { onRelease, releaseSamples, sampleOutcome, sampleRow, temporaryFolder } from './sample-rows.ts';
import { Writer } from './writer.ts';

afterEach(releaseSamples);

const none: ReadonlySet<string> = new Set();
/** Of the form that has an index of running rows. */
const indexedForm = 3;

function newFile(): string {
  return join(temporaryFolder(), 'log.db');
}

/** As a process opens it that starts: what it finds running is dead. */
function start(file: string): Database {
  const db = openDatabase({ file, lockWaitMs: 50, interruptRunning: true });
  onRelease(() => void db.close());
  return db;
}

function begins(...ids: number[]) {
  return ids.map((id) => encodeBegin(sampleRow(id), none));
}

function ends(...ids: number[]) {
  return ids.map((id) => encodeFinish(id, sampleOutcome));
}

function idsFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

/** Begins and ends `count` requests from id `first` on, 500 at a time. */
function pass(writer: Writer, first: number, count: number): void {
  for (let id = first; id < first + count; id += 500) {
    const ids = idsFrom(id, Math.min(500, first + count - id));
    writer.write(begins(...ids));
    writer.write(ends(...ids));
  }
}

function markOf(db: Database): number {
  return db.prepare('SELECT id FROM running_mark').pluck().get() as number;
}

function idsOf(db: Database, status: string): unknown[] {
  return db.prepare('SELECT id FROM requests WHERE status = ? ORDER BY id').pluck().all(status);
}

describe('the rows that a dead process left running', () => {
  it('are interrupted when the log is opened, and no others', () => {
    const file = newFile();
    const writer = new Writer(start(file));
    writer.write(begins(1, 2, 3, 4));
    writer.write(ends(1, 3));
    const db = start(file);
    expect([idsOf(db, 'INTERRUPTED'), idsOf(db, 'SUCCESS')]).toEqual([
      [2, 4],
      [1, 3],
    ]);
  });

  it('are looked for above the mark alone, which follows the requests that are over', () => {
    const file = newFile();
    const db = start(file);
    pass(new Writer(db), 1, 20_000);
    expect(markOf(db)).toBeGreaterThan(15_000);
    expect(markOf(db)).toBeLessThanOrEqual(20_001);
    // Nobody writes this. It shows that the row is not looked at.
    db.exec("UPDATE requests SET status = 'RUNNING' WHERE id IN (1, 9000)");
    expect(idsOf(start(file), 'RUNNING')).toEqual([1, 9000]);
  });

  it('are found behind thousands that began later and are over', () => {
    const file = newFile();
    const db = start(file);
    const writer = new Writer(db);
    writer.write(begins(1, 2));
    pass(writer, 3, 12_000);
    expect(markOf(db)).toBe(1);
    expect(idsOf(start(file), 'INTERRUPTED')).toEqual([1, 2]);
    expect(markOf(db)).toBe(12_003);
  });

  it('are found where their id was given out before others that are over', () => {
    const file = newFile();
    const db = start(file);
    const writer = new Writer(db);
    pass(writer, 10, 8_000);
    expect(markOf(db)).toBeGreaterThan(10);
    writer.write(begins(3, 8_500));
    expect(markOf(db)).toBeLessThanOrEqual(3);
    expect(idsOf(start(file), 'INTERRUPTED')).toEqual([3, 8_500]);
  });

  it('are found where another process opened the log meanwhile', () => {
    const file = newFile();
    const writer = new Writer(start(file));
    writer.write(begins(1));
    pass(writer, 2, 10_000);
    const other = start(file);
    expect(markOf(other)).toBe(10_002);
    pass(new Writer(other), 20_000, 6_000);
    writer.write(begins(10_002));
    expect(idsOf(start(file), 'INTERRUPTED')).toEqual([1, 10_002]);
  });

  it('are found when retention took all that the mark had passed', () => {
    const file = newFile();
    const db = start(file);
    const writer = new Writer(db);
    pass(writer, 1, 6_000);
    const now = sampleRow(1).sentAt + 40 * 86_400_000;
    const retention = new RetentionRun(db, { retentionDays: 30, maxSizeMb: 1024 }, now);
    while (retention.step());
    writer.write(begins(6_001));
    expect(idsOf(start(file), 'INTERRUPTED')).toEqual([6_001]);
    expect(idsOf(db, 'SUCCESS')).toEqual([6_000]);
  });

  it('are found where somebody removed the mark', () => {
    const file = newFile();
    const db = start(file);
    const writer = new Writer(db);
    db.exec('DELETE FROM running_mark');
    writer.write(begins(...idsFrom(1, 2000)));
    expect(idsOf(start(file), 'INTERRUPTED')).toHaveLength(2000);
  });

  it.each([
    ['some were running', [7, 300, 400], 7],
    ['none was running', [], 501],
  ])('are found in a file of the form before the mark, where %s', (_name, running, mark) => {
    const file = newFile();
    const old = new DatabaseConstructor(file);
    migrate(old, file, migrations.slice(0, indexedForm));
    const insert = old.prepare(
      'INSERT INTO requests (id, status, rpc_name, client_id, service_id, domain_name, sent_at, ' +
        'h2_multiplexing_used, e2ee_used, session_verified, verified_by) ' +
        "VALUES (?, ?, 'ping', 'anna', 's', 'PROD', 1, 0, 0, 0, 'none')",
    );
    for (const id of idsFrom(1, 500)) insert.run(id, running.includes(id) ? 'RUNNING' : 'SUCCESS');
    old.close();
    const db = start(file);
    expect(idsOf(db, 'INTERRUPTED')).toEqual(running);
    expect(idsOf(db, 'SUCCESS')).toHaveLength(500 - running.length);
    expect(markOf(db)).toBe(mark);
  });
});

describe('the mark of running requests', () => {
  it('never passes one, in whatever order requests begin and end', () => {
    const orders = fc.array(fc.record({ begin: fc.nat(1500), keep: fc.nat(40), late: fc.boolean() }), {
      minLength: 3,
      maxLength: 8,
    });
    fc.assert(
      fc.property(orders, (steps) => {
        const db = start(newFile());
        const writer = new Writer(db);
        let next = 1;
        let running: number[] = [];
        let held: number[] = [];
        for (const { begin, keep, late } of steps) {
          const ids = idsFrom(next, begin);
          next += begin;
          // Some are given out now and begin a step later.
          const now = [...ids.filter((id) => id % 97 !== 0), ...held];
          held = ids.filter((id) => id % 97 === 0);
          writer.write(begins(...now));
          running.push(...now);
          const over = running.filter((id) => (late ? id % 41 !== keep : id % 3 !== keep % 3));
          running = running.filter((id) => !over.includes(id));
          writer.write(ends(...over));
          writer.write(begins(next));
          running.push(next);
          next += 1;
          const behind = db
            .prepare(
              "SELECT count(*) FROM requests WHERE status = 'RUNNING' AND id < (SELECT id FROM running_mark)",
            )
            .pluck()
            .get();
          expect(behind).toBe(0);
        }
      }),
      { numRuns: 6 },
    );
  });

  it('comes closer by itself when a request that ran for long is over', () => {
    const db = start(newFile());
    const writer = new Writer(db);
    writer.write(begins(1));
    pass(writer, 2, 10_000);
    expect(markOf(db)).toBe(1);
    writer.write(ends(1));
    pass(writer, 10_002, 8_000);
    expect(markOf(db)).toBeGreaterThan(15_000);
  });
});
