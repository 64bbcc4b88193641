// The log of fetches: bounded on disk, in order, and readable again whatever a crash left.
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FetchLog } from './fetch-log.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-fetches-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const everything = { collection: null, document: null, cursor: null, limit: 1000 };

function fetched(document: string): Parameters<FetchLog['add']>[0] {
  const who = { user: 'anna', via: 'tls', deviceId: null, deviceName: null } as const;
  return { at: 1, kind: 'fetched', collection: 'files', document, version: 'a'.repeat(64), size: 1, ...who };
}

it('keeps to two files of a bounded length, the newest lines in them, and ascending ids', async () => {
  const log = await FetchLog.open(folder, 2_000);
  for (let at = 0; at < 40; at += 1) await log.add(fetched(`d${at}`));
  const ids = log.page(everything).fetches.map(({ id }) => id);
  expect(ids[0]).toBe(40);
  expect(ids).toEqual([...ids].sort((a, b) => b - a));
  expect(ids.length).toBeGreaterThan(5);
  expect(ids.length).toBeLessThan(40);
  await log.close();
  expect((await readdir(folder)).sort()).toEqual(['fetches.1.jsonl', 'fetches.jsonl']);
  for (const name of await readdir(folder)) {
    const { size, mode } = await stat(join(folder, name));
    expect(size).toBeLessThan(2_500);
    expect(mode & 0o777).toBe(0o600);
  }
  const again = await FetchLog.open(folder, 2_000);
  expect(again.page(everything).fetches.map(({ id }) => id)).toEqual(ids);
  expect((await again.add(fetched('x'))).id).toBe(41);
  await again.close();
});

it.each(['{"id":2,"at', '\0\0\0\0', 'null', '{"id":"x"}', '[]'])(
  'passes over %j and goes on',
  async (damaged) => {
    const log = await FetchLog.open(folder);
    await log.add(fetched('a'));
    await log.close();
    const path = join(folder, 'fetches.jsonl');
    await writeFile(path, `${await readFile(path, 'utf8')}${damaged}`);
    const again = await FetchLog.open(folder);
    await again.add(fetched('b'));
    await again.close();
    const last = await FetchLog.open(folder);
    expect(last.page(everything).fetches.map(({ document }) => document)).toEqual(['b', 'a']);
    await last.close();
  },
);

it('hands out nothing once it is closed', async () => {
  const log = await FetchLog.open(folder);
  await log.close();
  await expect(log.add(fetched('a'))).rejects.toMatchObject({ code: 'shutting_down' });
  expect(() => log.page({ ...everything, cursor: 'x' })).toThrow(
    expect.objectContaining({ code: 'cursor_invalid' }),
  );
});
