import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageReader } from './message-reader.ts';

interface Frame {
  readonly first: number;
  readonly payload: Buffer;
  readonly masked: boolean;
}

const key = Buffer.from([0x5a, 0x13, 0xc7, 0x01]);
const fin = 0x80;

/** RFC 6455 section 5.2, with the longest form of the length where `wide` says so. */
function encode({ first, payload, masked }: Frame, declared = payload.length): Buffer {
  const mask = masked ? 0x80 : 0;
  const head =
    declared < 126
      ? Buffer.from([first, mask | declared])
      : declared < 65_536
        ? Buffer.from([first, mask | 126, declared >> 8, declared & 0xff])
        : Buffer.concat([Buffer.from([first, mask | 127]), eightBytes(declared)]);
  if (!masked) return Buffer.concat([head, payload]);
  const hidden = Buffer.from(payload.map((octet, index) => octet ^ (key[index % 4] ?? 0)));
  return Buffer.concat([head, key, hidden]);
}

function eightBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

function read(bytes: Buffer, cuts: readonly number[], masked = false): { binary: Buffer; library: Buffer } {
  const binary: Buffer[] = [];
  const library: Buffer[] = [];
  const options = {
    masked,
    maxLength: 100_000,
    binary: (octets: Buffer) => binary.push(Buffer.from(octets)),
  };
  const reader = new MessageReader(options, (octets) => library.push(Buffer.from(octets)));
  let at = 0;
  for (const cut of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    reader.push(Buffer.from(bytes.subarray(at, cut)));
    at = cut;
  }
  return { binary: Buffer.concat(binary), library: Buffer.concat(library) };
}

const anyPayload = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.constantFrom(125, 126, 127, 65_535, 65_536, 70_000).map((length) => new Uint8Array(length).fill(length)),
);
const anyFrame = fc.record({
  isBinary: fc.boolean(),
  payload: anyPayload.map((bytes) => Buffer.from(bytes)),
});

describe('MessageReader', () => {
  it.each([true, false])('parts binary messages from all else under any chunking (masked: %s)', (masked) => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 6 }), fc.infiniteStream(fc.nat()), (frames, dice) => {
        const encoded = frames.map(({ isBinary, payload }) => {
          const first = fin | (isBinary ? 2 : 1);
          return { isBinary, payload, bytes: encode({ first, payload, masked }) };
        });
        const all = Buffer.concat(encoded.map(({ bytes }) => bytes));
        const cuts = [...dice.take(10)].map((die) => die % (all.length + 1));
        const { binary, library } = read(all, cuts, masked);
        const mine = encoded.filter(({ isBinary }) => isBinary).map(({ payload }) => payload);
        const others = encoded.filter(({ isBinary }) => !isBinary).map(({ bytes }) => bytes);
        return binary.equals(Buffer.concat(mine)) && library.equals(Buffer.concat(others));
      }),
      { numRuns: 300 },
    );
  });

  const payload = Buffer.from('payload');
  const binaryFrame = encode({ first: fin | 2, payload, masked: false });
  it.each([
    ['a ping', encode({ first: fin | 9, payload, masked: false })],
    ['a close', encode({ first: fin | 8, payload: Buffer.from([3, 232]), masked: false })],
    ['text', encode({ first: fin | 1, payload, masked: false })],
    ['a reserved bit', encode({ first: fin | 0x40 | 2, payload, masked: false })],
    ['a masked message where none may be', encode({ first: fin | 2, payload, masked: true })],
    ['a control frame without FIN', encode({ first: 9, payload, masked: false })],
  ])('leaves %s to the library and goes on behind it', (_name, frame) => {
    const { binary, library } = read(Buffer.concat([binaryFrame, frame, binaryFrame]), []);
    expect([binary.toString(), library.equals(frame)]).toEqual(['payloadpayload', true]);
  });

  it('leaves a fragmented message to the library whole, and a binary message between its fragments too', () => {
    const first = encode({ first: 2, payload, masked: false });
    const last = encode({ first: fin, payload, masked: false });
    const ping = encode({ first: fin | 9, payload, masked: false });
    const { binary, library } = read(Buffer.concat([first, ping, binaryFrame, last, binaryFrame]), []);
    expect(binary.toString()).toBe('payload');
    expect(library.equals(Buffer.concat([first, ping, binaryFrame, last]))).toBe(true);
  });

  it.each([100_001, 2 ** 32, 2 ** 53])(
    'leaves everything to the library from a message of %i bytes on',
    (length) => {
      const tooLong = encode({ first: fin | 2, payload, masked: false }, length);
      const all = Buffer.concat([binaryFrame, tooLong, binaryFrame]);
      const { binary, library } = read(all, [3, 20]);
      expect(binary.toString()).toBe('payload');
      expect(library.equals(all.subarray(binaryFrame.length))).toBe(true);
    },
  );

  it('hands on payload before its message is whole, and keeps none of it', () => {
    const seen: number[] = [];
    const options = {
      masked: false,
      maxLength: 100_000,
      binary: (octets: Buffer) => seen.push(octets.length),
    };
    const reader = new MessageReader(options, () => undefined);
    const frame = encode({ first: fin | 2, payload: Buffer.alloc(50_000), masked: false });
    reader.push(frame.subarray(0, 1004));
    expect(seen).toEqual([1000]);
    reader.push(frame.subarray(1004));
    expect(seen).toEqual([1000, 49_000]);
  });

  it('drops what arrives once it has been stopped, also in the middle of a chunk', () => {
    const seen: string[] = [];
    const binary = (octets: Buffer): void => {
      seen.push(octets.toString());
      reader.stop();
    };
    const reader = new MessageReader({ masked: false, maxLength: 1000, binary }, () => seen.push('library'));
    reader.push(
      Buffer.concat([binaryFrame, binaryFrame, encode({ first: fin | 9, payload, masked: false })]),
    );
    reader.push(binaryFrame);
    expect(seen).toEqual(['payload']);
  });
});
