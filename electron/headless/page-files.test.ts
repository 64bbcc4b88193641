// What of a folder is the page's, and how it is sent.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readPageFiles } from './page-files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-page-'));
  await mkdir(join(folder, 'assets'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('readPageFiles', () => {
  it('keeps files with a digest in their name for ever, and the page never', async () => {
    await writeFile(join(folder, 'index.html'), '<p>');
    await writeFile(join(folder, 'assets', 'index-Ab12_xyZ.js'), 'let a = 1;'.repeat(100));
    await writeFile(join(folder, 'assets', 'plain.css'), 'a{}');
    const files = await readPageFiles(folder);
    expect(files.get('/')).toBe(files.get('/index.html'));
    expect(files.get('/')).toMatchObject({
      cacheControl: 'no-store',
      contentType: 'text/html; charset=utf-8',
    });
    expect(files.get('/assets/plain.css')?.cacheControl).toBe('no-store');
    const script = files.get('/assets/index-Ab12_xyZ.js');
    expect(script?.cacheControl).toContain('immutable');
    expect(gunzipSync(script?.gzipped ?? Buffer.alloc(0))).toEqual(script?.bytes);
  });

  it('has nothing of what is no page, nor of what lies elsewhere', async () => {
    await writeFile(join(folder, 'assets', 'index.js.map'), '{}');
    await writeFile(join(folder, '.env'), 'secret');
    await symlink('/etc/hostname', join(folder, 'host.html'));
    expect([...(await readPageFiles(folder)).keys()]).toEqual([]);
  });

  it('is empty where nothing was built', async () => {
    expect((await readPageFiles(join(folder, 'none'))).size).toBe(0);
  });
});
