// Encrypted documents through the relay: ranges, one upload for many readers, the cache, and what a hostile service,
// client or disk can do to it.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiWorld, page, problem } from '../../testing/api-world.ts';
import type { ApiAnswer } from '../../testing/api-world.ts';
import type { DeviceCall } from '../../testing/device-service.ts';
import { startTestRelay } from '../../testing/relay-peers.ts';
import { segmentLength } from './segment-file.ts';

const blob = 'blob-0123456789-ABCDEFG';
const length = 3 * segmentLength + 1234;
const content = randomBytes(length);

let world: ApiWorld;

beforeEach(async () => {
  world = await ApiWorld.start();
  world.react = serve;
});

afterEach(() => world.stop());

/** As a service does it. */
function serve(call: DeviceCall): void {
  const { from, to } = call.blob;
  if (call.blob.blob !== blob) {
    call.beginBlob({ v: 1, ok: false, code: 'blob_unknown' });
    call.stream.end();
    return;
  }
  call.beginBlob({ v: 1, ok: true, length });
  const bytes = content.subarray(from, to ?? length);
  for (let at = 0; at < bytes.length; at += 65_536)
    call.stream.write(Buffer.from(bytes.subarray(at, at + 65_536)));
  call.stream.end();
}

function get(range?: string, id = blob, headers: Record<string, string> = {}): Promise<ApiAnswer> {
  const authorization = `Bearer ${world.issuer.token()}`;
  const path = `/s/${world.service.name}/blobs/${id}`;
  return world.send({ path, headers: { authorization, range, ...headers } });
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
/** Bytes that the service was asked for. */
const uploaded = (): number => {
  return world.calls.reduce((sum, { blob: { from, to } }) => sum + ((to ?? length) - from), 0);
};

async function cacheSettled(): Promise<void> {
  const files = async (): Promise<number> => {
    const names = await readdir(join(world.test.folder, 'blobs'));
    return names.some((name) => name.endsWith('.tmp')) ? -1 : names.length;
  };
  await expect.poll(files).toBe(4);
}

describe('a blob', () => {
  it('comes whole, and from the cache the second time', async () => {
    const first = await get();
    expect([first.status, digest(first.body)]).toEqual([200, digest(content)]);
    expect(first.headers).toMatchObject({
      'accept-ranges': 'bytes',
      etag: `"${blob}"`,
      'cache-control': 'no-store',
    });
    await cacheSettled();
    const before = uploaded();
    expect(digest((await get()).body)).toBe(digest(content));
    expect([before, uploaded()]).toEqual([length, length]);
    expect(world.calls[0]!.header).toEqual({
      v: 1,
      kind: 'blob',
      serviceId: world.service.name,
      clientId: 'anna',
    });
  });

  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=100-199', 100, 200],
    [`bytes=${segmentLength - 1}-${segmentLength}`, segmentLength - 1, segmentLength + 1],
    [`bytes=${2 * segmentLength + 5}-`, 2 * segmentLength + 5, length],
    ['bytes=-10', length - 10, length],
    [`bytes=${length - 1}-999999999`, length - 1, length],
  ])('comes in part: %s', async (range, from, to) => {
    for (const _ of ['cold', 'cached']) {
      const { status, headers, body } = await get(range);
      expect([status, headers['content-range']]).toEqual([206, `bytes ${from}-${to - 1}/${length}`]);
      expect(body.equals(content.subarray(from, to))).toBe(true);
    }
  });

  it.each(['bytes=99999999-', 'bytes=5-1', 'bytes=0-0,2-3', 'bytes=-0', 'bytes=a-b'])(
    'has no range %s',
    async (range) => {
      const answer = await get(range);
      expect(problem(answer)).toEqual([416, 'range_invalid']);
    },
  );

  it('tells its length where a range is outside of it', async () => {
    expect((await get('bytes=99999999-')).headers['content-range']).toBe(`bytes */${length}`);
  });

  it('comes whole where the client began with another one', async () => {
    expect((await get('bytes=0-9', blob, { 'if-range': '"other"' })).status).toBe(200);
    expect((await get('bytes=0-9', blob, { 'if-range': `"${blob}"` })).status).toBe(206);
  });

  it('is resumed from where it broke off, and loads nothing twice', async () => {
    const half = 2 * segmentLength;
    const first = await get(`bytes=0-${half - 1}`);
    const rest = await get(`bytes=${half}-`);
    expect(digest(Buffer.concat([first.body, rest.body]))).toBe(digest(content));
    expect(uploaded()).toBe(length);
  });

  it('is loaded once for many who read it at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => get()));
    expect(new Set(answers.map(({ body }) => digest(body)))).toEqual(new Set([digest(content)]));
    expect(uploaded()).toBe(length);
  });

  it('stays readable from the cache when the service has gone, also after a restart of the relay', async () => {
    await get();
    await cacheSettled();
    const { name } = world.service;
    const { folder } = world.test;
    await world.test.relay.stop();
    const oidc = { issuer: world.issuer.url, audience: world.issuer.audience };
    world.test = await startTestRelay({ oidc, dataFolder: folder });
    const authorization = `Bearer ${world.issuer.token('ben')}`;
    const { body } = await world.send({ path: `/s/${name}/blobs/${blob}`, headers: { authorization } });
    expect(digest(body)).toBe(digest(content));
  });

  it('comes without any cache', async () => {
    await world.restart({}, { blobCacheBytes: 0 });
    for (const _ of [1, 2]) expect(digest((await get()).body)).toBe(digest(content));
    expect(uploaded()).toBe(2 * length);
  });

  it('larger than the cache comes whole, and the cache stays within its size', async () => {
    await world.restart({}, { blobCacheBytes: 2 * segmentLength + 100 });
    for (const _ of [1, 2]) expect(digest((await get()).body)).toBe(digest(content));
    const files = async (): Promise<number> => (await readdir(join(world.test.folder, 'blobs'))).length;
    await expect.poll(files).toBeLessThanOrEqual(2);
  });
});

