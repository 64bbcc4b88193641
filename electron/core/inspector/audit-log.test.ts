// The audit log: what is written stays as it was written, on the disk, and there is room for it when there is room for
// nothing else. The full disk needs the right to mount a tmpfs.
import { execFileSync } from 'node:child_process';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import DatabaseConstructor from 'better-sqlite3';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { maxAuditText } from './audit-log.ts';
import { ConsoleWriter } from './console-writer.ts';
import { openDatabase } from './database.ts';
import type { AuditEntry } from './inspector-api.ts';
import { openSampleAudit } from './sample-inspector.ts';
import { onRelease, openSampleLog, releaseSamples, sampleRow, temporaryFolder } from './sample-rows.ts';
import { startThread } from './worker-host.ts';
import type { StartWorker } from './worker-host.ts';

afterEach(releaseSamples);

const patient = { timeout: 10_000, interval: 5 };

const entry: AuditEntry = {
  action: 'settings.changed',
  actor: 'administrator (desktop)',
  subject: 'service.e2ee.require_e2ee',
  old: 'true',
  value: 'false',
};

function newFile(): string {
  return join(temporaryFolder(), 'log.db');
}

describe('AuditLog', () => {
  it('has committed and synced a row by the time append resolves', async () => {
    const file = newFile();
    const syncFile = vi.fn(async () => {});
    const log = await openSampleLog(file, { syncFile });
    const audit = await openSampleAudit(log, () => 1_790_000_000_000);
    expect(await audit.append(entry)).toBe(1);
    expect(syncFile).toHaveBeenCalledOnce();
    const db = new DatabaseConstructor(file, { readonly: true });
    expect(db.prepare('SELECT * FROM audit').all()).toEqual([
      { id: 1, at: 1_790_000_000_000, ...entry, code: null, message: null },
    ]);
    db.close();
  });

  it('refuses where the sync fails', async () => {
    const syncFile = async () => Promise.reject(Object.assign(new Error('no'), { code: 'EIO' }));
    const audit = await openSampleAudit(await openSampleLog(newFile(), { syncFile }));
    await expect(audit.append(entry)).rejects.toMatchObject({ code: 'audit_unavailable' });
  });

  it('tells of each row, and goes on with its ids after a restart', async () => {
    const file = newFile();
    const first = await openSampleLog(file);
    const audit = await openSampleAudit(first);
    const tell = vi.fn();
    const stop = audit.onChange(tell);
    await audit.append(entry);
    stop();
    await audit.append(entry);
    expect(tell.mock.calls).toEqual([[{ newestId: 1 }]]);
    await first.close();
    const again = await openSampleAudit(await openSampleLog(file));
    expect(again.change).toEqual({ newestId: 2 });
    expect(await again.append(entry)).toBe(3);
  });

  it('keeps texts of any length within their bound', async () => {
    const audit = await openSampleAudit(await openSampleLog(newFile()));
    await audit.append({ ...entry, subject: 'x'.repeat(100_000) });
    const { rows } = await audit.page({ filter: '', cursor: null, limit: 1 });
    expect(rows[0]!.subject).toHaveLength(maxAuditText);
  });

  const filters: [string, number[]][] = [
    ['', [4, 3, 2, 1]],
    ['action:settings.changed', [3, 1]],
    ['-action:settings.*', [4, 2]],
    ['actor:"Command Line"', [2]],
    ['subject:t-1', [4, 2]],
    ['code:superadmin_password_wrong', [4]],
    ['-code:*', [3, 2, 1]],
    ['id>=2 id<4', [3, 2]],
    ['since:2026-09-21T14:13:22Z', [4, 3]],
    ['until:2026-09-21T14:13:22Z', [2, 1]],
    ['"wrong pass"', [4]],
    ['-wrong true', [3, 1]],
  ];

  it('finds by every field, newest first, in pages', async () => {
    let clock = 1_790_000_000_000;
    const audit = await openSampleAudit(await openSampleLog(newFile()), () => (clock += 1000) - 1000);
    await audit.append(entry);
    await audit.append({ action: 'token.revoked', actor: 'command line', subject: 't-1' });
    await audit.append(entry);
    const refusal = { code: 'superadmin_password_wrong', message: 'The wrong password was given.' };
    await audit.append({ action: 'console.unlock_failed', actor: 'service', subject: 't-1', ...refusal });
    for (const [filter, ids] of filters) {
      const found: number[] = [];
      for (let cursor: string | null = null; ;) {
        const page = await audit.page({ filter, cursor, limit: 1 });
        found.push(...page.rows.map(({ id }) => id));
        cursor = page.next;
        if (cursor === null) break;
      }
      expect([filter, found]).toEqual([filter, ids]);
    }
    const bad = audit.page({ filter: 'rpc:ping', cursor: null, limit: 1 });
    await expect(bad).rejects.toMatchObject({ code: 'filter_invalid', details: { column: 0 } });
    const cursor = audit.page({ filter: '', cursor: 'x', limit: 1 });
    await expect(cursor).rejects.toMatchObject({ code: 'cursor_invalid' });
  });

  it('says that another program holds the lock', async () => {
    const file = newFile();
    const log = await openSampleLog(file, { limits: { lockWaitMs: 20 } });
    const audit = await openSampleAudit(log);
    const other = new DatabaseConstructor(file);
    onRelease(() => void other.close());
    other.exec('BEGIN IMMEDIATE');
    await expect(audit.append(entry)).rejects.toMatchObject({
      code: 'audit_unavailable',
      message: expect.stringMatching(/another program holds it locked/) as string,
      details: { sqliteCode: 'SQLITE_BUSY' },
    });
    other.exec('ROLLBACK');
    expect(await audit.append(entry)).toBe(1);
  });
});

