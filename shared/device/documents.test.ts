// Downloads over connections that break, and relays that lie: whole, authentic and the right version, or an error.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { GatehouseError } from '../contracts/errors.ts';
import { encryptBlob, newBlobKey } from './blobs.ts';
import { hex, plain } from './bytes.ts';
import type { Bytes } from './bytes.ts';
import type { DocumentToDownload } from './document-answer.ts';
import { downloadDocument } from './document-download.ts';
import { saveDocument } from './documents.ts';
import { randomBytes as random, sha256 as digest } from './primitives.ts';
import { RelayApi } from './relay-api.ts';
import { RunningHash } from './running-hash.ts';

afterEach(() => vi.useRealTimers());

/** WebCrypto gives 64 KiB at a time. */
function randomBytes(length: number): Buffer {
  const pieces = Array.from({ length: Math.ceil(length / 65_536) }, () => random(65_536));
  return Buffer.concat(pieces).subarray(0, length);
}

async function sha256(content: Uint8Array): Promise<string> {
  return hex(await digest(plain(content)));
}

async function encrypted(content: Uint8Array, named?: string) {
  const version = named ?? (await sha256(content));
  const key = newBlobKey();
  const parts: Uint8Array[] = [];
  const { length } = content;
  for await (const part of encryptBlob(key, { version, length }, [content])) parts.push(part);
  const document: DocumentToDownload = { name: 'a', version, length, blob: 'b'.repeat(43), key };
  return { document, ciphertext: Buffer.concat(parts) };
}

/** Of an answer's body: fetch gives a stream of bytes, which can be read into memory of ours, or an older one of parts. */
const kinds = ['bytes', undefined] as const;

type BodyController = ReadableByteStreamController | ReadableStreamDefaultController<Uint8Array>;

interface Behaviour {
  readonly kind?: (typeof kinds)[number];
  /** Bytes after which each connection breaks, in turn; none: it holds. */
  readonly breakAfter?: number[];
  readonly change?: (bytes: Buffer, from: number) => Buffer;
}

/** A relay in place of fetch: answers ranges of `ciphertext`. */
function relayOf(ciphertext: Buffer, { kind, breakAfter = [], change = (bytes) => bytes }: Behaviour = {}) {
  const ranges: number[] = [];
  const fake = (_url: unknown, { headers }: { headers: Record<string, string> }): Promise<Response> => {
    const from = Number(/bytes=(\d+)-/.exec(headers.range ?? 'bytes=0-')?.[1]);
    ranges.push(from);
    const limit = breakAfter.shift();
    const bytes = change(ciphertext.subarray(from), from);
    const start = (controller: BodyController): void => {
      for (let at = 0; at < Math.min(bytes.length, limit ?? Infinity); at += 10_000) {
        controller.enqueue(Uint8Array.from(bytes.subarray(at, Math.min(at + 10_000, limit ?? Infinity))));
      }
      if (limit === undefined) controller.close();
    };
    const pull = (controller: BodyController): void => {
      if (limit !== undefined) controller.error(new Error('the plug was pulled'));
    };
    const source = { start, pull };
    const body = kind
      ? new ReadableStream({ ...source, type: kind })
      : new ReadableStream<Uint8Array>(source);
    return Promise.resolve(new Response(body, { status: from === 0 ? 200 : 206 }));
  };
  const api = new RelayApi(
    { token: () => Promise.resolve('token') },
    { relay: 'https://relay.example', serviceId: 'abcd-efgh-ijkl', fetch: fake as unknown as typeof fetch },
  );
  const device = {
    download: (document: DocumentToDownload, options?: object): AsyncIterable<Bytes> =>
      downloadDocument(api, document, options),
  };
  return { device, ranges };
}

function sink(): { readonly stream: WritableStream<Uint8Array>; bytes(): Buffer; closed(): boolean } {
  const parts: Uint8Array[] = [];
  let isClosed = false;
  const stream = new WritableStream<Uint8Array>({
    write: (bytes) => void parts.push(bytes),
    close: () => void (isClosed = true),
  });
  return { stream, bytes: () => Buffer.concat(parts), closed: () => isClosed };
}

