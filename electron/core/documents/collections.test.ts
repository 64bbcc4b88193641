// Which folders can be published, and that a running service follows what the command line changes.
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Collections } from './collections.ts';
import { SampleDocuments } from './documents-samples.ts';

let base = '';
let data = '';
beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'gatehouse-collections-')));
  data = join(base, 'data');
  await mkdir(join(base, 'published'));
  await mkdir(data);
});
afterEach(() => rm(base, { recursive: true, force: true }));

function add(name: string, folder = join(base, 'published')): ReturnType<Collections['add']> {
  return Collections.open(data).then((collections) => collections.add({ name, folder, allowUpload: false }));
}

describe('a collection', () => {
  it('is kept in a file of mode 0600, and found under its name in any Unicode form', async () => {
    await add('Übungen 1'.normalize('NFD'));
    const collections = await Collections.open(data);
    expect(collections.find('Übungen 1'.normalize('NFC')).folder).toBe(join(base, 'published'));
    expect(collections.find('Übungen 1'.normalize('NFD')).name).toBe('Übungen 1'.normalize('NFC'));
    expect((await stat(join(data, 'collections.json'))).mode & 0o777).toBe(0o600);
    expect(() => collections.find('other')).toThrow(expect.objectContaining({ code: 'collection_unknown' }));
  });

  it('is published by its real path, so that a link that is changed later leads nowhere else', async () => {
    await symlink(join(base, 'published'), join(base, 'link'));
    expect((await add('a', join(base, 'link'))).folder).toBe(join(base, 'published'));
  });

  it.each([
    ['is not there', () => join(base, 'no')],
    ['is a file', () => join(base, 'file')],
    ['is relative', () => 'published'],
    ['is the root', () => '/'],
    ['is the data folder', () => data],
    ['lies in the data folder', () => join(data, 'inner')],
    ['holds the data folder', () => base],
    ['is a link to the data folder', () => join(base, 'sneaky')],
  ])('is refused where its folder %s', async (_what, folder) => {
    await writeFile(join(base, 'file'), '');
    await mkdir(join(data, 'inner'));
    await symlink(data, join(base, 'sneaky'));
    await expect(add('a', folder())).rejects.toMatchObject({ code: 'collection_folder_invalid' });
  });

  it.each(['', '.', '..', 'a/b', '-a', ' a', 'a ', 'a\n', 'a\u202eb', 'x'.repeat(65)])(
    'is never called %j',
    async (name) => {
      await expect(add(name)).rejects.toMatchObject({ code: 'usage' });
    },
  );

  it('has a name of its own', async () => {
    await add('a');
    await expect(add('a')).rejects.toMatchObject({ code: 'collection_exists' });
  });

  it('is not lost where several are made at once', async () => {
    await Promise.all(Array.from({ length: 8 }, (_none, at) => add(`c${at}`)));
    expect((await Collections.open(data)).all()).toHaveLength(8);
  });

  it('of a damaged file is an error, and the file is never overwritten', async () => {
    await writeFile(join(data, 'collections.json'), '{"v":1,"collections":[{"name":"a"}]}');
    await expect(Collections.open(data)).rejects.toMatchObject({ code: 'collections_corrupt' });
    expect(await readFile(join(data, 'collections.json'), 'utf8')).toContain('"a"');
  });
});

describe('a running service', () => {
  let sample: SampleDocuments;
  beforeEach(async () => {
    sample = await SampleDocuments.open();
  });
  afterEach(() => sample.close());

  it('follows what another process publishes and removes, and forgets the versions and keys of what was removed', async () => {
    await sample.put('a.txt', 'one');
    const { blob } = await sample.get('a.txt');
    const other = await Collections.open(sample.dataFolder);
    await other.add({ name: 'more', folder: sample.folder, allowUpload: false });
    await expect
      .poll(() => sample.documents.collections().map(({ name }) => name))
      .toEqual(['files', 'more']);
    await other.remove('files');
    await expect.poll(() => sample.documents.collections().map(({ name }) => name)).toEqual(['more']);
    await expect
      .poll(() => sample.documents.readBlob(blob).catch((error: unknown) => error))
      .toMatchObject({
        code: 'blob_unknown',
      });
    await expect(sample.get('a.txt')).rejects.toMatchObject({ code: 'collection_unknown' });
  });

  it('forgets at its start what was removed while it did not run', async () => {
    await sample.put('a.txt', 'one');
    await sample.get('a.txt');
    await sample.documents.close();
    await (await Collections.open(sample.dataFolder)).remove('files');
    await sample.start();
    expect(await readdir(join(sample.dataFolder, 'documents', 'blobs'))).toEqual([]);
  });

  it('does not give the versions of a removed collection to another one of its name', async () => {
    await sample.put('a.txt', 'one');
    const { version } = await sample.get('a.txt');
    await sample.documents.remove('files');
    await mkdir(join(sample.base, 'other'));
    await sample.documents.publish({ name: 'files', folder: join(sample.base, 'other'), allowUpload: false });
    await expect(sample.get('a.txt', version)).rejects.toMatchObject({ code: 'document_unknown' });
  });

  it('goes on with what it knew where the file is damaged, and says so', async () => {
    await writeFile(join(sample.dataFolder, 'collections.json'), '{');
    await expect.poll(() => sample.problems.map(({ code }) => code)).toContain('collections_corrupt');
    expect(sample.documents.collections()).toHaveLength(1);
  });

  it('shows why a folder cannot be read now', async () => {
    await rm(sample.folder, { recursive: true });
    const [view] = await sample.documents.collectionViews();
    expect(view?.problem?.code).toBe('collection_folder_invalid');
  });
});
