// Uploads: whole or not at all, only where allowed, and never over a version that the uploader has not seen.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Uploaded } from './upload.ts';
import { anna, SampleDocuments } from './documents-samples.ts';

let sample: SampleDocuments;
beforeEach(async () => {
  sample = await SampleDocuments.open({ allowUpload: true });
});
afterEach(() => sample.close());

function sha256(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex');
}

interface Announced {
  readonly size?: number;
  readonly version?: string;
}

async function upload(
  name: string,
  expected: string | null,
  content: string | Buffer,
  { size, version }: Announced = {},
): Promise<Uploaded> {
  const wanted = { collection: 'files', name, expected, size: size ?? null, version: version ?? null };
  const { upload: begun, target } = await sample.documents.beginUpload(wanted);
  try {
    await begun.write(Buffer.from(content));
    return await sample.documents.uploads.finish(begun, target, anna);
  } finally {
    await begun.discard();
  }
}

describe('an upload', () => {
  it('makes a document, or replaces the version that is expected, and is on record', async () => {
    const first = await upload('a.txt', null, 'one');
    expect(first).toEqual({ version: sha256('one'), size: 3 });
    await upload('a.txt', first.version, 'two');
    expect(await readFile(join(sample.folder, 'a.txt'), 'utf8')).toBe('two');
    expect(await readdir(sample.folder)).toEqual(['a.txt']);
    const { fetches } = sample.documents.fetches({
      collection: 'files',
      document: null,
      cursor: null,
      limit: 9,
    });
    expect(fetches.map(({ kind, version }) => [kind, version])).toEqual([
      ['uploaded', sha256('two')],
      ['uploaded', sha256('one')],
    ]);
    expect((await sample.get('a.txt')).version).toBe(sha256('two'));
  });

  it('keeps the mode of what it replaces', async () => {
    await writeFile(join(sample.folder, 'a.txt'), 'one', { mode: 0o604 });
    await upload('a.txt', sha256('one'), 'two');
    expect((await stat(join(sample.folder, 'a.txt'))).mode & 0o777).toBe(0o604);
  });

  it.each([
    ['another version is there', 'a.txt', sha256('other'), 'document_conflict'],
    ['something is there and nothing was expected', 'a.txt', null, 'document_conflict'],
    ['something is there in another Unicode form', 'Übung'.normalize('NFC'), null, 'document_conflict'],
    ['a folder has the name', 'folder', null, 'document_conflict'],
    ['a link has the name', 'link', null, 'document_conflict'],
    ['a link is to be replaced', 'link', sha256('secret'), 'document_unknown'],
    ['nothing is there to be replaced', 'none.txt', sha256('one'), 'document_unknown'],
    ['there is no such folder', 'no/a.txt', null, 'document_unknown'],
    ['the folder is a link out', 'door/a.txt', null, 'document_unknown'],
    ['the name leads out', '../a.txt', null, 'document_name_invalid'],
    ['the name is hidden', '.bashrc', null, 'document_name_invalid'],
    ['the name means something on Windows', 'aux.txt', null, 'document_name_invalid'],
  ])('changes nothing where %s', async (_what, name, expected, code) => {
    await mkdir(join(sample.base, 'outside'));
    await writeFile(join(sample.base, 'outside', 'secret'), 'secret');
    await symlink(join(sample.base, 'outside', 'secret'), join(sample.folder, 'link'));
    await symlink(join(sample.base, 'outside'), join(sample.folder, 'door'));
    await mkdir(join(sample.folder, 'folder'));
    await sample.put('a.txt', 'one');
    await sample.put('Übung'.normalize('NFD'), 'nfd');
    const before = (await readdir(sample.base, { recursive: true }))
      .filter((path) => !path.startsWith('data'))
      .sort();
    await expect(upload(name, expected, 'new')).rejects.toMatchObject({ code });
    const after = (await readdir(sample.base, { recursive: true }))
      .filter((path) => !path.startsWith('data'))
      .sort();
    expect(after).toEqual(before);
    expect(await readFile(join(sample.folder, 'a.txt'), 'utf8')).toBe('one');
    expect(await readFile(join(sample.base, 'outside', 'secret'), 'utf8')).toBe('secret');
  });

  it.each<[string, Announced]>([
    ['shorter than announced', { size: 4 }],
    ['longer than announced', { size: 2 }],
    ['not what was announced', { version: sha256('other') }],
  ])('that is %s changes nothing', async (_what, announced) => {
    await expect(upload('a.txt', null, 'one', announced)).rejects.toMatchObject({ code: 'truncated' });
    expect(await readdir(sample.folder)).toEqual([]);
  });

  it('over the limit is refused before a byte is written', async () => {
    await expect(upload('a.txt', null, '', { size: 5 * 1024 ** 3 })).rejects.toMatchObject({
      code: 'rpc_too_large',
    });
    expect(await readdir(sample.folder)).toEqual([]);
  });

  it('of two at once that expect the same version wins one', async () => {
    await sample.put('a.txt', 'one');
    const results = await Promise.allSettled(
      Array.from({ length: 6 }, (_none, at) => upload('a.txt', sha256('one'), `new ${at}`)),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const created = await Promise.allSettled(
      Array.from({ length: 6 }, (_none, at) => upload('b.txt', null, `${at}`)),
    );
    expect(created.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('changes nothing where somebody else writes the document at the last moment', async () => {
    await sample.put('a.txt', 'one');
    const wanted = { collection: 'files', name: 'a.txt', expected: sha256('one'), size: null, version: null };
    const { upload: begun, target } = await sample.documents.beginUpload(wanted);
    // So much that putting it on the disk takes a while, behind the look at what is there.
    for (let at = 0; at < 96; at += 1) await begun.write(Buffer.alloc(1024 * 1024, at));
    const finished = sample.documents.uploads.finish(begun, target, anna).catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 15));
    await writeFile(join(sample.folder, 'a.txt'), 'somebody else');
    expect(await finished).toMatchObject({ code: 'document_conflict' });
    expect(await readFile(join(sample.folder, 'a.txt'), 'utf8')).toBe('somebody else');
    expect(await readdir(sample.folder)).toEqual(['a.txt']);
  });

  it('goes where its folder was opened, although that is swapped for a link meanwhile', async () => {
    await mkdir(join(sample.folder, 'inner'));
    await mkdir(join(sample.base, 'outside'));
    const wanted = { collection: 'files', name: 'inner/a.txt', expected: null, size: null, version: null };
    const { upload: begun, target } = await sample.documents.beginUpload(wanted);
    await rename(join(sample.folder, 'inner'), join(sample.folder, 'moved'));
    await symlink(join(sample.base, 'outside'), join(sample.folder, 'inner'));
    await begun.write(Buffer.from('x'));
    await sample.documents.uploads.finish(begun, target, anna);
    expect(await readdir(join(sample.base, 'outside'))).toEqual([]);
    expect(await readdir(join(sample.folder, 'moved'))).toEqual(['a.txt']);
  });

  it('that a killed process left is removed at the next start, and nothing else', async () => {
    await mkdir(join(sample.folder, 'inner'));
    await sample.put('inner/keep.txt', 'x');
    const wanted = { collection: 'files', name: 'inner/a.txt', expected: null, size: null, version: null };
    const { upload: begun } = await sample.documents.beginUpload(wanted);
    await begun.write(Buffer.from('half'));
    expect(await readdir(join(sample.folder, 'inner'))).toHaveLength(2);
    expect((await sample.documents.list({ collection: 'files' })).documents.map(({ name }) => name)).toEqual([
      'inner/keep.txt',
    ]);
    const before = sample.documents;
    await sample.start();
    expect(await readdir(join(sample.folder, 'inner'))).toEqual(['keep.txt']);
    expect(await readdir(join(sample.dataFolder, 'documents', 'uploads'))).toEqual([]);
    await begun.discard();
    await before.close();
  });

  it('is refused where the collection takes none', async () => {
    await mkdir(join(sample.base, 'other'));
    await sample.documents.publish({ name: 'read', folder: join(sample.base, 'other'), allowUpload: false });
    const wanted = { collection: 'read', name: 'a', expected: null, size: null, version: null };
    await expect(sample.documents.beginUpload(wanted)).rejects.toMatchObject({
      code: 'collection_read_only',
    });
  });
});

describe('an upload in parts', () => {
  async function begin(size: number): Promise<string> {
    const wanted = { collection: 'files', name: 'a.txt', expected: null, size, version: null };
    const { upload: begun, target } = await sample.documents.beginUpload(wanted);
    await begun.write(Buffer.from('one'));
    return sample.documents.uploads.keep(begun, target, anna).id;
  }

  it('is put in place with its last part', async () => {
    const id = await begin(9);
    expect(await sample.documents.uploads.part(id, anna, 3, Buffer.from('two'))).toEqual({ id, offset: 6 });
    const uploaded = await sample.documents.uploads.part(id, anna, 6, Buffer.from('six'));
    expect(uploaded).toEqual({ version: sha256('onetwosix'), size: 9 });
    expect(await readFile(join(sample.folder, 'a.txt'), 'utf8')).toBe('onetwosix');
  });

  it('takes no part twice, and says where it goes on', async () => {
    const id = await begin(9);
    await expect(sample.documents.uploads.part(id, anna, 0, Buffer.from('one'))).rejects.toMatchObject({
      code: 'range_invalid',
      details: { offset: 3 },
    });
  });

  it('is for whoever began it, and over where a part is too long', async () => {
    const id = await begin(5);
    const bob = { ...anna, user: 'bob' };
    await expect(sample.documents.uploads.part(id, bob, 3, Buffer.from('xx'))).rejects.toMatchObject({
      code: 'document_unknown',
    });
    await expect(sample.documents.uploads.part(id, anna, 3, Buffer.from('xxx'))).rejects.toMatchObject({
      code: 'truncated',
    });
    expect(await readdir(sample.folder)).toEqual([]);
  });
});
