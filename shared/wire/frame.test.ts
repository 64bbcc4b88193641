// The codec against bytes written out by hand from hashicorp/yamux spec.md, and against every chunking.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHeader, encodeHeader, frameFlag, FrameParser, frameType } from './frame.ts';
import type { FrameHeader, FrameType } from './frame.ts';

const exact: readonly [string, FrameHeader, string][] = [
  [
    'opens stream 1',
    { type: frameType.windowUpdate, flags: frameFlag.syn, streamId: 1, length: 0 },
    '00 01 0001 00000001 00000000',
  ],
  [
    'accepts stream 1',
    { type: frameType.windowUpdate, flags: frameFlag.ack, streamId: 1, length: 0 },
    '00 01 0002 00000001 00000000',
  ],
  [
    'carries five bytes',
    { type: frameType.data, flags: frameFlag.none, streamId: 3, length: 5 },
    '00 00 0000 00000003 00000005',
  ],
  [
    'half-closes with data',
    { type: frameType.data, flags: frameFlag.fin, streamId: 2, length: 1 },
    '00 00 0004 00000002 00000001',
  ],
  [
    'resets',
    { type: frameType.windowUpdate, flags: frameFlag.rst, streamId: 2, length: 0 },
    '00 01 0008 00000002 00000000',
  ],
  [
    'grants 256 KiB',
    { type: frameType.windowUpdate, flags: frameFlag.none, streamId: 2, length: 262144 },
    '00 01 0000 00000002 00040000',
  ],
  [
    'pings',
    { type: frameType.ping, flags: frameFlag.syn, streamId: 0, length: 0xdeadbeef },
    '00 02 0001 00000000 deadbeef',
  ],
  [
    'answers a ping',
    { type: frameType.ping, flags: frameFlag.ack, streamId: 0, length: 0xdeadbeef },
    '00 02 0002 00000000 deadbeef',
  ],
  [
    'goes away',
    { type: frameType.goAway, flags: frameFlag.none, streamId: 0, length: 1 },
    '00 03 0000 00000000 00000001',
  ],
  [
    'has the highest values',
    { type: frameType.data, flags: 15, streamId: 0xffffffff, length: 0xffffffff },
    '00 00 000f ffffffff ffffffff',
  ],
];

describe('a frame header', () => {
  it.each(exact)('that %s has the bytes of the spec', (_name, header, hex) => {
    const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
    expect(Buffer.from(encodeHeader(header.type, header.flags, header.streamId, header.length))).toEqual(
      bytes,
    );
    expect(decodeHeader(bytes, 0)).toEqual(header);
  });

  it('is decoded at any offset', () => {
    const bytes = Buffer.concat([Buffer.from('ffffff', 'hex'), encodeHeader(frameType.ping, 1, 0, 7)]);
    expect(decodeHeader(bytes, 3)).toEqual({ type: frameType.ping, flags: 1, streamId: 0, length: 7 });
  });

  it.each([
    ['version 1', '010000000000000100000000', 'wire_bad_version'],
    ['version 255', 'ff0000000000000100000000', 'wire_bad_version'],
    ['type 4', '000400000000000100000000', 'wire_bad_type'],
    ['type 255', '00ff00000000000100000000', 'wire_bad_type'],
    ['flag 16', '000000100000000100000000', 'wire_bad_type'],
    ['a flag in the upper byte', '000001000000000100000000', 'wire_bad_type'],
  ])('with %s is refused', (_name, hex, code) => {
    expect(() => decodeHeader(Buffer.from(hex, 'hex'), 0)).toThrow(expect.objectContaining({ code }));
  });
});

interface SeenFrame {
  readonly header: FrameHeader;
  payload: Buffer;
  ended: boolean;
}

function parseIn(chunks: readonly Uint8Array[]): SeenFrame[] {
  const seen: SeenFrame[] = [];
  const parser = new FrameParser({
    header: (header) => seen.push({ header, payload: Buffer.alloc(0), ended: false }),
    payload: (bytes) => {
      const last = seen.at(-1)!;
      expect(bytes.length).toBeGreaterThan(0);
      last.payload = Buffer.concat([last.payload, bytes]);
    },
    payloadEnd: () => {
      seen.at(-1)!.ended = true;
    },
  });
  for (const chunk of chunks) parser.push(chunk);
  return seen;
}

const anyFrame = fc.record({
  type: fc.constantFrom<FrameType>(0, 1, 2, 3),
  flags: fc.integer({ min: 0, max: 15 }),
  streamId: fc.integer({ min: 0, max: 0xffffffff }),
  value: fc.integer({ min: 0, max: 0xffffffff }),
  payload: fc.uint8Array({ maxLength: 300 }),
});

describe('the parser', () => {
  it('gives back every frame under any chunking', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 12 }), cuts, (frames, sizes) => {
        const sent = frames.map(({ type, flags, streamId, value, payload }) => {
          const isData = type === frameType.data;
          return {
            header: { type, flags, streamId, length: isData ? payload.length : value },
            payload: Buffer.from(isData ? payload : []),
            ended: isData,
          };
        });
        const bytes = Buffer.concat(
          sent.flatMap(({ header, payload }) => [
            encodeHeader(header.type, header.flags, header.streamId, header.length),
            payload,
          ]),
        );
        const chunks: Uint8Array[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = sizes[turn % sizes.length]!;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(parseIn(chunks)).toEqual(sent);
      }),
    );
  });

  it('says nothing of a header that is not complete', () => {
    expect(parseIn([new Uint8Array(11)])).toEqual([]);
  });

  it('hands payload on without waiting for the rest of it', () => {
    const [first] = parseIn([
      Buffer.concat([encodeHeader(frameType.data, 0, 1, 0xffffffff), Buffer.from('ab')]),
    ]);
    expect(first).toMatchObject({ payload: Buffer.from('ab'), ended: false });
  });

  it('hands on views of what it was given, not copies', () => {
    const chunk = Buffer.concat([encodeHeader(frameType.data, 0, 1, 4), Buffer.from('data')]);
    let view: Uint8Array | null = null;
    new FrameParser({ header() {}, payload: (bytes) => (view = bytes), payloadEnd() {} }).push(chunk);
    expect(view!.buffer).toBe(chunk.buffer);
  });
});