describe('who gets one', () => {
  it('needs a token, and no page but a named one reads it', async () => {
    expect(problem(await get(undefined, blob, { authorization: '' }))).toEqual([401, 'oidc_token_rejected']);
    expect(problem(await get(undefined, blob, { origin: 'https://evil.example' }))).toEqual([
      403,
      'not_authorised',
    ]);
    const answer = await get('bytes=0-9', blob, { origin: page });
    expect(answer.headers['access-control-expose-headers']).toContain('content-range');
    expect(answer.headers['access-control-allow-origin']).toBe(page);
  });

  it.each([
    '../../../../etc/passwd',
    '..%2f..%2f..%2f..%2fetc%2fpasswd',
    '%2e%2e/',
    'short',
    'a'.repeat(65),
    `${blob}/`,
    `${blob}%00`,
    `${blob}\\x`,
    'aaaaaaaaaaaaaaaaaaaaa.aaaaaaa',
  ])('finds nothing at %s', async (id) => {
    expect(problem(await get(undefined, id))).toEqual([404, 'usage']);
    expect(world.calls).toHaveLength(0);
  });

  it('gets nothing of one that the service does not know', async () => {
    expect(problem(await get(undefined, 'unknown-0123456789-ABC'))).toEqual([404, 'blob_unknown']);
  });

  it('reads only so many at once', async () => {
    await world.restart({ maxBufferedBytesPerUser: 7 * segmentLength });
    world.react = () => undefined;
    const held = [get(), get()];
    await expect.poll(() => world.calls.length).toBeGreaterThan(0);
    expect(problem(await get())).toEqual([429, 'limit_exceeded']);
    for (const { stream } of world.calls) stream.reset();
    await Promise.all(held.map((each) => each.catch(() => undefined)));
  });
});

describe('what a hostile service can do', () => {
  it('touches no other service’s blobs, though they have the same id', async () => {
    const { name } = world.service;
    await get();
    await cacheSettled();
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
    await cacheSettled();
    const folder = join(world.test.folder, 'blobs');
    for (const name of await readdir(folder)) {
      const bytes = await readFile(join(folder, name));
      bytes.writeUInt8(bytes.readUInt8(600) ^ 0xff, 600);
      await writeFile(join(folder, name), bytes);
    }
    expect(digest((await get()).body)).toBe(digest(content));
    expect(uploaded()).toBe(2 * length);
  });
});
