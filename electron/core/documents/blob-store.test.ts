// Blobs on disk: what they tell, how long they are kept, and what is swept.
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { readdir, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anna, decrypt, SampleDocuments } from './documents-samples.ts';

const mebibyte = 1024 * 1024;
let sample: SampleDocuments;
beforeEach(async () => {
  sample = await SampleDocuments.open();
});
afterEach(() => sample.close());

/** The file looks as if nobody had written it for a while: it can be known again. */
async function settle(name: string): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 3_200));
  await stat(join(sample.folder, name));
}

describe('a blob', () => {
  it('tells nothing: not the name, the hash or the content, and the file of its key is for the owner alone', async () => {
    await sample.put('plan.txt', 'attack at dawn');
    const answer = await sample.get('plan.txt');
    const folder = join(sample.dataFolder, 'documents', 'blobs');
    const ciphertext = await sample.ciphertext(answer);
    for (const told of ['attack', 'plan', answer.version, answer.key])
      expect(ciphertext.includes(told)).toBe(false);
    expect(answer.blob).not.toContain(answer.version.slice(0, 8));
    for (const name of await readdir(folder))
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it('does not open under another version, length or key', async () => {
    await sample.put('a.txt', 'one');
    await sample.put('b.txt', 'two');
    const [a, b] = [await sample.get('a.txt'), await sample.get('b.txt')];
    const ciphertext = await sample.ciphertext(a);
    for (const wrong of [
      { ...a, version: b.version },
      { ...a, size: 4 },
      { ...a, key: b.key },
    ]) {
      await expect(decrypt(wrong, ciphertext)).rejects.toMatchObject({
        code: expect.stringMatching(/^(blob_not_authentic|truncated)$/),
      });
    }
    expect(String(await decrypt(a, ciphertext))).toBe('one');
  });

  it.each(['', 'x', '../../collections', '..%2fcollections.json', 'A'.repeat(43)])(
    'is not found under %j',
    async (id) => {
      await expect(sample.documents.readBlob(id)).rejects.toMatchObject({ code: 'blob_unknown' });
    },
  );

  it('is there again after a restart, with its key, and without reading the document again', async () => {
    await sample.put('a.txt', 'one');
    await settle('a.txt');
    const before = await sample.get('a.txt');
    await sample.documents.close();
    await sample.start();
    const [view] = await sample.documents.versionViews({ collection: 'files', name: 'a.txt' });
    expect(view).toMatchObject({ version: before.version, current: true, fetches: 1 });
    expect(await sample.get('a.txt')).toEqual(before);
  });

  it('goes when its ciphertext or record is damaged or missing, and what is half-written is swept', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await sample.put(name, name);
    const [a, b, c, d] = [
      await sample.get('a'),
      await sample.get('b'),
      await sample.get('c'),
      await sample.get('d'),
    ];
    await sample.documents.close();
    const folder = join(sample.dataFolder, 'documents', 'blobs');
    await writeFile(join(folder, `${a.blob}.json`), '{"v":1');
    await unlink(join(folder, `${b.blob}.json`));
    await unlink(join(folder, `${c.blob}.blob`));
    await writeFile(join(folder, `${'x'.repeat(43)}.part`), 'half');
    await writeFile(join(folder, `.${d.blob}.json.0011.tmp`), 'half');
    await sample.start();
    expect((await readdir(folder)).sort()).toEqual([`${d.blob}.blob`, `${d.blob}.json`].sort());
    expect(await sample.get('d')).toEqual(d);
    expect((await sample.get('a')).key).not.toBe(a.key);
  });

  it('of a process that was killed in the middle is swept', async () => {
    await sample.putRandom('large.bin', 64 * mebibyte);
    await sample.documents.close();
    const module = new URL('./documents.ts', import.meta.url).href;
    const script = `import { Documents } from ${JSON.stringify(module)};
      const documents = await Documents.open({ dataFolder: process.env.DATA, onProblem: () => {} });
      console.log('open');
      await documents.get({ collection: 'files', name: 'large.bin' }, ${JSON.stringify(anna)});
      console.log('done');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, DATA: sample.dataFolder, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const folder = join(sample.dataFolder, 'documents', 'blobs');
    const parts = async (): Promise<string[]> =>
      (await readdir(folder)).filter((name) => name.endsWith('.part'));
    await expect.poll(parts, { interval: 2, timeout: 10_000 }).toHaveLength(1);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await parts()).toHaveLength(1);
    await sample.start();
    expect(await readdir(folder)).toEqual([]);
  }, 30_000);

  it('that was wanted least lately goes first where the store is full, and one that is too large never fits', async () => {
    await sample.close();
    sample = await SampleDocuments.open({ maxStoreBytes: 250_000 });
    for (const name of ['a', 'b', 'c']) await sample.putRandom(name, 100_000);
    const [a, b] = [await sample.get('a'), await sample.get('b')];
    await new Promise((resolve) => setTimeout(resolve, 5));
    await sample.get('a');
    await sample.get('c');
    await expect(sample.documents.readBlob(b.blob)).rejects.toMatchObject({ code: 'blob_unknown' });
    expect((await sample.ciphertext(a)).length).toBe(a.ciphertextLength);
    // Asked for again it gets another key.
    expect((await sample.get('b')).key).not.toBe(b.key);
    await sample.putRandom('huge', 300_000);
    await expect(sample.get('huge')).rejects.toMatchObject({ code: 'limit_exceeded' });
  });

  it('can be read to its end although it goes meanwhile', async () => {
    await sample.putRandom('a', 100_000);
    const answer = await sample.get('a');
    const { file } = await sample.documents.readBlob(answer.blob);
    await sample.documents.remove('files');
    expect((await file.readFile()).length).toBe(answer.ciphertextLength);
    await file.close();
  });
});
