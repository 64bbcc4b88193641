// What a hostile service, readers that go, and disks that lie can do to blobs at the relay.
import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { problem } from '../../testing/api-world.ts';
import type { ApiAnswer, ApiWorld } from '../../testing/api-world.ts';
import type { DeviceCall } from '../../testing/device-service.ts';
import {
  blob,
  cacheSettled,
  content,
  digest,
  getBlob,
  length,
  startBlobWorld,
  uploaded,
} from '../../testing/blob-world.ts';
import { segmentLength } from './segment-file.ts';

let world: ApiWorld;

beforeEach(async () => {
  world = await startBlobWorld();
});

afterEach(() => world.stop());

const get = (range?: string): Promise<ApiAnswer> => getBlob(world, range);

describe('what a hostile service can do', () => {
  it('touches no other service’s blobs, though they have the same id', async () => {
    const { name } = world.service;
    await get();
    await cacheSettled(world);
    const other = randomBytes(100);
    world.react = (call) => {
      call.beginBlob({ v: 1, ok: true, length: other.length });
      call.stream.write(other.subarray(call.blob.from, call.blob.to ?? 100));
      call.stream.end();
    };
    await world.addService();
    expect((await get()).body.equals(other)).toBe(true);
    const authorization = `Bearer ${world.issuer.token()}`;
    const mine = await world.send({ path: `/s/${name}/blobs/${blob}`, headers: { authorization } });
    expect(digest(mine.body)).toBe(digest(content));
  });

  it.each([
    [
      'sends less than it said',
      (call: DeviceCall) => {
        call.stream.write(content.subarray(0, 100));
        call.stream.end();
      },
    ],
    [
      'resets in the middle',
      (call: DeviceCall) => {
        call.stream.write(content.subarray(0, 2 * segmentLength));
        setTimeout(() => call.stream.reset(), 100);
      },
    ],
    [
      'sends more than it said',
      (call: DeviceCall) => {
        call.stream.write(Buffer.concat([content, Buffer.alloc(10)]));
        call.stream.end();
      },
    ],
  ])('%s: the answer is refused or breaks, and is never taken for whole', async (_name, send) => {
    world.react = (call) => {
      call.beginBlob({ v: 1, ok: true, length });
      if (call.blob.to === 0) call.stream.end();
      else send(call);
    };
    const outcome = await get().then(
      ({ status, body }) => (status === 200 ? digest(body) : status),
      () => 'broken',
    );
    expect([502, 'broken', digest(content)]).toContain(outcome);
  });

  it('says another length later: the download ends, and the next one is of one piece', async () => {
    await get('bytes=0-9');
    const shorter = content.subarray(0, 2 * segmentLength);
    world.react = (call) => {
      call.beginBlob({ v: 1, ok: true, length: shorter.length });
      call.stream.write(Buffer.from(shorter.subarray(call.blob.from, call.blob.to ?? shorter.length)));
      call.stream.end();
    };
    await expect(get().then(({ status }) => Promise.reject(new Error(String(status))))).rejects.toThrow();
    expect(digest((await get()).body)).toBe(digest(shorter));
  });

  it('says nothing: the reader is told in time', async () => {
    await world.restart({ headerTimeoutMs: 200 });
    world.react = () => undefined;
    expect((await get()).status).toBeGreaterThanOrEqual(502);
    world.react = (call) => {
      call.beginBlob({ v: 1, ok: true, length });
      if (call.blob.to === 0) call.stream.end();
    };
    expect(problem(await get())).toEqual([504, 'timeout']);
  });
});

describe('readers that go, and disks that lie', () => {
  it('ends the upload when the last reader has gone, and not before', async () => {
    world.react = (call) => {
      call.beginBlob({ v: 1, ok: true, length });
      if (call.blob.to === 0) call.stream.end();
    };
    const authorization = `Bearer ${world.issuer.token()}`;
    const text = `GET /s/${world.service.name}/blobs/${blob} HTTP/1.1\r\nhost: ${world.test.url.host}\r\nauthorization: ${authorization}\r\n\r\n`;
    const [one, two] = [world.dial(text), world.dial(text)];
    await expect.poll(() => world.calls.filter((call) => call.blob.to !== 0).length).toBe(1);
    const upload = world.calls.find((call) => call.blob.to !== 0)!;
    await new Promise((resolve) => setTimeout(resolve, 100));
    one.socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(upload.stream.state).not.toBe('closed');
    two.socket.destroy();
    expect(await upload.closed).toMatchObject({ code: 'stream_reset' });
  });

  it('stops the upload while the reader does not read', async () => {
    const authorization = `Bearer ${world.issuer.token()}`;
    const huge = 64 * segmentLength;
    const piece = Buffer.alloc(segmentLength);
    world.react = (call) => {
      call.beginBlob({ v: 1, ok: true, length: huge });
      if (call.blob.to !== 0) for (let index = 0; index < 64; index += 1) call.stream.write(piece);
      call.stream.end();
    };
    const { socket } = world.dial(
      `GET /s/${world.service.name}/blobs/${blob} HTTP/1.1\r\nhost: ${world.test.url.host}\r\nauthorization: ${authorization}\r\n\r\n`,
    );
    socket.pause();
    await expect.poll(() => world.calls.some((call) => call.blob.to !== 0)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 700));
    const upload = world.calls.find((call) => call.blob.to !== 0)!;
    expect(upload.stream.queuedBytes).toBeGreaterThan(32 * segmentLength);
    socket.destroy();
    await upload.closed;
  });

  it('fetches again what was changed on the disk', async () => {
    await get();
    await cacheSettled(world);
    const folder = join(world.test.folder, 'blobs');
    for (const name of await readdir(folder)) {
      const bytes = await readFile(join(folder, name));
      bytes.writeUInt8(bytes.readUInt8(600) ^ 0xff, 600);
      await writeFile(join(folder, name), bytes);
    }
    expect(digest((await get()).body)).toBe(digest(content));
    expect(uploaded(world)).toBe(2 * length);
  });
});