describe.each(kinds)('a download, its body a stream of type %s', (kind) => {
  it.each([0, 1, 65_536, 65_537, 1_000_000])('of %i bytes arrives whole', async (length) => {
    const content = randomBytes(length);
    const { document, ciphertext } = await encrypted(content);
    const to = sink();
    const seen: number[] = [];
    await saveDocument(relayOf(ciphertext, { kind }).device, document, to.stream, {
      onProgress: (at) => seen.push(at),
    });
    expect(to.bytes().equals(content)).toBe(true);
    expect(to.closed()).toBe(true);
    expect(seen.at(-1)).toBe(length);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  it('goes on at the first chunk that is missing, each time that the connection breaks', async () => {
    const content = randomBytes(1_000_000);
    const { document, ciphertext } = await encrypted(content);
    const { device, ranges } = relayOf(ciphertext, { kind, breakAfter: [300_000, 150_000, 70_000] });
    const to = sink();
    await saveDocument(device, document, to.stream);
    expect(to.bytes().equals(content)).toBe(true);
    expect(ranges).toHaveLength(4);
    for (const from of ranges) expect(from % 65_552).toBe(0);
    expect(ranges).toEqual([...ranges].sort((a, b) => a - b));
  });

  it('that gave up goes on from what was saved, in the middle of a chunk too', async () => {
    const content = randomBytes(1_000_000);
    const { document, ciphertext } = await encrypted(content);
    const first = sink();
    const broken = relayOf(ciphertext, { kind, breakAfter: [200_000, 0, 0, 0, 0, 0] });
    await expect(saveDocument(broken.device, document, first.stream)).rejects.toMatchObject({
      code: 'relay_unreachable',
    });
    expect(first.closed()).toBe(false);
    const saved = first.bytes().subarray(0, first.bytes().length - 100);
    expect(content.subarray(0, saved.length).equals(saved)).toBe(true);
    const second = sink();
    await saveDocument(relayOf(ciphertext, { kind }).device, document, second.stream, { saved: [saved] });
    expect(Buffer.concat([saved, second.bytes()]).equals(content)).toBe(true);
  });

  it('lends its parts where that is asked for: each is empty as soon as the next one is there', async () => {
    const content = randomBytes(200_000);
    const { document, ciphertext } = await encrypted(content);
    const { device } = relayOf(ciphertext, { kind });
    const lent: Bytes[] = [];
    const copied: Buffer[] = [];
    for await (const part of device.download(document, { lent: true, offset: 100 })) {
      expect(lent.every(({ length }) => length === 0)).toBe(true);
      lent.push(part);
      copied.push(Buffer.from(part));
    }
    expect(lent.at(-1)).toHaveLength(0);
    expect(Buffer.concat(copied).equals(content.subarray(100))).toBe(true);
    const kept: Bytes[] = [];
    for await (const part of device.download(document)) kept.push(part);
    expect(Buffer.concat(kept).equals(content)).toBe(true);
  });

  it.each([false, true])('into a sink that passes the memory on is whole, lent: %s', async (lent) => {
    const content = randomBytes(200_000);
    const { document, ciphertext } = await encrypted(content);
    const passed: Uint8Array[] = [];
    const write = (bytes: Uint8Array): void => {
      passed.push(structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] }));
    };
    const { device } = relayOf(ciphertext, { kind });
    await saveDocument(device, document, new WritableStream({ write }), { lent });
    expect(Buffer.concat(passed).equals(content)).toBe(true);
  });

  it('into a sink that is done with each part in time may lend them', async () => {
    const content = randomBytes(200_000);
    const { document, ciphertext } = await encrypted(content);
    const copied: Buffer[] = [];
    const write = async (bytes: Uint8Array): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      copied.push(Buffer.from(bytes));
    };
    const { device } = relayOf(ciphertext, { kind });
    await saveDocument(device, document, new WritableStream({ write }), { lent: true });
    expect(Buffer.concat(copied).equals(content)).toBe(true);
  });

  it('that goes on from something else is found out', async () => {
    const content = randomBytes(200_000);
    const { document, ciphertext } = await encrypted(content);
    const to = sink();
    const save = saveDocument(relayOf(ciphertext, { kind }).device, document, to.stream, {
      saved: [randomBytes(1000)],
    });
    await expect(save).rejects.toMatchObject({ code: 'blob_not_authentic' });
    expect(to.closed()).toBe(false);
    const longer = saveDocument(relayOf(ciphertext, { kind }).device, document, sink().stream, {
      saved: [randomBytes(200_001)],
    });
    await expect(longer).rejects.toMatchObject({ code: 'blob_not_authentic' });
  });

  it('of content that has not the hash of its version is found out', async () => {
    const { document, ciphertext } = await encrypted(randomBytes(100), await sha256(randomBytes(1)));
    await expect(
      saveDocument(relayOf(ciphertext, { kind }).device, document, sink().stream),
    ).rejects.toMatchObject({
      code: 'blob_not_authentic',
    });
  });

  const lies: readonly [string, (bytes: Buffer, from: number) => Buffer, string][] = [
    [
      'flips a bit',
      (bytes) => Buffer.from(bytes.map((byte, at) => (at === 70_000 ? byte ^ 1 : byte))),
      'blob_not_authentic',
    ],
    ['swaps two chunks', (bytes) => swapped(bytes), 'blob_not_authentic'],
    [
      'leaves the last chunk out',
      (bytes, from) => bytes.subarray(0, Math.max(0, 65_552 * 3 - from)),
      'truncated',
    ],
    [
      'leaves half a chunk out',
      (bytes, from) => bytes.subarray(0, Math.max(0, 65_552 * 2 + 100 - from)),
      'truncated',
    ],
    ['adds a byte', (bytes) => Buffer.concat([bytes, Buffer.from([0])]), 'blob_not_authentic'],
    ['sends the ciphertext twice', (bytes) => Buffer.concat([bytes, bytes]), 'blob_not_authentic'],
    ['sends the whole in place of a range', (bytes) => bytes, 'blob_not_authentic'],
    ['sends nothing', () => Buffer.alloc(0), 'truncated'],
  ];
  it.each(lies)(
    'from a relay that %s ends in an error, and hands out nothing false',
    async (what, change, code) => {
      const content = randomBytes(65_536 * 3 + 500);
      const { document, ciphertext } = await encrypted(content);
      const to = sink();
      const saved = what.includes('range') ? [content.subarray(0, 70_000)] : [];
      const lie = what.includes('range') ? (): Buffer => ciphertext : change;
      const save = saveDocument(relayOf(ciphertext, { kind, change: lie }).device, document, to.stream, {
        saved,
      });
      const error = await save.catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(GatehouseError);
      expect([code, 'truncated']).toContain((error as GatehouseError).code);
      const start = saved[0]?.length ?? 0;
      expect(content.subarray(start, start + to.bytes().length).equals(to.bytes())).toBe(true);
      expect(to.closed()).toBe(false);
    },
  );

  it('is cancelled by its signal', async () => {
    const { document, ciphertext } = await encrypted(randomBytes(500_000));
    const controller = new AbortController();
    const to = sink();
    const save = saveDocument(
      relayOf(ciphertext, { kind, breakAfter: [100_000] }).device,
      document,
      to.stream,
      {
        signal: controller.signal,
        onProgress: () => controller.abort(),
      },
    );
    await expect(save).rejects.toBeInstanceOf(GatehouseError);
    expect(to.closed()).toBe(false);
  });
});

describe('the running hash', () => {
  it('is SHA-256, whatever the pieces', async () => {
    for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, 100_000]) {
      const content = randomBytes(length);
      const hash = new RunningHash();
      for (let at = 0; at < length;) {
        const piece = 1 + (randomBytes(1)[0] ?? 0) * 3;
        hash.update(content.subarray(at, at + piece));
        at += piece;
      }
      expect(hash.digest()).toBe(await sha256(content));
    }
  });

  it('has the value of FIPS 180-4’s example', () => {
    const hash = new RunningHash();
    hash.update(new TextEncoder().encode('abc'));
    expect(hash.digest()).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});

function swapped(bytes: Buffer): Buffer {
  const [first, second, rest] = [
    bytes.subarray(0, 65_552),
    bytes.subarray(65_552, 131_104),
    bytes.subarray(131_104),
  ];
  return Buffer.concat([second, first, rest]);
}
