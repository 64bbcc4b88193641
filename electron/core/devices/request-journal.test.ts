// The journal of device requests: an id is taken once, whatever happens in between: another session, a restart, a kill -9
// between journal and answer, a torn record, a disk that refuses.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RequestJournal } from './request-journal.ts';
import type { JournalOptions } from './request-journal.ts';

const key = Buffer.alloc(32, 7);
let dataFolder: string;
let journals: RequestJournal[];

beforeEach(() => {
  dataFolder = mkdtempSync(join(tmpdir(), 'gatehouse-journal-'));
  journals = [];
});

afterEach(async () => {
  for (const journal of journals) await journal.close().catch(() => undefined);
  rmSync(dataFolder, { recursive: true, force: true });
});

async function open(options: Partial<JournalOptions> = {}): Promise<RequestJournal> {
  const journal = await RequestJournal.open({ dataFolder, key, ...options });
  journals.push(journal);
  return journal;
}

async function reopen(options: Partial<JournalOptions> = {}): Promise<RequestJournal> {
  await journals.pop()?.close();
  return open(options);
}

const file = (name: string): string => join(dataFolder, 'device-journal', name);

describe('the mark of a session’s start', () => {
  it('is gone as soon as an id that came after it may be gone', async () => {
    const journal = await open({ limits: { perDevice: 3 } });
    journal.opened('phone', 'session');
    for (const id of ['a', 'b']) await journal.begin('phone', id);
    expect(journal.reachesBackTo('phone', 'session')).toBe(true);
    expect(journal.reachesBackTo('tablet', 'session')).toBe(false);
    await journal.begin('phone', 'c');
    expect(journal.reachesBackTo('phone', 'session')).toBe(false);
    expect(await journal.begin('phone', 'a')).toBe('unknown');
  });

  it('does not outlive the process, also where the file was written anew', async () => {
    const limits = { inAll: 6, perDevice: 3 };
    const journal = await open({ limits });
    journal.opened('phone', 'session');
    for (let at = 0; at <= 2 * limits.inAll; at += 1) await journal.begin('tablet', `id ${String(at)}`);
    expect(journal.reachesBackTo('phone', 'session')).toBe(true);
    expect((await reopen({ limits })).reachesBackTo('phone', 'session')).toBe(false);
  });
});

describe('an id', () => {
  it('is taken once, also by two at the same time', async () => {
    const journal = await open();
    const both = await Promise.all([journal.begin('phone', 'a'), journal.begin('phone', 'a')]);
    expect(both).toEqual([null, 'unknown']);
    expect(await journal.begin('tablet', 'a')).toBeNull();
    expect(await (await reopen()).begin('phone', 'a')).toBe('unknown');
  });

  it('has its answer once it is finished, also after a restart, and in no clear text on the disk', async () => {
    let journal = await open();
    await journal.begin('phone', 'a');
    const secret = 'a secret answer '.repeat(4);
    journal.finish('phone', 'a', Buffer.from(secret));
    expect(await journal.begin('phone', 'a')).toMatchObject({ answer: Buffer.from(secret) });
    await journal.flush();
    journal = await reopen();
    const earlier = await journal.begin('phone', 'a');
    expect(earlier).not.toBe('unknown');
    expect((earlier as { answer: Buffer }).answer.toString()).toBe(secret);
    for (const name of readdirSync(join(dataFolder, 'device-journal'))) {
      expect(readFileSync(file(name)).includes('secret')).toBe(false);
      expect(statSync(file(name)).mode & 0o077).toBe(0);
    }
  });

  it('has no answer where that was too long, was changed, or has another key', async () => {
    let journal = await open({ limits: { maxAnswerBytes: 10 } });
    for (const id of ['long', 'changed']) await journal.begin('phone', id);
    journal.finish('phone', 'long', Buffer.alloc(11));
    journal.finish('phone', 'changed', Buffer.alloc(10));
    journal = await reopen();
    expect(await journal.begin('phone', 'long')).toBe('unknown');
    const bytes = readFileSync(file('answers-0'));
    bytes[bytes.length - 20]! ^= 1;
    writeFileSync(file('answers-0'), bytes);
    expect(await (await reopen()).begin('phone', 'changed')).toBe('unknown');
    bytes[bytes.length - 20]! ^= 1;
    writeFileSync(file('answers-0'), bytes);
    expect(await (await reopen({ key: randomBytes(32) })).begin('phone', 'changed')).toBe('unknown');
    expect(await (await reopen()).begin('phone', 'changed')).toMatchObject({ answer: Buffer.alloc(10) });
  });

  it('is kept with thousands of others taken at the same time', async () => {
    const journal = await open();
    const ids = Array.from({ length: 3_000 }, (_, at) => `id ${at}`);
    await Promise.all(ids.map((id) => journal.begin('phone', id)));
    const again = await reopen();
    expect(again.size).toBe(3_000);
    expect(new Set(await Promise.all(ids.map((id) => again.begin('phone', id))))).toEqual(
      new Set(['unknown']),
    );
  });

  it('survives a torn record behind it', async () => {
    await (await open()).begin('phone', 'a');
    appendFileSync(file('ids'), 'torn');
    let journal = await reopen();
    expect(await journal.begin('phone', 'a')).toBe('unknown');
    await journal.begin('phone', 'b');
    journal = await reopen();
    expect([await journal.begin('phone', 'a'), await journal.begin('phone', 'b')]).toEqual([
      'unknown',
      'unknown',
    ]);
  });

  it('survives torn answers, which are then unknown', async () => {
    const journal = await open();
    for (const id of ['a', 'b']) {
      await journal.begin('phone', id);
      journal.finish('phone', id, Buffer.from(id));
      await journal.flush();
    }
    await journals.pop()?.close();
    truncateSync(file('answers-0'), statSync(file('answers-0')).size - 1);
    const again = await open();
    expect(await again.begin('phone', 'a')).toMatchObject({ answer: Buffer.from('a') });
    expect(await again.begin('phone', 'b')).toBe('unknown');
  });

  it('is not taken where the disk refuses it: the request must not run', async () => {
    const journal = await open();
    await journal.close();
    await expect(journal.begin('phone', 'a')).rejects.toMatchObject({ code: 'log_unavailable' });
  });
});

