// A relay with one service that has one blob, for the tests of blobs: honest until a test says otherwise.
import { createHash, randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ApiWorld } from './api-world.ts';
import type { ApiAnswer } from './api-world.ts';
import type { DeviceCall } from './device-service.ts';
import { segmentLength } from '../relay/blobs/segment-file.ts';

export const blob = 'blob-0123456789-ABCDEFG';
export const length = 3 * segmentLength + 1234;
export const content = randomBytes(length);

export async function startBlobWorld(): Promise<ApiWorld> {
  const world = await ApiWorld.start();
  world.react = serve;
  return world;
}

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

export function getBlob(
  world: ApiWorld,
  range?: string,
  id = blob,
  headers: Record<string, string> = {},
): Promise<ApiAnswer> {
  const authorization = `Bearer ${world.issuer.token()}`;
  const path = `/s/${world.service.name}/blobs/${id}`;
  return world.send({ path, headers: { authorization, range, ...headers } });
}

export const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Bytes that the service was asked for. */
export function uploaded(world: ApiWorld): number {
  return world.calls.reduce((sum, { blob: { from, to } }) => sum + ((to ?? length) - from), 0);
}

/** Resolves once the whole blob lies in the cache. */
export async function cacheSettled(world: ApiWorld): Promise<void> {
  const files = async (): Promise<number> => {
    const names = await readdir(join(world.test.folder, 'blobs'));
    return names.some((name) => name.endsWith('.tmp')) ? -1 : names.length;
  };
  await expect.poll(files).toBe(4);
}
