// Documents between real processes over TLS sessions: published while the service runs, listed, fetched, uploaded,
// resumed after the relay was killed, and kept from whoever is not verified.
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { downloadDocument, uploadDocument } from '../shared/client/index.ts';
import type { Service } from '../shared/client/index.ts';
import { until } from './support/waiting.ts';
import { World } from './support/world.ts';
import type { AccessToken } from './support/world.ts';

const mib = 1024 * 1024;
let world: World;
let anna: AccessToken;
let service: Service;
let folder: string;
beforeAll(async () => {
  world = await World.start();
  anna = await world.accessToken('anna');
  folder = join(world.home.folder, 'published');
  mkdirSync(folder);
  writeFileSync(join(folder, 'a.txt'), 'one');
  service = await world.open({ accessToken: anna.token });
});
afterAll(() => world.close());

function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** `gatehouse call` as anna; `args` as JSON. */
async function call(rpc: string, args: unknown) {
  return world.call(rpc, { tokenFile: anna.file, more: [JSON.stringify(args)] });
}

function asAnna(): readonly string[] {
  return [...world.relayFlags, '--fingerprint', world.fingerprint, '--access-token-file', anna.file];
}

describe('gatehouse service collection', () => {
  it('publishes a folder while the service runs, lists it, and says why one cannot be published', async () => {
    expect(await world.admin('collection', 'list')).toEqual({ collections: [] });
    expect(await world.admin('collection', 'add', 'files', folder, '--allow-upload')).toMatchObject({
      ...{ name: 'files', folder, allowUpload: true },
    });
    await until('the service follows', async () => {
      const { collections } = (await service.call('documents.collections')) as { collections: unknown[] };
      return collections.length === 1;
    });
    expect(await world.admin('collection', 'list')).toMatchObject({
      collections: [{ name: 'files', problem: null }],
    });
    const flags = ['--data', world.data, '--json'];
    const again = await world.home.run('service', 'collection', 'add', 'files', folder, ...flags);
    expect([again.exitCode, again.json.error]).toMatchObject([1, { code: 'collection_exists' }]);
    const data = await world.home.run('service', 'collection', 'add', 'data', world.data, ...flags);
    expect(data.json.error).toMatchObject({ code: 'collection_folder_invalid' });
  });
});

describe('gatehouse call', () => {
  it('lists, and fetches a document into a pipe, byte for byte', async () => {
    const listed = await call('documents.list', { collection: 'files' });
    expect(listed.json.result).toMatchObject({ documents: [{ name: 'a.txt', size: 3 }], next: null });
    const args = JSON.stringify({ collection: 'files', name: 'a.txt', inline: true });
    const got = await world.home.run('call', world.serviceId, 'documents.get', args, ...asAnna());
    expect([got.exitCode, got.stdout]).toEqual([0, 'one']);
    expect(got.stderr).toContain('end-to-end encrypted');
  });

  it('answers with a key and a blob that differ from document to document', async () => {
    const got = await call('documents.get', { collection: 'files', name: 'a.txt' });
    expect(got.json.result).toMatchObject({ version: sha256('one'), size: 3, ciphertextLength: 19 });
    const { key } = got.json.result as { key: string };
    expect(Buffer.from(key, 'base64url')).toHaveLength(32);
    const keptBy = (path: string): string => readFileSync(join(world.data, path), 'latin1');
    expect(keptBy('documents/fetches.jsonl')).not.toContain(key);
  });

  it('uploads from stdin', async () => {
    const args = JSON.stringify({ collection: 'files', name: 'up.txt', expected: null });
    const command = ['call', world.serviceId, 'documents.put', args, ...asAnna(), '--json'];
    const ran = await world.home.runWith('from stdin', ...command);
    expect(ran.json.result).toMatchObject({ done: true, version: sha256('from stdin') });
    expect(readFileSync(join(folder, 'up.txt'), 'utf8')).toBe('from stdin');
  });

  it('gets nothing without an access token, although the service asks for none', async () => {
    const ran = await world.call('documents.list', {
      more: [JSON.stringify({ collection: 'files' }), '--json'],
    });
    expect([ran.exitCode, ran.json.error]).toMatchObject([4, { code: 'access_token_required' }]);
  });
});

describe('the client library', () => {
  it('downloads and uploads whole documents', async () => {
    const content = randomBytes(3 * mib + 17);
    const { version } = await uploadDocument(service, { collection: 'files', name: 'b.bin' }, null, content);
    expect(version).toBe(sha256(content));
    const download = await downloadDocument(service, { collection: 'files', name: 'b.bin' });
    const parts: Buffer[] = [];
    for await (const part of download.content) parts.push(part);
    expect(Buffer.concat(parts).equals(content)).toBe(true);
    await expect(
      uploadDocument(service, { collection: 'files', name: 'b.bin' }, sha256('x'), Buffer.from('lost')),
    ).rejects.toMatchObject({ code: 'document_conflict' });
    expect(sha256(readFileSync(join(folder, 'b.bin')))).toBe(version);
  });

  it('goes on where it was after the relay was killed', async () => {
    const content = randomBytes(64 * mib);
    writeFileSync(join(folder, 'large.bin'), content);
    const download = await downloadDocument(service, { collection: 'files', name: 'large.bin' });
    const hash = createHash('sha256');
    let received = 0;
    let pulled: Promise<void> | null = null;
    for await (const part of download.content) {
      hash.update(part);
      received += part.length;
      if (received > 8 * mib) pulled ??= world.relay.end('SIGKILL').then(() => world.restartRelay());
    }
    await pulled;
    expect(received).toBe(content.length);
    expect(hash.digest('hex')).toBe(download.version);
    const rows = world.rows().filter((row) => row.rpc_name === 'documents.get');
    expect(rows.some(({ status }) => status === 'CANCELLED')).toBe(true);
  });
});

describe('the data folder', () => {
  it('keeps blobs, keys and the log for its owner alone, and no plaintext', () => {
    for (const path of ['collections.json', 'documents/fetches.jsonl']) {
      expect(statSync(join(world.data, path)).mode & 0o777).toBe(0o600);
    }
  });
});

it('a collection that is removed is gone within a second, with its keys; its files stay', async () => {
  expect(await world.admin('collection', 'remove', 'files')).toMatchObject({ name: 'files', folder });
  await until('the service follows', async () => {
    const { json } = await call('documents.list', { collection: 'files' });
    return (json.error as { code?: string } | undefined)?.code === 'collection_unknown';
  });
  await until(
    'its versions are forgotten',
    () => readdirSync(join(world.data, 'documents/blobs')).length === 0,
  );
  expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('one');
  const flags = ['--data', world.data, '--json'];
  const again = await world.home.run('service', 'collection', 'remove', 'files', ...flags);
  expect(again.json.error).toMatchObject({ code: 'collection_unknown' });
});
