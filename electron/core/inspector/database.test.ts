// Opening: private files, forms old and new, and damage, which must be reported and never repaired by loss.
import { chmodSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import DatabaseConstructor from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { openDatabase } from './database.ts';
import { migrate, migrations } from './migrations.ts';
import { encodeBegin } from './rows.ts';
import { releaseSamples, sampleRow, temporaryFolder } from './sample-rows.ts';
import { Writer } from './writer.ts';

afterEach(releaseSamples);

const none: ReadonlySet<string> = new Set();

function open(file: string) {
  return openDatabase({ file, lockWaitMs: 50, interruptRunning: true });
}

function fileWithRows(): string {
  const file = join(temporaryFolder(), 'log.db');
  const db = open(file);
  const rows = Array.from({ length: 500 }, (_, index) => encodeBegin(sampleRow(index + 1), none));
  new Writer(db).write(rows);
  db.close();
  return file;
}

describe('openDatabase', () => {
  it('keeps database, WAL and shared memory from everybody else, under any umask', () => {
    const before = process.umask(0);
    const file = join(temporaryFolder(), 'log.db');
    const db = open(file);
    process.umask(before);
    const modes = [file, `${file}-wal`, `${file}-shm`].map((part) => statSync(part).mode & 0o777);
    db.close();
    expect(modes).toEqual([0o600, 0o600, 0o600]);
  });

  it('takes back rights that somebody gave to others', () => {
    const file = fileWithRows();
    chmodSync(file, 0o666);
    open(file).close();
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('works in WAL mode, strictly typed, and gives space back', () => {
    const db = open(join(temporaryFolder(), 'log.db'));
    const settings = ['journal_mode', 'synchronous', 'auto_vacuum'].map((name) =>
      db.pragma(name, { simple: true }),
    );
    const strict = db
      .prepare("SELECT count(*) AS n FROM pragma_table_list WHERE strict AND schema = 'main'")
      .get();
    db.close();
    expect(settings).toEqual(['wal', 1, 2]);
    expect(strict).toEqual({ n: 7 });
  });

  const damages: [string, string, (file: string) => void][] = [
    [
      'log_corrupt',
      'a file that is no database',
      (file) => writeFileSync(file, 'no database\n'.repeat(1000)),
    ],
    ['log_corrupt', 'a truncated file', (file) => truncateSync(file, 5000)],
    ['log_corrupt', 'an overwritten header', (file) => flip(file, 0)],
    ['log_corrupt', 'a damaged schema page', (file) => flip(file, 100)],
    ['log_newer_version', 'a file of a newer version', (file) => makeNewer(file)],
  ];

  it.each(damages)('refuses with %s %s, and leaves every byte as it was', (code, _name, damage) => {
    const file = fileWithRows();
    damage(file);
    const before = readFileSync(file);
    expect(() => open(file)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(file) as string }),
    );
    expect(readFileSync(file).equals(before)).toBe(true);
  });

  it.each([
    ['the folder is missing', (folder: string) => join(folder, 'missing', 'log.db')],
    ['a folder is in its place', (folder: string) => folderAt(join(folder, 'log.db'))],
  ])('says log_unavailable when %s', (_name, place) => {
    expect(() => open(place(temporaryFolder()))).toThrow(
      expect.objectContaining({ code: 'log_unavailable' }),
    );
  });

  it('says log_unavailable when another program holds the database', () => {
    const file = fileWithRows();
    const other = new DatabaseConstructor(file);
    other.exec('BEGIN IMMEDIATE');
    try {
      expect(() => open(file)).toThrow(/another program holds it locked/);
    } finally {
      other.close();
    }
  });
});

describe('migrate', () => {
  it('leaves the form before a migration that fails, and goes on from there', () => {
    const file = fileWithRows();
    const db = open(file);
    const broken = [...migrations, 'CREATE TABLE extra (a INTEGER) STRICT; INSERT INTO nowhere VALUES (1)'];
    expect(() => migrate(db, file, broken)).toThrow(/nowhere/);
    const after = [db.pragma('user_version', { simple: true }), hasTable(db, 'extra')];
    migrate(db, file, [...migrations, 'CREATE TABLE extra (a INTEGER) STRICT']);
    const repaired = [db.pragma('user_version', { simple: true }), hasTable(db, 'extra')];
    db.close();
    expect(after).toEqual([migrations.length, false]);
    expect(repaired).toEqual([migrations.length + 1, true]);
  });
});

function hasTable(db: DatabaseConstructor.Database, name: string): boolean {
  return db.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(name) !== undefined;
}

function flip(file: string, offset: number): void {
  const bytes = readFileSync(file);
  bytes.fill(0xff, offset, offset + 64);
  writeFileSync(file, bytes);
}

function makeNewer(file: string): void {
  const db = new DatabaseConstructor(file);
  db.pragma(`user_version = ${migrations.length + 1}`);
  db.close();
}

function folderAt(path: string): string {
  mkdirSync(path);
  return path;
}
