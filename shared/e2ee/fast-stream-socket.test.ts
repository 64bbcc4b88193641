// TLS over a JavaScript stream with writes that finish at once: nothing lost, nothing reordered, nothing
// unbounded, nothing thrown where nobody can catch it. Each in both roles.
import { Duplex, duplexPair } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { TLSSocket, createSecureContext } from 'node:tls';
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { openTunnelPair, type TunnelPair } from '../testing/tunnel-pair.ts';
import { finishWritesAtOnce } from './fast-stream-socket.ts';

const roles = ['client', 'service'] as const;
type Role = (typeof roles)[number];
const opened: TunnelPair[] = [];

afterEach(() => {
  for (const pair of opened.splice(0)) pair.close();
});

async function open(role: Role, streams: readonly [Duplex, Duplex] = duplexPair()) {
  const pair = await openTunnelPair({ streams });
  opened.push(pair);
  const sides = { client: pair.client.socket, service: pair.service };
  const raw = role === 'client' ? pair.near : pair.far;
  return { writer: sides[role], reader: role === 'client' ? sides.service : sides.client, raw };
}

/** Two streams, each of which hands what is written to the other's reader inside the write. */
function synchronousPair(): [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        other().push(chunk);
        done();
      },
      writev: (chunks, done) => {
        for (const { chunk } of chunks) other().push(chunk);
        done();
      },
    });
  const near: Duplex = make(() => far);
  const far: Duplex = make(() => near);
  return [near, far];
}

function closed(stream: Duplex): Promise<unknown> {
  return stream.closed ? Promise.resolve() : new Promise((resolve) => stream.once('close', resolve));
}

/** What arrives until the other end's half is closed; `stream`'s own half stays open. */
async function readToEnd(stream: Duplex): Promise<string> {
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await new Promise((resolve) => stream.once('end', resolve));
  return text;
}

/** Feeds `writer` as fast as it takes it, until it takes no more for a while. Returns the bytes taken. */
async function pourUntilStuck(writer: TLSSocket): Promise<number> {
  const chunk = Buffer.alloc(64 * 1024);
  let taken = 0;
  for (;;) {
    let isDone = false;
    taken += chunk.length;
    writer.write(chunk, () => (isDone = true));
    for (let turn = 0; turn < 20 && !isDone; turn += 1) await sleep(2);
    if (!isDone) return taken;
  }
}