describe('its bounds', () => {
  it('drop the oldest ids of a device, of all devices, and those that are old', async () => {
    let now = 1_000;
    const limits = { perDevice: 3, inAll: 5, maxAgeMs: 100 };
    const journal = await open({ limits, now: () => now });
    for (const id of ['a', 'b', 'c', 'd']) await journal.begin('phone', id);
    expect(journal.size).toBe(3);
    for (const id of ['a', 'b', 'c']) await journal.begin('tablet', id);
    expect(journal.size).toBe(5);
    now += 101;
    await journal.begin('tablet', 'd');
    expect(journal.size).toBe(1);
  });

  it('hold the file too, and lose nothing that is remembered while it is written anew', async () => {
    const limits = { perDevice: 20, inAll: 20 };
    let journal = await open({ limits });
    const ids = Array.from({ length: 500 }, (_, at) => `id ${at}`);
    for (let at = 0; at < ids.length; at += 10) {
      await Promise.all(ids.slice(at, at + 10).map((id) => journal.begin('phone', id)));
    }
    expect(statSync(file('ids')).size).toBeLessThan(4_000);
    journal = await reopen({ limits });
    const newest = await Promise.all(ids.slice(-10).map((id) => journal.begin('phone', id)));
    expect(new Set(newest)).toEqual(new Set(['unknown']));
  });

  it('hold the answers: the oldest go', async () => {
    const journal = await open({ limits: { answerBytes: 10_000 } });
    for (let at = 0; at < 100; at += 1) {
      await journal.begin('phone', `id ${at}`);
      journal.finish('phone', `id ${at}`, Buffer.alloc(1_000));
      await journal.flush();
    }
    const sizes = ['answers-0', 'answers-1'].map((name) => statSync(file(name)).size);
    expect(Math.max(...sizes)).toBeLessThan(12_000);
    const again = await reopen();
    expect(await again.begin('phone', 'id 99')).toMatchObject({ answer: Buffer.alloc(1_000) });
    expect(await again.begin('phone', 'id 0')).toBe('unknown');
  });
});

describe('kill -9', () => {
  it('between journal and answer leaves every acknowledged id taken', async () => {
    const script = `
      import { RequestJournal } from ${JSON.stringify(fileURLToPath(new URL('./request-journal.ts', import.meta.url)))};
      const journal = await RequestJournal.open({ dataFolder: process.argv[1], key: Buffer.alloc(32, 7) });
      for (let at = 0; ; at += 8) {
        const ids = Array.from({ length: 8 }, (_, n) => 'id ' + (at + n));
        await Promise.all(ids.map((id) => journal.begin('phone', id)));
        console.log(at + 8);
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, dataFolder]);
    let out = '';
    let problem = '';
    child.stderr.on('data', (chunk: Buffer) => (problem += chunk.toString()));
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString();
        if (out.length > 5_000) child.kill('SIGKILL');
      });
      child.once('exit', () => (out.length > 5_000 ? resolve() : reject(new Error(problem))));
    });
    const acknowledged = Number(out.trimEnd().split('\n').at(-2));
    const journal = await open();
    const ids = Array.from({ length: acknowledged }, (_, at) => `id ${at}`);
    const taken = await Promise.all(ids.map((id) => journal.begin('phone', id)));
    expect(acknowledged).toBeGreaterThan(100);
    expect(taken.filter((earlier) => earlier !== 'unknown')).toEqual([]);
  });
});
