// Versions of documents: snapshots, keys, what is kept and what is swept.
import { createHash } from 'node:crypto';
import { open, readdir, readFile, rm, truncate, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { anna, decrypt, SampleDocuments } from './documents-samples.ts';

const mebibyte = 1024 * 1024;
let sample: SampleDocuments;
beforeEach(async () => {
  sample = await SampleDocuments.open();
});
afterEach(() => sample.close());

/** Of one chunk's ciphertext, in bytes. */
const sealedChunk = 65_536 + 16;

/** The fifth chunk of the one blob that is being written; zeros as long as it is not there. */
async function fifthChunk(): Promise<Buffer> {
  const folder = join(sample.dataFolder, 'documents', 'blobs');
  const [name] = await readdir(folder);
  const chunk = Buffer.alloc(sealedChunk);
  if (name === undefined) return chunk;
  const file = await open(join(folder, name), 'r');
  await file.read(chunk, 0, sealedChunk, 4 * sealedChunk);
  await file.close();
  return chunk;
}

function sha256(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex');
}

describe('documents.get', () => {
  it.each([0, 1, 65_535, 65_536, 65_537, mebibyte, mebibyte + 1, 3 * mebibyte + 77])(
    'answers with the hash, a key and a ciphertext that it opens: %i bytes',
    async (length) => {
      const content = await sample.putRandom('a.bin', length);
      const answer = await sample.get('a.bin');
      const ciphertext = await sample.ciphertext(answer);
      expect(answer).toMatchObject({ name: 'a.bin', version: sha256(content), size: length });
      expect(answer.ciphertextLength).toBe(ciphertext.length);
      expect(answer.chunks).toEqual({
        plaintext: 65_536,
        tag: 16,
        count: Math.max(1, Math.ceil(length / 65_536)),
      });
      expect((await decrypt(answer, ciphertext)).equals(content)).toBe(true);
    },
  );

  it('gives the same blob again while the document is the same, read or not', async () => {
    await sample.put('a.txt', 'one');
    const first = await sample.get('a.txt');
    expect(await sample.get('a.txt')).toEqual(first);
    const [one, two] = await Promise.all([sample.get('a.txt'), sample.get('a.txt')]);
    expect([one, two]).toEqual([first, first]);
  });

  it('„Jede Dokumentversion hat seinen eigenen eindeutigen geheimen Schlüssel“, and its own blob, also of the same content', async () => {
    await sample.put('a.txt', 'one');
    await sample.put('b.txt', 'one');
    const answers = [await sample.get('a.txt'), await sample.get('b.txt')];
    await sample.put('a.txt', 'two');
    answers.push(await sample.get('a.txt'));
    expect(new Set(answers.map(({ key }) => key)).size).toBe(3);
    expect(new Set(answers.map(({ blob }) => blob)).size).toBe(3);
    expect(answers[0]?.version).toBe(answers[1]?.version);
  });

  it('notices a change that keeps length and time of modification', async () => {
    await sample.put('a.txt', 'one');
    const time = new Date(2020, 1, 1);
    await utimes(join(sample.folder, 'a.txt'), time, time);
    const first = await sample.get('a.txt');
    await sample.put('a.txt', 'two');
    await utimes(join(sample.folder, 'a.txt'), time, time);
    expect((await sample.get('a.txt')).version).not.toBe(first.version);
  });

  it('gives an older version that was served, also when the document is gone, and none that was not', async () => {
    await sample.put('a.txt', 'one');
    const first = await sample.get('a.txt');
    await sample.put('a.txt', 'two');
    expect(await sample.get('a.txt', first.version)).toEqual(first);
    await expect(sample.get('a.txt', sha256('never'))).rejects.toMatchObject({
      code: 'document_version_unknown',
    });
    await unlink(join(sample.folder, 'a.txt'));
    expect(await sample.get('a.txt', first.version)).toEqual(first);
    await expect(sample.get('a.txt')).rejects.toMatchObject({ code: 'document_unknown' });
  });

  it('finds a document in another Unicode form, and counts it as the same', async () => {
    await sample.put('Übung.txt'.normalize('NFD'), 'x');
    const composed = await sample.get('Übung.txt'.normalize('NFC'));
    const decomposed = await sample.get('Übung.txt'.normalize('NFD'));
    expect(composed).toEqual(decomposed);
    expect(composed.name).toBe('Übung.txt'.normalize('NFD'));
  });

  it('says document_changing where the document keeps changing, and leaves nothing of the attempts', async () => {
    await sample.putRandom('a.bin', 24 * mebibyte);
    const file = await open(join(sample.folder, 'a.bin'), 'r+');
    let writing = true;
    const writer = (async () => {
      for (let at = 0; writing; at += 1) {
        await file.write(Buffer.from([at & 255]), 0, 1, at % 1000);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    await expect(sample.get('a.bin')).rejects.toMatchObject({ code: 'document_changing' });
    writing = false;
    await writer;
    await file.close();
    expect(await readdir(join(sample.dataFolder, 'documents', 'blobs'))).toEqual([]);
  });

  it('tries again where the document changed once, under another key, and serves what is there in the end', async () => {
    await sample.putRandom('a.bin', 48 * mebibyte);
    const answer = sample.get('a.bin');
    // Its encryption has begun: a half-written blob is there, with a chunk of its own.
    let before: Uint8Array = Buffer.alloc(0);
    const isThere = async (): Promise<boolean> => (before = await fifthChunk()).some((byte) => byte !== 0);
    await expect.poll(isThere, { interval: 1 }).toBe(true);
    const file = await open(join(sample.folder, 'a.bin'), 'r+');
    await file.write(Buffer.from('changed'), 0, 7, 0);
    await file.close();
    const { version } = await answer;
    expect(version).toBe(sha256(await readFile(join(sample.folder, 'a.bin'))));
    expect(
      (await decrypt(await answer, await sample.ciphertext(await answer))).subarray(0, 7).toString(),
    ).toBe('changed');
    // The same plaintext at the same place: under the same key it would be the same bytes.
    const after = (await sample.ciphertext(await answer)).subarray(4 * sealedChunk, 5 * sealedChunk);
    expect(after.subarray(0, 16).equals(before.subarray(0, 16))).toBe(false);
  });

  it('says document_changing or serves a whole one where the document grows or shrinks', async () => {
    await sample.putRandom('a.bin', 8 * mebibyte);
    const answer = sample.get('a.bin').catch((error: unknown) => error);
    await truncate(join(sample.folder, 'a.bin'), 5);
    const result = await answer;
    const { size } = await sample.get('a.bin');
    expect(size).toBe(5);
    if (!(result instanceof Error)) expect([5, 8 * mebibyte]).toContain((result as { size: number }).size);
  });

  it('streams the content itself to TLS clients, from any byte on', async () => {
    const content = await sample.putRandom('a.bin', 2 * mebibyte + 5);
    const wanted = { collection: 'files', name: 'a.bin' };
    for (const from of [0, 1, 65_536, 65_537, mebibyte, content.length - 1, content.length]) {
      const stream = await sample.documents.content(wanted, from, anna);
      expect((await buffer(stream)).equals(content.subarray(from))).toBe(true);
    }
    await expect(sample.documents.content(wanted, content.length + 1, anna)).rejects.toMatchObject({
      code: 'range_invalid',
    });
  });

  it('never streams a byte of a blob that was damaged on disk', async () => {
    await sample.putRandom('a.bin', 100_000);
    const { blob } = await sample.get('a.bin');
    const path = join(sample.dataFolder, 'documents', 'blobs', `${blob}.blob`);
    const bytes = await readFile(path);
    bytes[70_000] = (bytes[70_000] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const stream = await sample.documents.content({ collection: 'files', name: 'a.bin' }, 65_536, anna);
    await expect(buffer(stream)).rejects.toMatchObject({ code: 'blob_not_authentic' });
  });
});

describe('versions', () => {
  it('are what was served, the current one first, and it also where nobody fetched it', async () => {
    await sample.put('a.txt', 'one');
    const first = await sample.get('a.txt');
    await sample.put('a.txt', 'two');
    const { versions } = await sample.documents.versions({ collection: 'files', name: 'a.txt' });
    expect(versions).toEqual([
      { version: sha256('two'), size: 3, current: true, available: true, at: null },
      { version: first.version, size: 3, current: false, available: true, at: expect.any(Number) },
    ]);
    await expect(sample.documents.versions({ collection: 'files', name: 'b.txt' })).rejects.toMatchObject({
      code: 'document_unknown',
    });
  });

  it('of a document that is gone are still there', async () => {
    await sample.put('a.txt', 'one');
    const { version } = await sample.get('a.txt');
    await rm(join(sample.folder, 'a.txt'));
    const { versions } = await sample.documents.versions({ collection: 'files', name: 'a.txt' });
    expect(versions).toMatchObject([{ version, current: false }]);
  });
});

describe('the log of fetches', () => {
  it('says who fetched which version of what and when, newest first, also after kill -9', async () => {
    await sample.put('a.txt', 'one');
    await sample.put('b.txt', 'two');
    await sample.get('a.txt');
    await sample.documents.get(
      { collection: 'files', name: 'b.txt' },
      { user: 'sub-1', via: 'device', deviceId: 'd1', deviceName: 'Phone' },
    );
    // Not closed: what was answered is on disk already. A line that was cut off does not harm.
    const path = join(sample.dataFolder, 'documents', 'fetches.jsonl');
    await writeFile(path, `${await readFile(path, 'utf8')}{"id":3,"at`);
    const before = sample.documents;
    await sample.start();
    const all = { collection: null, document: null, cursor: null, limit: 10 };
    const { fetches, next } = sample.documents.fetches(all);
    expect(next).toBeNull();
    expect(fetches).toEqual([
      {
        ...{
          id: 2,
          at: expect.any(Number),
          kind: 'fetched',
          collection: 'files',
          document: 'b.txt',
          size: 3,
        },
        ...{ version: sha256('two'), user: 'sub-1', via: 'device', deviceId: 'd1', deviceName: 'Phone' },
      },
      {
        ...{
          id: 1,
          at: expect.any(Number),
          kind: 'fetched',
          collection: 'files',
          document: 'a.txt',
          size: 3,
        },
        ...{ version: sha256('one'), ...anna },
      },
    ]);
    const { key } = await sample.get('a.txt');
    expect(await readFile(path, 'utf8')).not.toContain(key);
    const page = sample.documents.fetches({ ...all, document: 'a.txt', limit: 1 });
    expect(page.fetches.map(({ id }) => id)).toEqual([3]);
    expect(
      sample.documents.fetches({ ...all, document: 'a.txt', limit: 1, cursor: page.next }).fetches,
    ).toHaveLength(1);
    await before.close();
  });

  it('tells of each new entry', async () => {
    await sample.put('a.txt', 'one');
    const before = sample.documents.revision;
    let told = 0;
    const end = sample.documents.onChange(() => (told += 1));
    await sample.get('a.txt');
    expect(told).toBe(1);
    expect(sample.documents.revision).toBe(before + 1);
    end();
  });
});
