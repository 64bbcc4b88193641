// The JSON that opens a stream, and every way of getting it wrong. Each wrong header ends its own stream.
import { describe, expect, it, vi } from 'vitest';
import { heldByBuffers } from '../testing/held-memory.ts';
import { frame, RawPeer } from '../testing/raw-peer.ts';
import { StreamRecorder } from '../testing/stream-recorder.ts';
import { encodePrefixed, maxPrefixedLength, readPrefixed } from './prefixed.ts';
import type { Prefixed } from './prefixed.ts';
import type { YamuxStream } from '../wire/stream.ts';

interface Outcome {
  readonly arrived: Prefixed[];
  readonly failures: string[];
}

/** A session whose first stream is read for a header, and another stream beside it. */
function opened(
  timeoutMs = 10_000,
): Outcome & { peer: RawPeer; stream: YamuxStream; send(bytes: Uint8Array): void } {
  const peer = new RawPeer('listener');
  peer.send(frame(1, 1, 1), frame(1, 1, 3));
  const { stream } = peer.opened[0]!;
  const arrived: Prefixed[] = [];
  const failures: string[] = [];
  readPrefixed(stream, timeoutMs, {
    arrived: (prefixed) => {
      arrived.push(prefixed);
      new StreamRecorder(stream);
    },
    failed: (error) => failures.push(error.code),
  });
  return { arrived, failures, peer, stream, send: (bytes) => peer.send(frame(0, 0, 1, bytes)) };
}

function expectOnlyItsStreamEnded(peer: RawPeer): void {
  expect(peer.sentOfStream(1).at(-1)).toMatchObject({ flags: 8 });
  peer.send(frame(0, 0, 3, Buffer.from('alive')));
  expect([peer.closeCode, peer.session.streamCount, peer.opened[1]?.received]).toEqual([undefined, 1, 5]);
}

function prefixed(length: number, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(length >> 8, length & 0xff), body]);
}

const wrong: readonly [string, Buffer, string][] = [
  ['a length of 65535', prefixed(0xffff, Buffer.from('{}')), 'header_too_large'],
  ['a length of 4097', prefixed(4097, Buffer.alloc(0)), 'header_too_large'],
  ['a length of 0', prefixed(0, Buffer.alloc(0)), 'header_malformed'],
  ['no JSON', prefixed(5, Buffer.from('hello')), 'header_malformed'],
  ['half of some JSON', prefixed(3, Buffer.from('{"v')), 'header_malformed'],
  ['JSON and more', prefixed(4, Buffer.from('{}{}')), 'header_malformed'],
  ['a NUL after the JSON', prefixed(3, Buffer.from('{}\0')), 'header_malformed'],
  ['invalid UTF-8', prefixed(4, Buffer.from([0x22, 0xc3, 0x28, 0x22])), 'header_malformed'],
  ['an overlong encoding', prefixed(4, Buffer.from([0x22, 0xc0, 0xaf, 0x22])), 'header_malformed'],
  ['a lone surrogate in UTF-8', prefixed(5, Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])), 'header_malformed'],
  ['UTF-16', prefixed(4, Buffer.from('{}', 'utf16le')), 'header_malformed'],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'header_too_large'],
  ['TLS', Buffer.from('16030100f8010000f40303', 'hex'), 'header_too_large'],
];

