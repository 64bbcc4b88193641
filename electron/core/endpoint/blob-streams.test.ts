// Streams of kind `blob`: any caller that knows the id gets ciphertext, in the range that it asks for, and nothing else.
import { readdirSync, readlinkSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DocumentAnswer } from '../../../shared/contracts/documents.ts';
import { encodePrefixed, readPrefixed } from '../../../shared/net/prefixed.ts';
import { StreamDuplex } from '../../../shared/net/stream-duplex.ts';
import { parseStreamAnswer } from '../../../shared/net/stream-header.ts';
import { MemoryWire } from '../../../shared/testing/memory-wire.ts';
import type { YamuxStream } from '../../../shared/wire/stream.ts';
import { issueCertificate } from '../certificates/issue.ts';
import { SampleDocuments } from '../documents/documents-samples.ts';
import { defaultSettings } from '../../../shared/contracts/settings.ts';
import { SampleLog, sampleServiceId } from './endpoint-samples.ts';
import { Endpoint } from './endpoint.ts';

const certificate = await issueCertificate(sampleServiceId);
let sample: SampleDocuments;
let wire: MemoryWire;
let timer: NodeJS.Timeout;
let answer: DocumentAnswer;
let ciphertext: Buffer;

beforeEach(async () => {
  sample = await SampleDocuments.open();
  const endpoint = new Endpoint({
    serviceId: sampleServiceId,
    settings: () => defaultSettings,
    findToken: () => null,
    fakeSaltKey: Buffer.alloc(32),
    log: new SampleLog(),
    domainName: () => 'PROD',
    certificate,
    documents: sample.documents,
  });
  wire = new MemoryWire({ onStream: (stream) => endpoint.acceptor.accept(stream) });
  timer = setInterval(() => wire.settle(), 1);
  await sample.putRandom('a.bin', 1_000_000);
  answer = await sample.get('a.bin');
  ciphertext = await sample.ciphertext(answer);
});
afterEach(async () => {
  clearInterval(timer);
  await sample.close();
});

/** The next frame, and the rest of the stream as it comes. */
function prefixed(stream: YamuxStream): Promise<{ json: unknown; duplex: StreamDuplex }> {
  return new Promise((resolve, reject) => {
    readPrefixed(stream, 5_000, {
      arrived: ({ json, rest }) => {
        const duplex = new StreamDuplex(stream, rest);
        duplex.on('error', () => undefined);
        resolve({ json, duplex });
      },
      failed: reject,
    });
  });
}

/** The answer to a header, which nothing follows until a frame is sent. */
async function openBlobStream(): Promise<YamuxStream> {
  const stream = wire.dialler.session.open();
  stream.write(encodePrefixed({ v: 1, kind: 'blob', serviceId: sampleServiceId, clientId: 'relay' }));
  parseStreamAnswer((await prefixed(stream)).json);
  return stream;
}

/** The answer frame, and what follows it until the end; rejects where the stream was reset. */
async function ask(frame: unknown): Promise<{ head: unknown; bytes: Buffer }> {
  const stream = await openBlobStream();
  stream.write(frame instanceof Uint8Array ? frame : encodePrefixed(frame));
  const { json, duplex } = await prefixed(stream);
  duplex.end();
  return { head: json, bytes: await buffer(duplex) };
}

const whole = { v: 1, from: 0, to: null };

describe('a blob stream', () => {
  it('gives all of a ciphertext, whoever asks, and the same bytes to each', async () => {
    const results = await Promise.all([1, 2, 3].map(() => ask({ ...whole, blob: answer.blob })));
    for (const { head, bytes } of results) {
      expect(head).toEqual({ v: 1, ok: true, length: ciphertext.length });
      expect(bytes.equals(ciphertext)).toBe(true);
    }
  });

  it.each([
    [0, 1],
    [1, 65_552],
    [999_999, null],
    [65_552, 131_104],
    [5, 5],
    [500_000, 9_000_000],
  ])('gives bytes %i to %s', async (from, to) => {
    const { head, bytes } = await ask({ v: 1, blob: answer.blob, from, to });
    expect(head).toEqual({ v: 1, ok: true, length: ciphertext.length });
    expect(bytes.equals(ciphertext.subarray(from, to ?? undefined))).toBe(true);
  });

  it('takes a frame that came with the header in one piece', async () => {
    const stream = wire.dialler.session.open();
    const header = encodePrefixed({ v: 1, kind: 'blob', serviceId: sampleServiceId });
    stream.write(Buffer.concat([header, encodePrefixed({ v: 1, blob: answer.blob, from: 0, to: 3 })]));
    const duplex = new StreamDuplex(stream);
    duplex.end();
    const all = await buffer(duplex);
    expect(all.subarray(-3).equals(ciphertext.subarray(0, 3))).toBe(true);
  });

  it.each<[string, () => unknown, string]>([
    ['an id that nobody has', () => ({ ...whole, blob: 'A'.repeat(43) }), 'blob_unknown'],
    ['a path', () => ({ ...whole, blob: '../../../../etc/passwd' }), 'header_malformed'],
    [
      'a range behind the end',
      () => ({ v: 1, blob: answer.blob, from: 2_000_000, to: null }),
      'range_invalid',
    ],
    [
      'a range that ends before it begins',
      () => ({ v: 1, blob: answer.blob, from: 9, to: 8 }),
      'range_invalid',
    ],
    ['a negative range', () => ({ v: 1, blob: answer.blob, from: -1, to: 8 }), 'header_malformed'],
    ['half a byte', () => ({ v: 1, blob: answer.blob, from: 0.5, to: 8 }), 'header_malformed'],
    ['another version', () => ({ ...whole, v: 2, blob: answer.blob }), 'header_malformed'],
    ['no JSON', () => Buffer.from([0, 2, 0x7b, 0x7b]), 'header_malformed'],
    ['a frame that declares 64 KiB', () => Buffer.from([0xff, 0xff, 1]), 'header_malformed'],
  ])('is refused for %s, with a code and not a byte more', async (_what, frame, code) => {
    expect(await ask(frame())).toEqual({ head: { v: 1, ok: false, code }, bytes: Buffer.alloc(0) });
  });

  it('has neither key nor hash nor name in it', async () => {
    const { head, bytes } = await ask({ ...whole, blob: answer.blob });
    const all = Buffer.concat([Buffer.from(JSON.stringify(head)), bytes]);
    const key = Buffer.from(answer.key, 'base64url');
    for (const secret of [key, answer.key, answer.version, 'a.bin']) expect(all.includes(secret)).toBe(false);
  });

  it('can be broken off and asked for again, and leaves no file open', async () => {
    for (let turn = 0; turn < 300; turn += 1) {
      const stream = wire.dialler.session.open();
      stream.write(encodePrefixed({ v: 1, kind: 'blob', serviceId: sampleServiceId }));
      stream.write(encodePrefixed({ ...whole, blob: answer.blob }));
      if (turn % 3 === 0) await prefixed(stream);
      stream.reset();
    }
    const { bytes } = await ask({ ...whole, blob: answer.blob });
    expect(bytes.equals(ciphertext)).toBe(true);
    if (process.platform === 'linux') await expect.poll(openBlobs, { timeout: 5_000 }).toBe(0);
  });
});

/** How many blobs this process has open. */
function openBlobs(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).endsWith('.blob');
    } catch {
      return false;
    }
  }).length;
}
