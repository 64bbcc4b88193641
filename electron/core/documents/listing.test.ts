// Pages of a collection: whole, in order, lazy, and nothing that is no document.
import { mkdir, mkdtemp, realpath, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { closeSync, existsSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Listing } from './listing.ts';
import { NextNames } from './next-names.ts';

let base = '';
let listed = { id: 'c1', folder: '' };
beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'gatehouse-listing-')));
  listed = { id: 'c1', folder: join(base, 'published') };
  await mkdir(listed.folder);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(base, { recursive: true, force: true });
});

async function put(...names: string[]): Promise<void> {
  for (const name of names) {
    await mkdir(join(listed.folder, name, '..'), { recursive: true });
    await writeFile(join(listed.folder, name), name);
  }
}

async function names(args: Parameters<Listing['page']>[1] = {}, listing = new Listing()): Promise<string[]> {
  const found: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await listing.page(listed, { ...args, cursor });
    found.push(...page.documents.map(({ name }) => name));
    cursor = page.next;
  } while (cursor !== null);
  return found;
}

describe('a listing', () => {
  it('has every plain file with its size and time, folders within folders, by name', async () => {
    await put('b.txt', 'a.txt', 'folder/z.txt', 'folder/deep/y.txt', 'folder.txt');
    expect(await names({ limit: 2 })).toEqual(
      ['a.txt', 'b.txt', 'folder/deep/y.txt', 'folder/z.txt', 'folder.txt'].sort(),
    );
    const { documents } = await new Listing().page(listed, {});
    expect(documents[0]).toEqual({ name: 'a.txt', size: 5, modifiedAt: expect.any(Number) });
  });

  it('has no links, hidden names or folders', async () => {
    await put('a.txt', '.hidden', '.git/config', 'folder/.env');
    await mkdir(join(base, 'outside'));
    await writeFile(join(base, 'outside', 'secret'), '');
    await symlink(join(base, 'outside'), join(listed.folder, 'door'));
    await symlink(join(base, 'outside', 'secret'), join(listed.folder, 'link'));
    expect(await names()).toEqual(['a.txt']);
  });

  it('finds a part of a name in any case and Unicode form', async () => {
    await put('Übung 1.pdf'.normalize('NFD'), 'ÜBUNG 2.pdf'.normalize('NFC'), 'ubung.pdf', 'übungen/a.pdf');
    expect((await names({ search: 'übung' })).map((name) => name.normalize('NFC'))).toEqual(
      expect.arrayContaining(['Übung 1.pdf', 'ÜBUNG 2.pdf', 'übungen/a.pdf']),
    );
    expect(await names({ search: 'ÜBUNG'.normalize('NFD') })).toHaveLength(3);
    expect(await names({ search: 'nothing' })).toEqual([]);
  });

  it('keeps to its place while files come and go', async () => {
    await put('a', 'b', 'c', 'd', 'e', 'f');
    const listing = new Listing();
    const first = await listing.page(listed, { limit: 2 });
    await unlink(join(listed.folder, 'b'));
    await unlink(join(listed.folder, 'c'));
    await unlink(join(listed.folder, 'd'));
    await put('0', 'g');
    const rest = await names({ limit: 2, cursor: first.next }, new Listing());
    expect(rest).not.toContain('c');
    const second = await listing.page(listed, { limit: 2, cursor: first.next });
    expect(second.documents.map(({ name }) => name)).toEqual(['e', 'f']);
  });

  it.each([
    ['of another search', { search: 'a' }],
    ['of another collection', {}],
    ['made up', {}],
  ])('refuses a cursor that is %s', async (what, args) => {
    await put('a1', 'a2', 'a3');
    const { next } = await new Listing().page(listed, { limit: 1 });
    const cursor = what === 'made up' ? 'bm90aGluZw' : next;
    const other = what === 'of another collection' ? { ...listed, id: 'c2' } : listed;
    await expect(new Listing().page(other, { ...args, cursor })).rejects.toMatchObject({
      code: 'cursor_invalid',
    });
  });

  it('takes a cursor that names a way out for what it is: a place in the order of names', async () => {
    await put('a', 'b');
    await writeFile(join(base, 'outside.txt'), '');
    const { next } = await new Listing().page(listed, { limit: 1 });
    const [tag] = JSON.parse(Buffer.from(String(next), 'base64url').toString()) as string[];
    const cursor = Buffer.from(JSON.stringify([tag, '../'])).toString('base64url');
    expect(await names({ cursor })).toEqual(['a', 'b']);
  });
});

describe('a folder of 100,000 files', () => {
  let large = '';
  beforeAll(async () => {
    // In memory where there is such a place: making so many files is what takes long.
    const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    large = await realpath(await mkdtemp(join(place, 'gatehouse-large-')));
    for (let at = 0; at < 100_000; at += 1) {
      closeSync(openSync(join(large, `file-${String(at).padStart(6, '0')}.txt`), 'w'));
    }
  }, 180_000);
  afterAll(() => rm(large, { recursive: true, force: true }), 180_000);

  it('gives its first page fast, and all of them without holding them all', async () => {
    listed = { id: 'large', folder: large };
    const listing = new Listing();
    const take = vi.spyOn(NextNames.prototype, 'take');
    const start = performance.now();
    const first = await listing.page(listed, { limit: 200 });
    const firstMs = performance.now() - start;
    expect(first.documents).toHaveLength(200);
    const all = await names({ limit: 1000 }, listing);
    const allMs = performance.now() - start - firstMs;
    expect(all).toHaveLength(100_000);
    expect(new Set(all).size).toBe(100_000);
    const found = await names({ search: '99999' }, listing);
    expect(found).toEqual(['file-099999.txt']);
    const held = take.mock.results.map(({ value }) => (value as ReturnType<NextNames['take']>).names.length);
    expect(held.length).toBeGreaterThan(0);
    expect(Math.max(...held)).toBeLessThan(10_000);
    process.stdout.write(`100,000 files: first page ${firstMs.toFixed(0)} ms, all ${allMs.toFixed(0)} ms\n`);
    expect(firstMs).toBeLessThan(2_000);
    expect(allMs).toBeLessThan(20_000);
  }, 60_000);
});
