// Atomic files, private files and bounded reads: what is on disk after every outcome.
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensurePrivateFolder, readFileIfThere, removeFileIfThere, writeFileAtomic } from './atomic-file.ts';
import { assertPrivate } from './private-file.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-storage-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

describe('writeFileAtomic', () => {
  it('writes with mode 0600 whatever the umask, and leaves nothing else behind', async () => {
    const old = process.umask(0);
    await writeFileAtomic(join(folder, 'a'), 'one').finally(() => process.umask(old));
    expect(await modeOf(join(folder, 'a'))).toBe(0o600);
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('narrows the mode of a file that it replaces', async () => {
    await writeFile(join(folder, 'a'), 'old', { mode: 0o644 });
    await writeFileAtomic(join(folder, 'a'), 'new');
    expect(await modeOf(join(folder, 'a'))).toBe(0o600);
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('new');
  });

  it('replaces a symbolic link instead of writing through it', async () => {
    await writeFile(join(folder, 'target'), 'untouched');
    await symlink(join(folder, 'target'), join(folder, 'a'));
    await writeFileAtomic(join(folder, 'a'), 'new');
    expect(await readFile(join(folder, 'target'), 'utf8')).toBe('untouched');
  });

  it('says storage_failed with the path and the next step, and removes its temporary file', async () => {
    await mkdir(join(folder, 'a'));
    await expect(writeFileAtomic(join(folder, 'a'), 'x')).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining(join(folder, 'a')) as string,
    });
    expect(await readdir(folder)).toEqual(['a']);
    await expect(writeFileAtomic(join(folder, 'no', 'b'), 'x')).rejects.toThrow('The folder is not there');
  });

  it.runIf(process.getuid?.() === 0 && process.platform === 'linux')(
    'keeps the old file and says that the disk is full when it is',
    async () => {
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
      } catch {
        return; // a container without the right to mount
      }
      try {
        await writeFileAtomic(join(folder, 'a'), 'old');
        const write = writeFileAtomic(join(folder, 'a'), Buffer.alloc(200_000));
        await expect(write).rejects.toThrow(/ENOSPC.*disk is full/);
        expect(await readFile(join(folder, 'a'), 'utf8')).toBe('old');
        expect(await readdir(folder)).toEqual(['a']);
      } finally {
        execFileSync('umount', [folder]);
      }
    },
  );

  it('shows a reader the old or the new content, never a part', async () => {
    const path = join(folder, 'a');
    const contents = ['x'.repeat(100_000), 'y'.repeat(200_000)];
    await writeFileAtomic(path, contents[0]!);
    let writing = true;
    const writer = (async () => {
      for (let i = 0; i < 20; i += 1) await writeFileAtomic(path, contents[i % 2]!);
      writing = false;
    })();
    while (writing) expect(contents).toContain((await readFileIfThere(path))?.toString());
    await writer;
  });
});

describe('readFileIfThere', () => {
  it('answers null for a file that is not there', async () => {
    expect(await readFileIfThere(join(folder, 'a'))).toBeNull();
  });

  it.each([
    [0, 10, true],
    [10, 10, true],
    [11, 10, false],
    [100_000, 10, false],
  ])('of %i bytes with a limit of %i: read %s', async (size, limit, allowed) => {
    await writeFile(join(folder, 'a'), Buffer.alloc(size));
    const read = readFileIfThere(join(folder, 'a'), limit);
    if (allowed) expect((await read)?.length).toBe(size);
    else await expect(read).rejects.toMatchObject({ code: 'storage_failed' });
  });

  it('refuses a folder and a named pipe without waiting for a writer', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    await expect(readFileIfThere(join(folder, 'pipe'))).rejects.toMatchObject({ code: 'storage_failed' });
    await expect(readFileIfThere(folder)).rejects.toMatchObject({ code: 'storage_failed' });
  });
});

describe('private files and folders', () => {
  it('refuses a secret file that group or others can get at, and says chmod 600', async () => {
    const path = join(folder, 'secret');
    await writeFile(path, 's', { mode: 0o600 });
    await assertPrivate(path);
    for (const mode of [0o640, 0o604, 0o620, 0o601, 0o666]) {
      await chmod(path, mode);
      const refused = assertPrivate(path);
      await expect(refused).rejects.toMatchObject({ code: 'file_too_open' });
      await expect(refused).rejects.toThrow(`chmod 600 ${path}`);
    }
  });

  it('makes a folder 0700 with those above it, and narrows one that is wider', async () => {
    const path = join(folder, 'deep', 'data');
    await ensurePrivateFolder(path);
    expect(await modeOf(path)).toBe(0o700);
    await chmod(path, 0o755);
    await ensurePrivateFolder(path);
    expect(await modeOf(path)).toBe(0o700);
  });

  it('removes a file once, and does not mind when it is gone', async () => {
    await writeFile(join(folder, 'a'), '');
    await removeFileIfThere(join(folder, 'a'));
    await removeFileIfThere(join(folder, 'a'));
    expect(await readdir(folder)).toEqual([]);
  });
});
