// How a relay starts and stops: it drains, frees everything, and has its folder to itself.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectClient, connectService, openStream, startTestRelay } from '../testing/relay-peers.ts';
import type { TestRelay } from '../testing/relay-peers.ts';
import { startRelay } from './relay.ts';

let test: TestRelay;

beforeEach(async () => {
  test = await startTestRelay();
});

afterEach(async () => {
  await test.stop();
});

describe('stopping', () => {
  it('lets a running stream finish, refuses new ones, and then frees the port and the folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-relay-'));
    const calm = await startTestRelay({ dataFolder: folder, open: true, limits: { drainMs: 5000 } });
    const busy = await connectService(calm.url);
    const client = await connectClient(calm.url);
    const running = openStream(client, { v: 1, kind: 'e2ee', serviceId: busy.name });
    await running.until(() => running.first !== undefined);
    const stopping = calm.relay.stop();
    await expect(connectClient(calm.url)).rejects.toMatchObject({ code: 'relay_unreachable' });
    running.stream.write(Buffer.from('last words'));
    running.stream.end();
    await running.until(() => running.ended);
    expect(running.bytes.includes('last words')).toBe(true);
    await stopping;
    expect((await client.closed).code).toBe('shutting_down');
    const again = await startRelay({
      dataFolder: folder,
      listen: { host: '127.0.0.1', port: Number(calm.url.port) },
      domain: 'TEST',
    });
    await again.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('leaves no socket, server or timer behind', async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name !== 'Timeout').length;
    const other = await startTestRelay({ open: true });
    const peers = [await connectService(other.url), await connectClient(other.url)];
    await other.stop();
    await Promise.all(peers.map((peer) => peer.closed));
    await expect
      .poll(() => process.getActiveResourcesInfo().filter((name) => name !== 'Timeout').length)
      .toBeLessThanOrEqual(before);
  });

  it('does not start on a folder that a relay runs on', async () => {
    const listen = { host: '127.0.0.1', port: 0 };
    const second = startRelay({ dataFolder: test.folder, listen, domain: 'TEST' });
    await expect(second).rejects.toMatchObject({ code: 'data_folder_in_use' });
  });

  it.each(['', 'a b', 'x'.repeat(65), 'ä'])('does not start with the domain "%s"', async (domain) => {
    const listen = { host: '127.0.0.1', port: 0 };
    await expect(startRelay({ dataFolder: test.folder, listen, domain })).rejects.toMatchObject({
      code: 'usage',
    });
  });
});