describe('the audit table', () => {
  function filled(rows: number, at = (_id: number) => 0) {
    const db = openDatabase({ file: newFile(), lockWaitMs: 50, interruptRunning: false });
    onRelease(() => void db.close());
    const writer = new ConsoleWriter(db);
    const row = { ...entry, old: null, value: null, code: null, message: null };
    db.transaction(() => {
      for (let id = 1; id <= rows; id += 1) writer.write({ kind: 'audit', row: { ...row, at: at(id) } });
    })();
    return { db, writer };
  }

  it.each([
    "UPDATE audit SET actor = 'nobody'",
    'UPDATE audit SET id = 7 WHERE id = 1',
    'DELETE FROM audit',
    'DELETE FROM audit WHERE id = 1',
    "INSERT OR REPLACE INTO audit (id, at, action, actor, subject) VALUES (1, 0, '', '', '')",
    "REPLACE INTO audit (id, at, action, actor, subject) VALUES (1, 0, '', '', '')",
    'UPDATE OR REPLACE audit SET id = 2 WHERE id = 1',
    'UPDATE audit_floor SET through_id = 1000000',
    'DELETE FROM audit_floor',
    'INSERT OR REPLACE INTO audit_floor VALUES (1, 1000)',
  ])('refuses %s', (sql) => {
    const { db } = filled(3);
    const before = db.prepare('SELECT * FROM audit').all();
    expect(() => db.exec(sql)).toThrow(/append-only|newest rows/);
    expect(db.prepare('SELECT * FROM audit').all()).toEqual(before);
  });

  it('is kept to its number of rows and its age, and never below a thousand', () => {
    const day = 86_400_000;
    const { db, writer } = filled(3000, (id) => id * day);
    const count = () => db.prepare('SELECT count(*) FROM audit').pluck().get();
    writer.trimAudit(3000 * day, { maxRows: 2500, maxDays: 100_000 });
    expect(count()).toBe(2500);
    writer.trimAudit(3000 * day, { maxRows: 100_000, maxDays: 1500 });
    expect(count()).toBe(1501);
    writer.trimAudit(3000 * day, { maxRows: 1, maxDays: 1 });
    expect(count()).toBe(1000);
    expect(db.prepare('SELECT min(id) FROM audit').pluck().get()).toBe(2001);
  });
});

/** A file system of 6 MiB, or null where this user may not mount one. */
function smallDisk(): string | null {
  const folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return null;
  }
  onRelease(() => void execFileSync('umount', ['--lazy', folder]));
  return folder;
}

describe('on a full disk', () => {
  it('writes audit rows into the room kept for them, and takes no requests until it is kept again', async (context) => {
    const folder = smallDisk();
    if (folder === null) return context.skip('needs the right to mount a tmpfs');
    const limits = { probeMs: 50, reserveBytes: 1024 * 1024, retentionEveryMs: 50 };
    const threads: Worker[] = [];
    const startWorker: StartWorker = (start) => {
      threads.push(startThread(start));
      return threads.at(-1)!;
    };
    const log = await openSampleLog(join(folder, 'log.db'), { limits, startWorker });
    const audit = await openSampleAudit(log);
    const reserve = join(folder, 'audit-reserve');
    await vi.waitFor(() => expect(statSync(reserve).size).toBe(limits.reserveBytes), patient);
    expect(statSync(reserve).mode & 0o777).toBe(0o600);
    const ballast = join(folder, 'ballast');
    const { bavail, bsize } = await import('node:fs').then(({ statfsSync }) => statfsSync(folder));
    writeFileSync(ballast, Buffer.alloc(bavail * bsize - 200_000));
    const fill = async () => {
      for (;;) await log.begin(sampleRow(log.nextId()));
    };
    await expect(fill()).rejects.toMatchObject({ code: 'log_unavailable' });
    const appended: number[] = [];
    for (let row = 0; row < 20; row += 1) appended.push(await audit.append(entry));
    expect(statSync(reserve).size).toBe(0);
    expect(log.available).toBe(false);
    await expect(log.begin(sampleRow(log.nextId()))).rejects.toMatchObject({ code: 'log_unavailable' });
    // A new thread finds room enough for a request, and must know that it is not there for one.
    await threads[0]!.terminate();
    await vi.waitFor(() => expect(threads).toHaveLength(2), patient);
    await vi.waitFor(async () => appended.push(await audit.append(entry)), patient);
    expect(log.available).toBe(false);
    await expect(log.begin(sampleRow(log.nextId()))).rejects.toMatchObject({ code: 'log_unavailable' });
    rmSync(ballast);
    await vi.waitFor(() => expect(log.available).toBe(true), patient);
    expect(statSync(reserve).size).toBe(limits.reserveBytes);
    await log.begin(sampleRow(log.nextId()));
    const { rows } = await audit.page({ filter: '', cursor: null, limit: 100 });
    expect(rows.map(({ id }) => id).toReversed()).toEqual(appended);
  });
});