describe.each(roles)('a tunnel written to by its %s', (role) => {
  it('is adapted', async () => {
    const { writer } = await open(role);
    const { _handle } = writer as unknown as { _handle: { _parentWrap: object } };
    expect(Object.hasOwn(_handle._parentWrap, 'doWrite')).toBe(true);
  });

  it('finishes a write before the event loop turns', async () => {
    const { writer, reader } = await open(role);
    reader.resume();
    await nextTurn();
    await nextTurn();
    const order: string[] = [];
    const turned = nextTurn().then(() => order.push('turn'));
    const written = new Promise((resolve) => writer.write('x', resolve)).then(() => order.push('written'));
    await Promise.all([turned, written]);
    expect(order).toEqual(['written', 'turn']);
  });

  it('delivers every byte in order, for any sizes of writes', async () => {
    const sizes = fc.array(fc.oneof(fc.nat(64), fc.nat(200_000)), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(12), async (lengths, pauseAt) => {
        const { writer, reader } = await open(role);
        const chunks = lengths.map((length) => randomBytes(length));
        const received = reader.toArray();
        for (const [index, chunk] of chunks.entries()) {
          writer.write(chunk);
          if (index === pauseAt) await nextTurn();
        }
        writer.end();
        expect(Buffer.concat(await received).equals(Buffer.concat(chunks))).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('loses nothing over a stream that delivers, and is answered, at once', async () => {
    const { writer, reader } = await open(role, synchronousPair());
    reader.on('data', (chunk: Buffer) => reader.write(chunk));
    let echoed = 0;
    let sent = 0;
    const send = (count: number): void => {
      for (let i = 0; i < count && sent < 2000; i += 1, sent += 1) writer.write(Buffer.alloc(100));
    };
    await new Promise<void>((resolve) => {
      writer.on('data', (chunk: Buffer) => {
        const before = Math.floor(echoed / 100);
        echoed += chunk.length;
        send(Math.floor(echoed / 100) - before);
        if (echoed === 200_000) resolve();
      });
      send(64);
    });
    expect(sent).toBe(2000);
  });

  it('holds the writer while the reader is paused, and delivers all when it resumes', async () => {
    const { writer, reader, raw } = await open(role);
    const taken = await pourUntilStuck(writer);
    expect(taken).toBeLessThan(2 * 1024 * 1024);
    expect(raw.writableLength).toBeLessThan(512 * 1024);
    writer.end();
    expect(Buffer.concat(await reader.toArray())).toHaveLength(taken);
  });

  it('half-closes: what the other end sends afterwards still arrives', async () => {
    const { writer, reader } = await open(role);
    const heard = readToEnd(reader);
    writer.end('last words');
    expect(await heard).toBe('last words');
    reader.end('an answer');
    expect(await readToEnd(writer)).toBe('an answer');
    await closed(writer);
  });

  it.each<[string, (writer: TLSSocket, raw: Duplex) => void]>([
    ['the TLS socket is destroyed', (writer) => writer.destroy()],
    ['the TLS socket is destroyed with an error', (writer) => writer.destroy(new Error('gone'))],
    ['the stream below is destroyed', (_writer, raw) => raw.destroy()],
    ['the stream below fails', (_writer, raw) => raw.destroy(new Error('gone'))],
    ['the stream below is ended', (_writer, raw) => raw.end()],
    [
      'both are destroyed',
      (writer, raw) => {
        raw.destroy();
        writer.destroy();
      },
    ],
  ])('ends quietly when %s in mid-write', async (_name, act) => {
    for (const turns of [0, 1, 2]) {
      const { writer, raw } = await open(role);
      const outcomes: unknown[] = [];
      for (let i = 0; i < 8; i += 1) writer.write(randomBytes(100_000), (error) => outcomes.push(error));
      for (let turn = 0; turn < turns; turn += 1) await nextTurn();
      act(writer, raw);
      writer.write('one more', (error) => outcomes.push(error));
      await nextTurn();
      writer.destroy();
      await closed(writer);
      await nextTurn();
      expect(outcomes).toHaveLength(9);
      expect(outcomes.at(-1)).toBeInstanceOf(Error);
    }
  });

  it('reports a stream below whose writes fail', async () => {
    const [near, far] = duplexPair();
    const { writer, raw } = await open(role, [near, far]);
    raw._write = (_chunk, _encoding, done) => {
      done(new Error('cannot write'));
    };
    writer.write('x');
    await closed(writer);
    expect(raw.destroyed).toBe(true);
  });
});

describe('finishWritesAtOnce', () => {
  it('leaves a tunnel over a net.Socket as Node made it', async () => {
    const server = net.createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const raw = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    await new Promise((resolve) => raw.once('connect', resolve));
    const socket = new TLSSocket(raw, { secureContext: createSecureContext() });
    socket.on('error', () => undefined);
    expect(finishWritesAtOnce(socket, raw)).toBe(false);
    raw.destroy();
    server.close();
  });

  it.each<[string, object | null]>([
    ['no handle', null],
    ['no wrap', {}],
    ['a wrap of another stream', { _parentWrap: { stream: {}, _handle: {} } }],
    ['a wrap with other methods', { _parentWrap: { stream: null, _handle: {}, doWrite: () => 0 } }],
  ])('leaves a socket with %s alone', (_name, handle) => {
    const [stream] = duplexPair();
    const wrap = handle as { _parentWrap?: { stream: unknown } } | null;
    if (wrap?._parentWrap?.stream === null) wrap._parentWrap.stream = stream;
    expect(finishWritesAtOnce({ _handle: handle } as unknown as TLSSocket, stream)).toBe(false);
  });

  it('leaves a wrap alone whose state has other names', () => {
    const [stream] = duplexPair();
    const methods = {
      doWrite: (_request: unknown, _buffers: unknown) => 0,
      finishWrite: (_a: unknown, _b: unknown) => 0,
    };
    const wrap = { stream, _handle: {}, [Symbol('kSomethingElse')]: null, ...methods };
    expect(finishWritesAtOnce({ _handle: { _parentWrap: wrap } } as unknown as TLSSocket, stream)).toBe(
      false,
    );
    expect(wrap.doWrite).toBe(methods.doWrite);
  });
});
