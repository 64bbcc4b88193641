// The cache on disk: bounded, private, whole or not at all, and still there after a restart. Whatever happens to its
// files counts as a miss.
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { maxSegmentFileLength, segmentName } from './segment-file.ts';
import { SegmentStore } from './segment-store.ts';

const headerLength = 16;
let root: string;
let folder: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gatehouse-segments-'));
  folder = join(root, 'blobs');
});

afterEach(() => rm(root, { recursive: true, force: true }));

function open(maxBytes = 1_000_000): Promise<SegmentStore> {
  return SegmentStore.open({ folder, maxBytes, logger: pino({ level: 'silent' }) });
}

const name = (index: number): string => segmentName('abcd-efgh-2345', 'b'.repeat(22), index);
const segment = (fill: number, length = 1000): { blobLength: number; bytes: Buffer } => {
  return { blobLength: 5000, bytes: Buffer.alloc(length, fill) };
};

describe('the cache', () => {
  it('gives back what was put, also after a restart, in files of their owner alone', async () => {
    const store = await open();
    await store.put(name(0), segment(7));
    expect(await store.get(name(0))).toEqual(segment(7));
    const again = await open();
    expect([await again.get(name(0)), again.bytes]).toEqual([segment(7), 1000 + headerLength]);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, name(0)))).mode & 0o777).toBe(0o600);
    expect(await again.get(name(1))).toBeNull();
  });

  it('stays within its bytes, and lets the least recently used go', async () => {
    const store = await open(3 * (1000 + headerLength));
    for (const index of [0, 1, 2]) await store.put(name(index), segment(index));
    await store.get(name(0));
    await store.put(name(3), segment(3));
    const kept = await Promise.all(
      [0, 1, 2, 3].map(async (index) => (await store.get(name(index))) !== null),
    );
    expect(kept).toEqual([true, false, true, true]);
    expect([store.bytes, (await readdir(folder)).length]).toEqual([3 * (1000 + headerLength), 3]);
  });

  it('stays within its bytes with many at once', async () => {
    const store = await open(10 * (1000 + headerLength));
    await Promise.all(Array.from({ length: 100 }, (_, index) => store.put(name(index), segment(index))));
    expect(store.bytes).toBeLessThanOrEqual(10 * (1000 + headerLength));
    expect((await readdir(folder)).length).toBeLessThanOrEqual(10);
  });

  it('shrinks to a smaller size when it starts again, the oldest first', async () => {
    const store = await open();
    for (const index of [0, 1, 2]) {
      await store.put(name(index), segment(index));
      await utimes(join(folder, name(index)), 1000 + index, 1000 + index);
    }
    const small = await open(1000 + headerLength);
    expect([await small.get(name(2)), await readdir(folder)]).toEqual([segment(2), [name(2)]]);
  });

  it('keeps nothing where it may have nothing', async () => {
    const store = await open(0);
    await store.put(name(0), segment(1));
    expect([await store.get(name(0)), await readdir(folder)]).toEqual([null, []]);
  });

  it.each([
    ['one bit was flipped', (bytes: Buffer) => (bytes.writeUInt8(bytes.readUInt8(500) ^ 1, 500), bytes)],
    ['the length in its header was changed', (bytes: Buffer) => (bytes.writeUInt8(1, 5), bytes)],
    ['it was cut off', (bytes: Buffer) => bytes.subarray(0, 700)],
    ['it was cut off in the header', (bytes: Buffer) => bytes.subarray(0, 9)],
    ['it was lengthened', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(9)])],
    ['it is endless', () => Buffer.alloc(maxSegmentFileLength + 1)],
    ['it is empty', () => Buffer.alloc(0)],
  ])('takes a file for missing where %s', async (_name, change) => {
    const store = await open();
    await store.put(name(0), segment(7));
    const path = join(folder, name(0));
    await writeFile(path, change(await readFile(path)));
    expect([await store.get(name(0)), store.bytes, await readdir(folder)]).toEqual([null, 0, []]);
    await store.put(name(0), segment(8));
    expect(await store.get(name(0))).toEqual(segment(8));
  });

  it('takes a file for missing that was swapped with another, or removed', async () => {
    const store = await open();
    await store.put(name(0), segment(0));
    await store.put(name(1), segment(1));
    await writeFile(join(folder, name(0)), await readFile(join(folder, name(1))));
    await rm(join(folder, name(1)));
    expect([await store.get(name(0)), await store.get(name(1))]).toEqual([null, null]);
  });

  it('leaves what is not its own, and clears away what it left half-written', async () => {
    await (await open()).put(name(0), segment(0));
    await writeFile(join(folder, 'notes.txt'), 'mine');
    await writeFile(join(folder, `.${name(1)}.0123456789abcdef.tmp`), 'half');
    const store = await open(0);
    expect([store.bytes, await readdir(folder)]).toEqual([0, ['notes.txt']]);
  });

  it('goes on without a disk that takes anything', async () => {
    const store = await open();
    await rm(folder, { recursive: true });
    await store.put(name(0), segment(0));
    expect([await store.get(name(0)), store.bytes]).toEqual([null, 0]);
  });
});

describe('a name', () => {
  it('belongs to one service, one blob and one segment, and is no path', () => {
    const names = [
      segmentName('abcd-efgh-2345', 'b'.repeat(22), 0),
      segmentName('abcd-efgh-2346', 'b'.repeat(22), 0),
      segmentName('abcd-efgh-2345', 'c'.repeat(22), 0),
      segmentName('abcd-efgh-2345', 'b'.repeat(22), 1),
      segmentName('../../etc/x', 'passwd', 0),
    ];
    expect(new Set(names).size).toBe(5);
    for (const each of names) expect(each).toMatch(/^[0-9a-f]{64}\.segment$/);
  });
});