describe('readPrefixed', () => {
  it('reads a header that comes whole, with what follows it', () => {
    const { arrived, send, stream } = opened();
    send(Buffer.concat([encodePrefixed({ kind: 'e2ee' }), Buffer.from('rest')]));
    expect(arrived).toEqual([{ json: { kind: 'e2ee' }, rest: Buffer.from('rest') }]);
    expect(stream.state).toBe('open');
  });

  it('reads a header that is cut anywhere', () => {
    const bytes = Buffer.concat([encodePrefixed({ name: 'Zürich' }), Buffer.from('xyz')]);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const { arrived, send, peer } = opened();
      send(bytes.subarray(0, cut));
      send(bytes.subarray(cut));
      expect(arrived[0]?.json).toEqual({ name: 'Zürich' });
      const afterwards = peer.opened[0]!;
      expect(Buffer.from(arrived[0]!.rest).length).toBeLessThanOrEqual(3);
      expect(afterwards.received).toBe(0);
    }
  });

  it('reads a header that comes byte by byte', () => {
    const { arrived, send } = opened();
    for (const byte of encodePrefixed({ v: 1 })) send(Uint8Array.of(byte));
    expect([arrived[0]?.json, arrived[0]?.rest.length]).toEqual([{ v: 1 }, 0]);
  });

  it('takes 4096 bytes and refuses to make or take 4097', () => {
    const text = 'x'.repeat(maxPrefixedLength - 2);
    const { arrived, send } = opened();
    send(encodePrefixed(text));
    expect(arrived[0]?.json).toBe(text);
    expect(() => encodePrefixed(`${text}y`)).toThrow(expect.objectContaining({ code: 'header_too_large' }));
  });

  it('takes more, and less, where it is told a limit of its own', () => {
    const long = 'x'.repeat(9000);
    const { peer, arrived, failures } = opened();
    const second = peer.opened[1]!.stream;
    const handler = {
      arrived: (prefixed: Prefixed) => arrived.push(prefixed),
      failed: (error: { code: string }) => failures.push(error.code),
    };
    readPrefixed(second, 1000, handler, { maxLength: 16_384 });
    peer.send(frame(0, 0, 3, encodePrefixed(long, 16_384)));
    expect(arrived[0]?.json).toBe(long);
    readPrefixed(second, 1000, handler, { maxLength: 8 });
    peer.send(frame(0, 0, 3, encodePrefixed('123456789')));
    expect(failures).toEqual(['header_too_large']);
    expect(() => encodePrefixed(long, 8999)).toThrow(expect.objectContaining({ code: 'header_too_large' }));
  });

  it('reads two pieces that came together, and credits each once', () => {
    const { stream, arrived, send } = opened();
    const consumed = vi.spyOn(stream, 'consumed');
    send(Buffer.concat([encodePrefixed('one'), encodePrefixed('two'), Buffer.from('rest')]));
    const handler = { arrived: (prefixed: Prefixed) => arrived.push(prefixed), failed: () => undefined };
    readPrefixed(stream, 1000, handler, { rest: arrived[0]!.rest });
    expect(arrived[1]).toEqual({ json: 'two', rest: Buffer.from('rest') });
    expect(consumed.mock.calls).toEqual([[7], [7]]);
  });

  it('counts bytes, not characters', () => {
    expect(() => encodePrefixed('é'.repeat(2048))).toThrow(
      expect.objectContaining({ code: 'header_too_large' }),
    );
  });

  it('credits the header to the peer and leaves the rest to the next consumer', () => {
    const { stream, send } = opened();
    const consumed = vi.spyOn(stream, 'consumed');
    const header = encodePrefixed({});
    send(Buffer.concat([header, Buffer.from('rest')]));
    expect(consumed.mock.calls).toEqual([[header.length]]);
  });

  it.each(wrong)('resets a stream that sends %s, and no other', (_name, bytes, code) => {
    const { failures, arrived, send, peer } = opened();
    send(bytes);
    expect([failures, arrived]).toEqual([[code], []]);
    expectOnlyItsStreamEnded(peer);
  });

  it.each(wrong)('resets a stream that sends %s in single bytes', (_name, bytes, code) => {
    const { failures, send, peer } = opened();
    for (const byte of bytes) send(Uint8Array.of(byte));
    expect(failures).toEqual([code]);
    expectOnlyItsStreamEnded(peer);
  });

  it.each([
    ['at once', Buffer.alloc(0)],
    ['within the length', Buffer.of(0)],
    ['within the JSON', prefixed(10, Buffer.from('{"v"'))],
  ])('resets a stream that ends %s', (_name, bytes) => {
    const { failures, peer, send } = opened();
    send(bytes);
    peer.send(frame(1, 4, 1));
    expect(failures).toEqual(['header_malformed']);
    expectOnlyItsStreamEnded(peer);
  });

  it.each([
    ['says nothing', 0],
    ['trickles', 1],
  ])('resets a stream that %s until the time is up', (_name, bytesEachTime) => {
    vi.useFakeTimers();
    try {
      const { failures, send, peer } = opened(1000);
      for (let elapsed = 0; elapsed < 1000; elapsed += 100) {
        expect(failures).toEqual([]);
        send(Buffer.alloc(bytesEachTime, 0x0f));
        vi.advanceTimersByTime(100);
      }
      expect(failures).toEqual(['header_timeout']);
      expectOnlyItsStreamEnded(peer);
    } finally {
      vi.useRealTimers();
    }
  });

  it('says why where the peer or the connection ends first, and leaves no timer', () => {
    vi.useFakeTimers();
    try {
      const byReset = opened();
      byReset.peer.send(frame(1, 8, 1));
      expect(byReset.failures).toEqual(['stream_reset']);
      const byClose = opened();
      byClose.peer.session.close();
      expect(byClose.failures).toEqual(['wire_closed']);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('does not keep large messages alive for the few bytes of unfinished headers', () => {
    const before = heldByBuffers();
    const waiting = Array.from({ length: 64 }, () => {
      const each = opened();
      const message = Buffer.alloc(1024 * 1024);
      frame(0, 0, 1, 1).copy(message);
      each.peer.session.receive(message.subarray(0, 13));
      return each;
    });
    expect(heldByBuffers() - before).toBeLessThan(16 * 1024 * 1024);
    for (const each of waiting) each.peer.session.close();
  });
});
