// Locks between processes: exclusion, and what a holder that died leaves behind.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holdFolder, withFolderLock } from './folder-lock.ts';

let folder = '';
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-lock-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

const moduleUrl = new URL('./folder-lock.ts', import.meta.url).href;

function run(script: string): ChildProcess {
  const code = `import { holdFolder, withFolderLock } from ${JSON.stringify(moduleUrl)};\n${script}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, FOLDER: folder, NODE_OPTIONS: '' },
  });
  children.push(child);
  return child;
}

async function firstLine(child: ChildProcess): Promise<string> {
  const [data] = (await once(child.stdout!, 'data')) as [Buffer];
  return data.toString().trim();
}

const holder = `await holdFolder(process.env.FOLDER, 'service'); console.log('held'); setInterval(() => {}, 1000);`;

describe('holdFolder', () => {
  it('lets one process in, names it to the second, and lets the next in after release', async () => {
    const release = await holdFolder(folder, 'service');
    await expect(holdFolder(folder, 'service')).rejects.toMatchObject({
      code: 'data_folder_in_use',
      details: { pid: process.pid },
    });
    await release();
    await (
      await holdFolder(folder, 'service')
    )();
    expect(await readdir(folder)).toEqual([]);
  });

  it('is refused while another process holds it, and free at once after kill -9', async () => {
    const child = run(holder);
    expect(await firstLine(child)).toBe('held');
    await expect(holdFolder(folder, 'service')).rejects.toMatchObject({ code: 'data_folder_in_use' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (
      await holdFolder(folder, 'service')
    )();
  });

  it.runIf(process.platform === 'linux')(
    'takes over from a killed holder that nobody has reaped',
    async () => {
      // The shell becomes `sleep`, a parent that never waits for its child: the killed holder stays a zombie.
      const script = `"$0" --input-type=module -e "$1" & echo $!; exec sleep 30`;
      const code = `import { holdFolder } from ${JSON.stringify(moduleUrl)};\n${holder}`;
      const shell = spawn('sh', ['-c', script, process.execPath, code], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, FOLDER: folder, NODE_OPTIONS: '' },
      });
      children.push(shell);
      const pid = Number(await firstLine(shell));
      expect(await firstLine(shell)).toBe('held');
      process.kill(pid, 'SIGKILL');
      await expect
        .poll(async () => (await readFile(`/proc/${String(pid)}/stat`, 'utf8')).includes(') Z '))
        .toBe(true);
      await (
        await holdFolder(folder, 'service')
      )();
    },
  );

  it.each([
    ['a dead pid', JSON.stringify({ pid: 2 ** 22 + 1, started: null, nonce: '1' })],
    ['a reused pid', JSON.stringify({ pid: process.pid, started: 'another-boot/1', nonce: '2' })],
    ['nothing (power loss)', ''],
    ['zeros (power loss)', '\0\0\0\0'],
    ['no pid', '{"started":"x"}'],
    ['a pid that would name a process group', '{"pid":-1}'],
    ['null', 'null'],
  ])('takes over a lock file that holds %s', async (_what, content) => {
    await writeFile(join(folder, '.service.lock'), content);
    await (
      await holdFolder(folder, 'service')
    )();
    expect(await readdir(folder)).toEqual([]);
  });

  it('takes over although an earlier take-over was killed half-way', async () => {
    const dead = (nonce: string) => JSON.stringify({ pid: 2 ** 22 + 1, started: null, nonce });
    const { createHash } = await import('node:crypto');
    const generation = createHash('sha256').update(dead('1')).digest('hex').slice(0, 16);
    await writeFile(join(folder, '.service.lock'), dead('1'));
    await writeFile(join(folder, `.service.lock.${generation}`), dead('2'));
    await (
      await holdFolder(folder, 'service')
    )();
    expect(await readdir(folder)).toEqual([]);
  });

  it('gives a stale lock to exactly one of many that find it at once', async () => {
    for (let round = 0; round < 10; round += 1) {
      await writeFile(
        join(folder, '.service.lock'),
        JSON.stringify({ pid: 2 ** 22 + 1, nonce: String(round) }),
      );
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, () => holdFolder(folder, 'service')),
      );
      const held = results.filter((result) => result.status === 'fulfilled');
      expect(held).toHaveLength(1);
      await held[0]!.value();
    }
  });
});

describe('withFolderLock', () => {
  it('runs changes of many callers and processes one after the other, and loses none', async () => {
    const counter = join(folder, 'counter');
    await writeFile(counter, '0');
    const script = `
      import { readFile, writeFile } from 'node:fs/promises';
      const counter = process.env.FOLDER + '/counter';
      for (let i = 0; i < 15; i += 1) await withFolderLock(process.env.FOLDER, 'c', async () => {
        await writeFile(counter, String(Number(await readFile(counter, 'utf8')) + 1));
      });`;
    const exits = Array.from({ length: 3 }, () => once(run(script), 'exit'));
    expect((await Promise.all(exits)).map(([code]) => code as number)).toEqual([0, 0, 0]);
    expect(await readFile(counter, 'utf8')).toBe('45');
  });

  it('releases when the change throws, and passes its error on', async () => {
    await expect(withFolderLock(folder, 'c', () => Promise.reject(new Error('mine')))).rejects.toThrow(
      'mine',
    );
    expect(await withFolderLock(folder, 'c', () => Promise.resolve('free'))).toBe('free');
  });

  it('keeps locks of different names apart', async () => {
    const inner = withFolderLock(folder, 'a', () => withFolderLock(folder, 'b', () => Promise.resolve(1)));
    expect(await inner).toBe(1);
  });

  it('gives up with data_folder_locked after five seconds behind a living holder', async () => {
    const release = await holdFolder(folder, 'c');
    await expect(withFolderLock(folder, 'c', () => Promise.resolve())).rejects.toMatchObject({
      code: 'data_folder_locked',
      details: { pid: process.pid },
    });
    await release();
  });

  it('says storage_failed where the folder is not there', async () => {
    const locked = withFolderLock(join(folder, 'no'), 'c', () => Promise.resolve());
    await expect(locked).rejects.toMatchObject({ code: 'storage_failed' });
  });
});
