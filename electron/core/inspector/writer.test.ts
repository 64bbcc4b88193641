// A batch is written whole or not at all, with the faults that SQLite itself reports.
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import type { RequestOutcome, RequestRow } from '../../../shared/contracts/requests.ts';
import { openDatabase } from './database.ts';
import { describeFailure } from './failures.ts';
import { encodeBegin, encodeFinish, encodeRejection } from './rows.ts';
import {
  onRelease,
  releaseSamples,
  sampleOutcome,
  sampleRejection,
  sampleRow,
  temporaryFolder,
} from './sample-rows.ts';
import { Writer } from './writer.ts';

afterEach(releaseSamples);

const none: ReadonlySet<string> = new Set();

function open(): { db: Database; writer: Writer } {
  const file = join(temporaryFolder(), 'log.db');
  const db = openDatabase({ file, lockWaitMs: 50, interruptRunning: false });
  onRelease(() => void db.close());
  return { db, writer: new Writer(db) };
}

function begins(from: number, count: number) {
  return Array.from({ length: count }, (_, index) => encodeBegin(sampleRow(from + index), none));
}

describe('Writer', () => {
  it('reads back every field as it was given', () => {
    const { writer } = open();
    const plain = { e2eeUsed: false, tlsVersion: null, cipher: null, certificate: null, sessionId: null };
    const [one, two] = [sampleRow(1), sampleRow(2, { ...plain, tokenId: null, remoteUser: null })];
    writer.write([encodeBegin(one, none), encodeBegin(two, none), encodeFinish(1, sampleOutcome)]);
    const reasons = { rejectionCode: null, rejectionMessage: null };
    const open2 = { durationMs: null, bytesRead: null, bytesWritten: null, errorCode: null };
    expect(writer.recent(10)).toEqual([
      { ...two, status: 'RUNNING', ...open2, ...reasons },
      { ...one, ...sampleOutcome, ...reasons },
    ]);
  });

  it('reads back a rejection with its reason', () => {
    const { writer } = open();
    writer.write([encodeRejection(sampleRejection(), 1)]);
    expect(writer.recent(1)[0]).toMatchObject({
      ...sampleRejection(),
      status: 'REJECTED',
      errorCode: 'access_token_rejected',
    });
  });

  const faults: [string, RegExp, (db: Database) => void][] = [
    ['full', /disk is full\. Free some space/, (db) => db.pragma('max_page_count = 8')],
    ['read-only', /read-only or out of reach/, (db) => db.pragma('query_only = ON')],
  ];

  it.each(faults)('writes nothing of a batch on a %s database, and says what to do', (_name, says, fault) => {
    const { db, writer } = open();
    writer.write(begins(1, 1));
    fault(db);
    let failure: unknown;
    try {
      writer.write(begins(2, 1000));
    } catch (error) {
      failure = describeFailure(error, db.name);
    }
    expect(failure).toMatchObject({
      code: 'log_unavailable',
      message: expect.stringMatching(says) as string,
    });
    expect(writer.recent(10).map((row) => row.id)).toEqual([1]);
    expect(db.inTransaction).toBe(false);
  });

  it('works on after a failure', () => {
    const { db, writer } = open();
    db.pragma('query_only = ON');
    expect(() => writer.probe()).toThrow(/readonly/);
    db.pragma('query_only = OFF');
    writer.probe();
    writer.write(begins(1, 1));
    expect(writer.maxId()).toBe(1);
  });

  it('takes ends and rejections that come twice, and a begin once', () => {
    const { writer } = open();
    const rejection = encodeRejection(sampleRejection(), 2);
    writer.write([...begins(1, 1), encodeFinish(1, sampleOutcome), rejection]);
    writer.write([encodeFinish(1, sampleOutcome), rejection]);
    expect(writer.recent(10)).toHaveLength(2);
    expect(() => writer.write(begins(1, 1))).toThrow(/UNIQUE/);
  });

  it('reads back rows of every kind of session that begin and end together', () => {
    const { writer } = open();
    const device = { fingerprint: 'ab', issuer: 'https://id.example', subject: "o'anna", counter: 3 };
    const kinds: Partial<RequestRow>[] = [
      {},
      { h2MultiplexingUsed: false },
      { e2eeUsed: false, sessionVerified: false, verifiedBy: 'none', tlsVersion: null, cipher: null },
      { tlsVersion: 'TLSv1.4', cipher: "'); DROP TABLE requests; --" },
      { device, tlsVersion: null, cipher: 'AES-256-GCM', certificate: null },
      { device: { ...device, counter: null } },
    ];
    const rows = Array.from({ length: 300 }, (_, index) =>
      sampleRow(index + 1, kinds[(index * index) % kinds.length]),
    );
    const outcomes: RequestOutcome[] = [
      sampleOutcome,
      { ...sampleOutcome, status: 'FAILED', errorCode: "it's" },
      { ...sampleOutcome, status: 'CANCELLED' },
    ];
    const outcomeOf = (id: number) => outcomes[id % outcomes.length] ?? sampleOutcome;
    writer.write(rows.map((row) => encodeBegin(row, none)));
    writer.write(rows.map(({ id }) => encodeFinish(id, outcomeOf(id))));
    const reasons = { rejectionCode: null, rejectionMessage: null };
    expect(writer.recent(300).toReversed()).toEqual(
      rows.map((row) => ({ ...row, ...outcomeOf(row.id), ...reasons })),
    );
  });

  it('writes no row later that a failed batch had begun', () => {
    const { writer } = open();
    const other = encodeBegin(sampleRow(99, { h2MultiplexingUsed: false }), none);
    expect(() => writer.write([other, ...begins(1, 20), ...begins(1, 20)])).toThrow(/UNIQUE/);
    writer.write(begins(1, 20));
    expect(writer.recent(100).map((row) => row.id)).toEqual(
      Array.from({ length: 20 }, (_, index) => 20 - index),
    );
  });

  it('stores a certificate once', () => {
    const { db, writer } = open();
    writer.write(begins(1, 100));
    expect(db.prepare('SELECT count(*) FROM certificates').pluck().get()).toBe(1);
  });
});
