// The chunked AEAD: whole, from any place, and never what was cut, swapped, repeated or changed.
import { beforeAll, describe, expect, test } from 'vitest';
import { blobCipher, blobLength, blobStart, decryptBlob, encryptBlob, newBlobKey } from './blobs.ts';
import { concat, type Bytes } from './bytes.ts';
import { chunkLength, decryptChunks, sealChunk, sealedChunkLength } from './chunks.ts';

const length = 3 * chunkLength + 100;
const facts = { version: 'a'.repeat(64), length };
const plaintext = Uint8Array.from({ length }, (_, at) => (at * 31) & 0xff);
const key = newBlobKey();
let sealed: Bytes;
beforeAll(async () => {
  sealed = await gather(encryptBlob(key, facts, [plaintext]));
});

async function gather(source: AsyncIterable<Bytes>): Promise<Bytes> {
  const parts: Bytes[] = [];
  for await (const part of source) parts.push(part);
  return concat(...parts);
}
const opened = (bytes: Bytes, offset = 0): Promise<Bytes> =>
  gather(decryptBlob(key, facts, [bytes], { offset }));
const chunk = (at: number): Bytes => sealed.slice(at * sealedChunkLength, (at + 1) * sealedChunkLength);

describe('an encrypted document', () => {
  test.each([0, 1, chunkLength - 1, chunkLength, chunkLength + 1, 2 * chunkLength])(
    'of %i bytes comes back, in pieces of any size',
    async (size) => {
      const whole = { version: 'b', length: size };
      const pieces = [plaintext.subarray(0, size >> 1), plaintext.subarray(size >> 1, size)];
      const made = await gather(encryptBlob(key, whole, pieces));
      expect(made).toHaveLength(blobLength(size));
      const bytes = Array.from({ length: Math.ceil(made.length / 977) }, (_, at) =>
        made.slice(at * 977, (at + 1) * 977),
      );
      expect(await gather(decryptBlob(key, whole, bytes))).toEqual(plaintext.slice(0, size));
    },
  );

  test.each([0, 1, chunkLength - 1, chunkLength, 2 * chunkLength + 5, length - 1, length])(
    'is read from byte %i on without what is before it',
    async (offset) => {
      const { sealedOffset } = blobStart(facts, offset);
      expect(await opened(sealed.slice(sealedOffset), offset)).toEqual(plaintext.slice(offset));
    },
  );

  test('has no range beyond its end', () => {
    for (const offset of [-1, length + 1, 0.5, Number.NaN]) {
      expect(() => blobStart(facts, offset)).toThrow(
        expect.objectContaining({ code: 'range_invalid' }) as Error,
      );
    }
  });

  test.each([
    0,
    1,
    15,
    16,
    sealedChunkLength,
    2 * sealedChunkLength,
    3 * sealedChunkLength,
    3 * sealedChunkLength + 115,
  ])('that was cut off after %i bytes is an error', async (kept) => {
    await expect(opened(sealed.slice(0, kept))).rejects.toMatchObject({ code: 'truncated' });
  });

  test('whose chunks were swapped, repeated, left out or extended is an error', async () => {
    const [first, second, third, last] = [0, 1, 2, 3].map(chunk) as [Bytes, Bytes, Bytes, Bytes];
    const broken = [
      [second, first, third, last],
      [first, first, third, last],
      [first, third, last],
      [first, second, third, last, last],
      [first, second, third, last, new Uint8Array(1)],
    ];
    for (const parts of broken) {
      await expect(opened(concat(...parts))).rejects.toMatchObject({ code: 'blob_not_authentic' });
    }
  });

  test('with a changed byte anywhere is an error', async () => {
    for (const at of [0, sealedChunkLength - 1, sealedChunkLength, sealed.length - 1]) {
      const changed = sealed.map((byte, index) => (index === at ? byte ^ 0x80 : byte));
      await expect(opened(changed)).rejects.toMatchObject({ code: 'blob_not_authentic' });
    }
  });

  test('is bound to its version, its length and its key', async () => {
    const others = [
      [key, { ...facts, version: 'c'.repeat(64) }],
      [key, { ...facts, length: length + 1 }],
      [newBlobKey(), facts],
    ] as const;
    for (const [otherKey, otherFacts] of others) {
      const outcome = gather(decryptBlob(otherKey, otherFacts, [sealed]));
      await expect(outcome).rejects.toMatchObject({ code: 'blob_not_authentic' });
    }
  });

  test('that changes while it is encrypted is an error', async () => {
    for (const bytes of [plaintext.subarray(1), concat(plaintext, new Uint8Array(1))]) {
      const outcome = gather(encryptBlob(key, facts, [bytes]));
      await expect(outcome).rejects.toMatchObject({ code: 'document_changing' });
    }
  });
});

test('a chunk that is not the last has 64 KiB, or is not sealed', async () => {
  const cipher = await blobCipher(key, facts);
  for (const [size, final] of [
    [chunkLength - 1, false],
    [chunkLength + 1, true],
  ] as const) {
    await expect(sealChunk(cipher, 0, final, new Uint8Array(size))).rejects.toMatchObject({
      code: 'internal',
    });
  }
  await expect(sealChunk(cipher, 2 ** 32, true, new Uint8Array())).rejects.toMatchObject({
    code: 'limit_exceeded',
  });
});

test('nothing behind a changed chunk is handed out, and what came before a break is', async () => {
  const changed = sealed.map((byte, at) => (at === sealedChunkLength + 5 ? byte ^ 1 : byte));
  const pieces = decryptBlob(key, facts, [changed]);
  expect((await pieces.next()).value).toEqual(plaintext.slice(0, chunkLength));
  await expect(pieces.next()).rejects.toMatchObject({ code: 'blob_not_authentic' });
  expect((await pieces.next()).done).toBe(true);
  const cut = decryptBlob(key, facts, [sealed.slice(0, 2 * sealedChunkLength + 1)]);
  expect((await cut.next()).value).toHaveLength(chunkLength);
  expect((await cut.next()).value).toHaveLength(chunkLength);
  await expect(cut.next()).rejects.toMatchObject({ code: 'truncated' });
});

test('a cut stream is told from a changed one', async () => {
  const cipher = await blobCipher(key, facts);
  const cut = gather(decryptChunks(cipher, [chunk(0)], { code: 'ANSWER_NOT_AUTHENTIC' }));
  await expect(cut).rejects.toMatchObject({ code: 'truncated' });
});
