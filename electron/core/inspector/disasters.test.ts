// kill -9 and a disk that is really full: what was acknowledged must be in the file, and work must go on
// by itself when it can. The full disk needs the right to mount a tmpfs; where it is missing, writer.test.ts
// has SQLite's own SQLITE_FULL.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import DatabaseConstructor from 'better-sqlite3';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  onRelease,
  openSampleLog,
  releaseSamples,
  sampleOutcome,
  sampleRow,
  temporaryFolder,
} from './sample-rows.ts';

afterEach(releaseSamples);

const patient = { timeout: 10_000, interval: 5 };

const logModule = new URL('./request-log.ts', import.meta.url).href;

/** Begins 32 requests at a time for ever and says each id whose begin has resolved. */
const victim = `
  import { openRequestLog } from ${JSON.stringify(logModule)};
  import { writeSync } from 'node:fs';
  const [file, row] = [process.argv[2], JSON.parse(process.argv[3])];
  const log = await openRequestLog({ file, retentionDays: 3650, maxSizeMb: 1024 });
  for (let lane = 0; lane < 32; lane += 1) void (async () => {
    for (;;) {
      const id = log.nextId();
      await log.begin({ ...row, id });
      writeSync(1, id + '\\n');
      log.finish(id, ${JSON.stringify(sampleOutcome)});
    }
  })();
`;

/** Its words go to a file, which outlives it: a pipe would hold it up. */
async function killAfter(file: string, acknowledged: number): Promise<number[]> {
  const [program, said] = [`${file}.mjs`, `${file}.said`];
  writeFileSync(program, victim);
  const output = openSync(said, 'w');
  const args = [program, file, JSON.stringify(sampleRow(0))];
  const child = spawn(process.execPath, args, { stdio: ['ignore', output, 'inherit'] });
  const closed = once(child, 'close');
  const ids = () => readFileSync(said, 'utf8').split('\n').slice(0, -1).map(Number);
  try {
    await vi.waitFor(() => expect(ids().length).toBeGreaterThanOrEqual(acknowledged), patient);
  } finally {
    child.kill('SIGKILL');
    await closed;
    closeSync(output);
  }
  return ids();
}

/** A file system of 2 MiB, or null where this user may not mount one. */
function smallDisk(): string | null {
  const folder = temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return null;
  }
  onRelease(() => void execFileSync('umount', ['--lazy', folder]));
  return folder;
}

describe('after kill -9', () => {
  it.each([1, 500, 3000])('every begin that resolved is in the file (killed after %i)', async (count) => {
    const file = join(temporaryFolder(), 'log.db');
    const acknowledged = await killAfter(file, count);
    const log = await openSampleLog(file);
    expect(log.nextId()).toBeGreaterThan(Math.max(...acknowledged));
    const db = new DatabaseConstructor(file, { readonly: true });
    const ids = new Set(db.prepare('SELECT id FROM requests').pluck().all());
    const running = db.prepare("SELECT id FROM requests WHERE status = 'RUNNING'").all();
    db.close();
    expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
    expect(running).toEqual([]);
  });
});

describe('on a full disk', () => {
  it('refuses work, says so, loses no row it acknowledged, and goes on when there is space', async (context) => {
    const folder = smallDisk();
    if (folder === null) return context.skip('needs the right to mount a tmpfs');
    const log = await openSampleLog(join(folder, 'log.db'), { limits: { probeMs: 50 } });
    const ballast = join(folder, 'ballast');
    writeFileSync(ballast, Buffer.alloc(1_200_000));
    const acknowledged: number[] = [];
    const beginOne = async () => {
      const id = log.nextId();
      await log.begin(sampleRow(id));
      acknowledged.push(id);
    };
    const fill = async () => {
      for (;;) await beginOne();
    };
    await expect(fill()).rejects.toMatchObject({
      code: 'log_unavailable',
      message: expect.stringMatching(/the disk is full\. Free some space/) as string,
    });
    log.finish(acknowledged[0]!, sampleOutcome);
    rmSync(ballast);
    await vi.waitFor(() => expect(log.available).toBe(true), patient);
    await vi.waitFor(beginOne, patient);
    const stored = await log.recent(10_000);
    expect(stored.map((row) => row.id).toReversed()).toEqual(acknowledged);
    expect(stored.at(-1)!.status).toBe('SUCCESS');
  });
});
