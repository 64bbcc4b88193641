// Encrypted documents through the relay: ranges, one upload for many readers, the cache, and who gets one.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { page, problem } from '../../testing/api-world.ts';
import type { ApiAnswer, ApiWorld } from '../../testing/api-world.ts';
import { startTestRelay } from '../../testing/relay-peers.ts';
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

const get = (range?: string, id = blob, headers: Record<string, string> = {}): Promise<ApiAnswer> =>
  getBlob(world, range, id, headers);

describe('a blob', () => {
  it('comes whole, and from the cache the second time', async () => {
    const first = await get();
    expect([first.status, digest(first.body)]).toEqual([200, digest(content)]);
    expect(first.headers).toMatchObject({
      'accept-ranges': 'bytes',
      etag: `"${blob}"`,
      'cache-control': 'no-store',
    });
    await cacheSettled(world);
    const before = uploaded(world);
    expect(digest((await get()).body)).toBe(digest(content));
    expect([before, uploaded(world)]).toEqual([length, length]);
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
    expect(uploaded(world)).toBe(length);
  });

  it('is loaded once for many who read it at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => get()));
    expect(new Set(answers.map(({ body }) => digest(body)))).toEqual(new Set([digest(content)]));
    expect(uploaded(world)).toBe(length);
  });

  it('stays readable from the cache when the service has gone, also after a restart of the relay', async () => {
    await get();
    await cacheSettled(world);
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
    expect(uploaded(world)).toBe(2 * length);
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
