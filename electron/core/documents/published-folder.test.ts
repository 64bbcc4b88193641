// Attacks on the folder of a collection: what a name, a link, a swap or a strange file may not reach.
import { execFileSync, spawn } from 'node:child_process';
import { link, mkdir, mkdtemp, realpath, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GatehouseError } from '../../../shared/contracts/errors.ts';
import { parseDocumentName, parseNewDocumentName } from './document-name.ts';
import { enterFolders, openDocument } from './document-path.ts';
import { PublishedFolder } from './published-folder.ts';
import type { Opening } from './published-folder.ts';

let base = '';
let root = '';
beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'gatehouse-published-')));
  root = join(base, 'published');
  await mkdir(join(root, 'inner'), { recursive: true });
  await mkdir(join(base, 'outside'));
  await writeFile(join(base, 'outside', 'secret.txt'), 'secret');
  await writeFile(join(root, 'plain.txt'), 'plain');
  await writeFile(join(root, 'inner', 'deep.txt'), 'deep');
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function read(name: string, opening: Opening, at = root): Promise<string> {
  const opened = await openDocument(at, parseDocumentName(name), opening);
  try {
    return await opened.file.readFile('utf8');
  } finally {
    await opened.file.close();
  }
}

describe.each<Opening>(process.platform === 'linux' ? ['descriptor', 'compared'] : ['compared'])(
  'a document opened by %s',
  (opening) => {
    it('is the plain file of that name, also in a folder', async () => {
      expect(await read('plain.txt', opening)).toBe('plain');
      expect(await read('inner/deep.txt', opening)).toBe('deep');
    });

    it.each([
      ['..', '../outside/secret.txt'],
      ['a ".." further in', 'inner/../../outside/secret.txt'],
      ['"." parts', './plain.txt'],
      ['an absolute path', '/etc/passwd'],
      ['an empty part', 'inner//deep.txt'],
      ['a slash at the end', 'plain.txt/'],
      ['NUL', 'plain.txt\0.pdf'],
      ['a lone surrogate', 'plain\ud800.txt'],
      ['a hidden name', '.ssh/id_ed25519'],
      ['nothing', ''],
      ['33 folders', 'a/'.repeat(33) + 'b'],
      ['1,025 bytes', 'é'.repeat(513)],
    ])('is not named by %s', async (_what, name) => {
      await expect((async () => read(name, opening))()).rejects.toMatchObject({
        code: 'document_name_invalid',
      });
    });

    it.each([
      ['full-width dots and solidus', '．．／outside／secret.txt'],
      ['two-dot leaders', '\u2025/outside/secret.txt'],
      ['a backslash', 'inner\\deep.txt'],
      ['per cent signs', '%2e%2e/outside/secret.txt'],
      ['a dotted solidus', 'inner\u2215deep.txt'],
      ['another case', 'PLAIN.TXT'],
      ['a part that is a file', 'plain.txt/x'],
    ])('is not found under %s', async (_what, name) => {
      await expect(read(name, opening)).rejects.toMatchObject({ code: 'document_unknown' });
    });

    it.each([
      ['a file outside', () => symlink(join(base, 'outside', 'secret.txt'), join(root, 'link'))],
      ['a file inside', () => symlink(join(root, 'plain.txt'), join(root, 'link'))],
      ['a relative way out', () => symlink('../outside/secret.txt', join(root, 'link'))],
      ['nothing', () => symlink('nowhere', join(root, 'link'))],
      ['itself', () => symlink('link', join(root, 'link'))],
    ])('is no link to %s', async (_what, make) => {
      await make();
      await expect(read('link', opening)).rejects.toMatchObject({ code: 'document_unknown' });
    });

    it('is not reached through a folder that is a link', async () => {
      await symlink(join(base, 'outside'), join(root, 'door'));
      await symlink(join(root, 'inner'), join(root, 'alias'));
      await expect(read('door/secret.txt', opening)).rejects.toMatchObject({ code: 'document_unknown' });
      await expect(read('alias/deep.txt', opening)).rejects.toMatchObject({ code: 'document_unknown' });
    });

    it.runIf(process.platform !== 'win32')(
      'is no pipe, socket, device or folder, and none is waited for',
      async () => {
        execFileSync('mkfifo', [join(root, 'pipe')]);
        const server = createServer().listen(join(root, 'socket'));
        await new Promise((resolve) => server.once('listening', resolve));
        for (const name of ['pipe', 'socket', 'inner']) {
          await expect(read(name, opening)).rejects.toMatchObject({ code: 'document_unknown' });
        }
        server.close();
        await expect(read('null', opening, '/dev')).rejects.toMatchObject({ code: 'document_unknown' });
      },
    );

    it.runIf(process.platform !== 'win32')('that is a pipe or device is not even opened', async () => {
      execFileSync('mkfifo', [join(root, 'pipe')]);
      // Waits until somebody opens the pipe to read it.
      const writer = spawn('sh', ['-c', 'echo x > "$0"', join(root, 'pipe')]);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await expect(read('pipe', opening)).rejects.toMatchObject({ code: 'document_unknown' });
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(writer.exitCode).toBeNull();
      writer.kill('SIGKILL');
    });

    it('is found in any Unicode form, the very one first, and keeps the name that it has on disk', async () => {
      const [composed, decomposed] = ['Übung.txt'.normalize('NFC'), 'Übung.txt'.normalize('NFD')];
      await mkdir(join(root, 'Ordnung ä'.normalize('NFD')));
      await writeFile(join(root, 'Ordnung ä'.normalize('NFD'), decomposed), 'nfd');
      expect(await read(`Ordnung ä/${composed}`, opening)).toBe('nfd');
      const opened = await openDocument(root, [`Ordnung ä`, composed], opening);
      await opened.file.close();
      expect(opened.name).toBe(`${'Ordnung ä'.normalize('NFD')}/${decomposed}`);
      await writeFile(join(root, 'Ordnung ä'.normalize('NFD'), composed), 'nfc');
      expect(await read(`Ordnung ä/${composed}`, opening)).toBe('nfc');
      expect(await read(`Ordnung ä/${decomposed}`, opening)).toBe('nfd');
    });

    it('is never one from outside while its folder is swapped for a link and back', async () => {
      await writeFile(join(root, 'inner', 'secret.txt'), 'inside');
      let swapping = true;
      const swap = (async () => {
        while (swapping) {
          await rename(join(root, 'inner'), join(root, 'aside'));
          await symlink(join(base, 'outside'), join(root, 'inner'));
          await unlink(join(root, 'inner'));
          await rename(join(root, 'aside'), join(root, 'inner'));
        }
      })();
      const seen = new Set<string>();
      for (let turn = 0; turn < 400; turn += 1) {
        seen.add(
          await read('inner/secret.txt', opening).catch((error: unknown) => (error as GatehouseError).code),
        );
      }
      swapping = false;
      await swap;
      expect(seen).not.toContain('secret');
      expect([...seen].every((each) => ['inside', 'document_unknown'].includes(each))).toBe(true);
    });

    it('is never one from outside where its open folder became a link', async () => {
      await writeFile(join(root, 'inner', 'secret.txt'), 'inside');
      const { folder } = await enterFolders(root, ['inner'], opening);
      await rename(join(root, 'inner'), join(root, 'aside'));
      await symlink(join(base, 'outside'), join(root, 'inner'));
      const opened = await folder.openFile('secret.txt').catch(() => null);
      if (opened !== null) expect(await opened.file.readFile('utf8')).toBe('inside');
      await opened?.file.close();
      await folder.close();
    });

    it('is never one from outside while it is swapped for a link itself', async () => {
      let swapping = true;
      const swap = (async () => {
        while (swapping) {
          await rename(join(root, 'plain.txt'), join(root, 'aside'));
          await symlink(join(base, 'outside', 'secret.txt'), join(root, 'plain.txt'));
          await unlink(join(root, 'plain.txt'));
          await rename(join(root, 'aside'), join(root, 'plain.txt'));
        }
      })();
      const seen = new Set<string>();
      for (let turn = 0; turn < 400; turn += 1) {
        seen.add(await read('plain.txt', opening).catch((error: unknown) => (error as GatehouseError).code));
      }
      swapping = false;
      await swap;
      expect(seen).not.toContain('secret');
    });

    it('is not served once the folder of the collection is a link', async () => {
      await rename(root, join(base, 'moved'));
      await symlink(join(base, 'outside'), root);
      await expect(read('secret.txt', opening)).rejects.toMatchObject({ code: 'collection_folder_invalid' });
    });

    it('says nothing of where the folder is', async () => {
      const failures = await Promise.all([
        read('no', opening).catch((error: unknown) => (error as Error).message),
        read('x', opening, join(base, 'gone')).catch((error: unknown) => (error as Error).message),
        read('plain.txt/x', opening).catch((error: unknown) => (error as Error).message),
      ]);
      for (const message of failures) expect(message).not.toContain(base);
    });

    it('may have another name outside: a hard link is the same file', async () => {
      await link(join(base, 'outside', 'secret.txt'), join(root, 'hard'));
      expect(await read('hard', opening)).toBe('secret');
    });
  },
);

it('a parent that became a link is noticed', async () => {
  await rename(base, `${base}-moved`);
  await symlink(`${base}-moved`, base);
  await expect(PublishedFolder.open(root)).rejects.toMatchObject({ code: 'collection_folder_invalid' });
  await unlink(base);
  await rename(`${base}-moved`, base);
});

describe('the name of a new document', () => {
  it('is in NFC', () => {
    expect(parseNewDocumentName('Übung.txt'.normalize('NFD'))).toEqual(['Übung.txt'.normalize('NFC')]);
  });

  it.each([
    'a\\b',
    'C:x',
    'a:stream',
    'nul',
    'COM1.txt',
    'x.',
    'x ',
    'a\nb',
    'a\u009bb',
    '..',
    '.hidden',
    'a/../b',
    'x*',
  ])('is never %j', (name) => {
    expect(() => parseNewDocumentName(name)).toThrow(
      expect.objectContaining({ code: 'document_name_invalid' }),
    );
  });
});
