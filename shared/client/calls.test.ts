// Calls from the caller's side: arguments, cancelling, closing, and the record that is kept.
import { describe, expect, it } from 'vitest';
import type { Script } from '../testing/script.ts';
import { scriptedServiceId as id } from '../testing/scripted-service.ts';
import { codeOf, inWorld, type World } from '../testing/scripted-world.ts';
import type { LoginOptions, Service } from './index.ts';

const silent: Script = { rpc: ({ rpcName }) => rpcName === 'ping' };

async function withService(
  script: Script,
  options: Partial<LoginOptions>,
  test: (service: Service, world: World) => Promise<void>,
): Promise<void> {
  await inWorld(script, options, async (world) => {
    await test(await world.client.serviceCloud(id, { e2eeFingerprint: world.peer.fingerprint }), world);
  });
}

describe.each([true, false])('a call (HTTP/2: %s)', (useH2WhenAvailable) => {
  const options = { useH2WhenAvailable };

  it('is cancelled by its signal, alone', async () => {
    await withService(silent, options, async (service) => {
      const controller = new AbortController();
      const calls = [service.call('ping', {}, { signal: controller.signal }), service.call('echo', 1)];
      setTimeout(() => {
        controller.abort();
      }, 50);
      expect(await Promise.all(calls.map(codeOf))).toEqual(['cancelled', 'resolved']);
      expect(await codeOf(service.call('ping', {}, { signal: AbortSignal.abort() }))).toBe('cancelled');
      expect(service.requests.find(({ rpcName }) => rpcName === 'ping')?.status).toBe('CANCELLED');
    });
  });

  it('ends when its service or client is closed, and later ones are refused', async () => {
    await withService(silent, options, async (service, { client }) => {
      const running = codeOf(service.call('ping'));
      await expect.poll(() => service.requests.at(-1)?.rpcName).toBe('ping');
      service.close();
      expect(await running).toBe('session_ended');
      expect(await codeOf(service.call('ping'))).toBe('cancelled');
      expect(await codeOf(service.reload())).toBe('cancelled');
      await client.close();
      expect(await codeOf(client.serviceCloud(id))).toBe('cancelled');
    });
  });

  it('carries JSON both ways', async () => {
    await withService({}, options, async (service) => {
      for (const value of [null, 0, '', 'ä€', [], { a: [1, { b: null }] }, 'x'.repeat(100_000)]) {
        expect(await service.call('echo', value)).toEqual(value);
      }
      expect(service.requests.at(-1)).toMatchObject({
        status: 'SUCCESS',
        bytesRead: 100_002,
        bytesWritten: 100_002,
      });
    });
  });

  it.each<[string, string, unknown, string]>([
    ['a name that is no RPC', '../session/verify', undefined, 'usage'],
    ['a name with a line break', 'ping\r\nx: y', undefined, 'usage'],
    ['arguments that are too large', 'echo', 'x'.repeat(1024 * 1024), 'rpc_too_large'],
    ['arguments that are no JSON', 'echo', 1n, 'usage'],
    ['an RPC that does not exist', 'nosuch', undefined, 'rpc_unknown'],
  ])('with %s is refused', async (_what, name, args, code) => {
    await withService({}, options, async (service, { peer }) => {
      const before = peer.seen.http.length;
      expect(await codeOf(service.call(name, args))).toBe(code);
      if (code !== 'rpc_unknown') expect(peer.seen.http).toHaveLength(before);
    });
  });
});

it('the lists of requests are bounded, the newest last', async () => {
  await inWorld({}, { requestLimit: 3 }, async ({ peer, client }) => {
    const service = await client.serviceCloud(id, { e2eeFingerprint: peer.fingerprint });
    for (const value of [1, 2, 3, 4]) await service.call('echo', value);
    await service.call('ping');
    for (const { requests } of [client, service]) {
      expect(requests.map(({ rpcName }) => rpcName)).toEqual(['echo', 'echo', 'ping']);
    }
  });
});
