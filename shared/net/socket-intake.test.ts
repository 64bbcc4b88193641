// The direct way must be invisible: the same bytes in the same order, whatever was read before it began, and a slice
// that somebody keeps never changes.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SocketIntake, takeDirectly } from './socket-intake.ts';

let server: Server;
beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.close();
});

/** A connected pair; `near` is the one that has dialled, and reads by an intake, or the one that was accepted. */
async function pair(kind: 'dialled' | 'accepted'): Promise<{ near: Socket; far: Socket }> {
  const intake = new SocketIntake();
  const { port } = server.address() as AddressInfo;
  const dialled = connect({ host: '127.0.0.1', port, ...(kind === 'dialled' && { onread: intake.onread }) });
  if (kind === 'dialled') intake.attach(dialled);
  const [accepted] = (await once(server, 'connection')) as [Socket];
  return kind === 'dialled' ? { near: dialled, far: accepted } : { near: accepted, far: dialled };
}

function collect(near: Socket): { bytes: () => Buffer; pieces: Buffer[]; ended: Promise<unknown> } {
  const pieces: Buffer[] = [];
  near.on('data', (chunk: Buffer) => pieces.push(chunk));
  return { pieces, bytes: () => Buffer.concat(pieces), ended: once(near, 'end') };
}

describe.each(['dialled', 'accepted'] as const)('a socket that was %s', (kind) => {
  it('emits what it receives until somebody takes it directly, and loses nothing in between', async () => {
    const { near, far } = await pair(kind);
    const { pieces, bytes, ended } = collect(near);
    const sent = randomBytes(3 * 1024 * 1024);
    far.write(sent.subarray(0, 1000));
    await once(near, 'data');
    takeDirectly(near, (chunk) => pieces.push(chunk));
    far.end(sent.subarray(1000));
    await ended;
    expect(bytes().equals(sent)).toBe(true);
  });

  it('keeps the order where bytes still wait in the socket when the direct way begins', async () => {
    const { near, far } = await pair(kind);
    far.write('first ');
    await once(near, 'readable');
    const pieces: string[] = [];
    takeDirectly(near, (chunk) => pieces.push(chunk.toString()));
    const second = new Promise((resolve) => setTimeout(resolve, 50));
    far.end('second');
    await second;
    near.on('data', (chunk: Buffer) => pieces.push(chunk.toString()));
    await once(near, 'end');
    expect(pieces.join('')).toBe('first second');
  });

  it('hands on directly, without an event, what comes while it flows', async () => {
    const { near, far } = await pair(kind);
    let events = 0;
    near.on('data', () => (events += 1));
    const taken = new Promise<string>((resolve) => {
      takeDirectly(near, (chunk) => {
        resolve(chunk.toString());
      });
    });
    far.write('past the Readable');
    expect(await taken).toBe('past the Readable');
    expect(events).toBe(0);
    near.destroy();
    far.destroy();
  });

  it('goes the ordinary way while it is paused, and goes on when it is resumed', async () => {
    const { near, far } = await pair(kind);
    const pieces: Buffer[] = [];
    near.on('data', (chunk: Buffer) => pieces.push(chunk));
    takeDirectly(near, (chunk) => pieces.push(chunk));
    const sent = randomBytes(4 * 1024 * 1024);
    const ended = once(near, 'end');
    far.end(sent);
    for (let i = 0; i < 5; i += 1) {
      near.pause();
      await new Promise((resolve) => setTimeout(resolve, 10));
      near.resume();
      await new Promise(setImmediate);
    }
    await ended;
    expect(Buffer.concat(pieces).equals(sent)).toBe(true);
  });

  it('never writes into a slice that it has handed on', async () => {
    const { near, far } = await pair(kind);
    const kept: Buffer[] = [];
    near.on('data', () => undefined);
    takeDirectly(near, (chunk) => kept.push(chunk));
    const ended = once(near, 'end');
    const sent = randomBytes(2 * 1024 * 1024);
    for (let at = 0; at < sent.length; at += 40_000) {
      far.write(sent.subarray(at, at + 40_000));
      await new Promise(setImmediate);
    }
    far.end();
    await ended;
    expect(Buffer.concat(kept).equals(sent)).toBe(true);
  });

  it('stops reading while it is paused', async () => {
    const { near, far } = await pair(kind);
    let taken = 0;
    near.on('data', () => undefined);
    takeDirectly(near, (chunk) => {
      taken += chunk.length;
      near.pause();
    });
    far.write(Buffer.alloc(8 * 1024 * 1024));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(2 * 1024 * 1024);
    near.destroy();
    far.destroy();
  });
});
