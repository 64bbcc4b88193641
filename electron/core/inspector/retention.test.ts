// What goes, what stays, and that the space really goes back.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { openDatabase } from './database.ts';
import type { RetentionSettings } from './protocol.ts';
import { RetentionRun } from './retention.ts';
import { encodeBegin, encodeFinish } from './rows.ts';
import { onRelease, releaseSamples, sampleOutcome, sampleRow, temporaryFolder } from './sample-rows.ts';
import { Writer } from './writer.ts';

afterEach(releaseSamples);

const none: ReadonlySet<string> = new Set();
const dayMs = 86_400_000;
const now = 1_800_000_000_000;
const roomy: RetentionSettings = { retentionDays: 30, maxSizeMb: 1024 };

function open(): Database {
  const file = join(temporaryFolder(), 'log.db');
  const db = openDatabase({ file, lockWaitMs: 50, interruptRunning: false });
  onRelease(() => void db.close());
  return db;
}

/** Finished rows 1 to `count` with `ageDays(id)`, their text `width` characters wide. */
function fill(db: Database, count: number, ageDays: (id: number) => number, width = 1): void {
  const writer = new Writer(db);
  const ids = Array.from({ length: count }, (_, index) => index + 1);
  const more = (id: number) => ({ sentAt: now - ageDays(id) * dayMs, remoteUser: 'u'.repeat(width) });
  writer.write(ids.map((id) => encodeBegin(sampleRow(id, more(id)), none)));
  writer.write(ids.map((id) => encodeFinish(id, sampleOutcome)));
}

function run(db: Database, settings: RetentionSettings): number[] {
  const retention = new RetentionRun(db, settings, now);
  const changes: number[] = [];
  for (let more = true; more;) {
    const before = db.prepare('SELECT total_changes()').pluck().get() as number;
    more = retention.step();
    changes.push((db.prepare('SELECT total_changes()').pluck().get() as number) - before);
  }
  return changes;
}

function ids(db: Database): number[] {
  return db.prepare('SELECT id FROM requests ORDER BY id').pluck().all() as number[];
}

function fileSize(db: Database): number {
  db.pragma('wal_checkpoint(TRUNCATE)');
  return statSync(db.name).size;
}

describe('RetentionRun', () => {
  it('deletes rows that are older than the age, and no other', () => {
    const db = open();
    fill(db, 1000, (id) => (id <= 700 ? 31 : 29));
    run(db, roomy);
    expect(ids(db)).toEqual(Array.from({ length: 300 }, (_, index) => 701 + index));
  });

  it('keeps a row whose request is still running, and goes on behind it', () => {
    const db = open();
    fill(db, 1000, () => 31);
    db.exec("UPDATE requests SET status = 'RUNNING' WHERE id = 5");
    run(db, roomy);
    expect(ids(db)).toEqual([5, 1000]);
  });

  it('keeps the newest row, so that its id never comes back', () => {
    const db = open();
    fill(db, 10, () => 31);
    run(db, roomy);
    expect(ids(db)).toEqual([10]);
  });

  it('brings the file within its size and keeps the newest rows that fit', () => {
    const db = open();
    fill(db, 30_000, () => 1, 1000);
    expect(fileSize(db)).toBeGreaterThan(30 * 1024 * 1024);
    run(db, { ...roomy, maxSizeMb: 16 });
    expect(fileSize(db)).toBeLessThan(16 * 1024 * 1024);
    expect(fileSize(db)).toBeGreaterThan(9 * 1024 * 1024);
    expect(ids(db).at(-1)).toBe(30_000);
    expect(ids(db)[0]).toBe(30_001 - ids(db).length);
  });

  it('gives the space of old rows back to the file system', () => {
    const db = open();
    fill(db, 20_000, () => 31, 500);
    const before = fileSize(db);
    run(db, roomy);
    expect(fileSize(db)).toBeLessThan(before / 8);
  });

  it('works in steps of a few hundred rows', () => {
    const db = open();
    fill(db, 5000, () => 31);
    expect(Math.max(...run(db, roomy))).toBeLessThanOrEqual(250);
  });

  it('comes to an end on a file that cannot shrink', () => {
    const db = open();
    db.pragma('auto_vacuum = NONE');
    db.exec('VACUUM');
    fill(db, 5000, () => 31);
    run(db, roomy);
    expect(ids(db)).toEqual([5000]);
  });

  it('changes nothing where nothing is old and the file is small', () => {
    const db = open();
    fill(db, 1000, () => 1);
    expect(run(db, roomy).every((changes) => changes === 0)).toBe(true);
  });
});
