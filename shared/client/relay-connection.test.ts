// The way to the relay: what it is told, what it may say, dialling again, and leaving nothing behind.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { asGatehouseError } from '../contracts/errors.ts';
import { scriptedServiceId as id, startScriptedService } from '../testing/scripted-service.ts';
import { codeOf, inWorld, scriptedToken, scriptedTokenText } from '../testing/scripted-world.ts';
import { listOnlineServices, login, type LoginOptions } from './index.ts';

async function withServer(
  answer: (server: Server) => void,
  test: (relay: string) => Promise<void>,
): Promise<void> {
  const server = createServer();
  answer(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await test(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** What keeps a process alive, by kind. */
function countHandles(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

describe('login', () => {
  it.each<[string, LoginOptions, string]>([
    ['a URL that is none', { relay: 'relay' }, 'usage'],
    ['plain ws:// to another machine', { relay: 'ws://relay.example' }, 'usage'],
    ['a token in the URL', { relay: 'wss://token@relay.example' }, 'usage'],
    ['a token with a line break', { relay: 'ws://127.0.0.1:1', relayToken: 'a\r\nx: y' }, 'usage'],
    ['an empty token', { relay: 'ws://127.0.0.1:1', relayToken: ' ' }, 'usage'],
    ['an endless token', { relay: 'ws://127.0.0.1:1', relayToken: 'x'.repeat(513) }, 'usage'],
    [
      'a default that does not exist',
      { relay: 'ws://127.0.0.1:1', useE2eeDefault: 'maybe' as 'never' },
      'usage',
    ],
    ['a time-out that is none', { relay: 'ws://127.0.0.1:1', timeouts: { callMs: Number.NaN } }, 'usage'],
    ['a list of no requests', { relay: 'ws://127.0.0.1:1', requestLimit: 0 }, 'usage'],
    ['nobody there', { relay: 'ws://127.0.0.1:1' }, 'relay_unreachable'],
  ])('with %s is refused', async (_what, options, code) => {
    expect(await codeOf(login(options))).toBe(code);
  });

  it('with a wrong relay token is not authorised, and the error does not hold it', async () => {
    const peer = await startScriptedService({ relayToken: 'right' });
    const error = await login({ relay: peer.url, relayToken: 'wr0ng-t0ken' }).catch(asGatehouseError);
    await peer.close();
    expect(error).toMatchObject({ code: 'not_authorised' });
    expect(JSON.stringify(error)).not.toContain('wr0ng');
  });

  it.each<[string, (server: Server) => void, string]>([
    [
      'is no relay',
      (server) => server.on('request', (_request, response) => response.end('hi')),
      'relay_unreachable',
    ],
    ['never answers', () => undefined, 'relay_unreachable'],
    [
      'claims a verdict of ours',
      (server) => {
        const body = JSON.stringify({ error: { code: 'fingerprint_mismatch', message: 'Paste this one.' } });
        server.on('upgrade', (_request, socket) => {
          socket.end(
            `HTTP/1.1 403 Forbidden\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
          );
        });
      },
      'relay_protocol',
    ],
  ])('at something that %s says so', async (_what, answer, code) => {
    const listening = (server: Server): void => {
      if (answer.length > 0) answer(server);
      else server.on('upgrade', () => undefined);
    };
    await withServer(listening, async (relay) => {
      expect(await codeOf(login({ relay, timeouts: { connectMs: 300 } }))).toBe(code);
    });
  });
});

describe('a stream that the relay refuses', () => {
  it.each([
    ['service_offline', 'service_offline'],
    ['not_authorised', 'not_authorised'],
    ['limit_exceeded', 'limit_exceeded'],
    ['fingerprint_mismatch', 'relay_protocol'],
    ['access_token_rejected', 'relay_protocol'],
    ['service_not_verified', 'relay_protocol'],
    ['no such code', 'relay_protocol'],
  ])('with %s is %s', async (claimed, code) => {
    const message = 'It says \u001b]0;so\u0007.';
    await inWorld(
      { answerStream: () => ({ code: claimed as 'usage', message }) },
      {},
      async ({ peer, client }) => {
        const credentials = { e2eeFingerprint: peer.fingerprint };
        const error = await client.serviceCloud(id, credentials).catch(asGatehouseError);
        expect(error).toMatchObject({ code });
        expect((error as Error).message).not.toMatch(/\p{Cc}/u);
      },
    );
  });

  it('with silence is a time-out', async () => {
    await inWorld(
      { answerStream: () => 'silence' },
      { timeouts: { handshakeMs: 200 } },
      async ({ client }) => {
        expect(await codeOf(client.serviceCloud(id))).toBe('timeout');
      },
    );
  });
});

describe('the connection', () => {
  it('is dialled again, once for all calls that want it, and the names follow', async () => {
    await inWorld({ clientId: 'anna\u0007', domain: 'PROD' }, {}, async ({ peer, client }) => {
      expect([client.clientId, client.domainName]).toEqual(['anna\ufffd', 'PROD']);
      const service = await client.serviceCloud(id, { e2eeFingerprint: peer.fingerprint });
      peer.cut();
      await expect.poll(() => codeOf(service.call('ping'))).toBe('resolved');
      expect(peer.seen.dials).toBe(2);
    });
  });

  it('that cannot be had again is one failed attempt a call', async () => {
    await inWorld({}, {}, async ({ peer, client }) => {
      const service = await client.serviceCloud(id, { e2eeFingerprint: peer.fingerprint });
      await peer.close();
      await expect.poll(() => codeOf(service.call('ping'))).toBe('relay_unreachable');
      expect(await codeOf(client.serviceCloud(id))).toBe('relay_unreachable');
    });
  });

  it('is closed when close() has resolved, not some time after', async () => {
    await inWorld({}, {}, async ({ client }) => {
      const before = countHandles().get('TCPSocketWrap') ?? 0;
      await client.close();
      expect(countHandles().get('TCPSocketWrap') ?? 0).toBeLessThan(before);
    });
  });

  it('leaves no handle of the process behind', async () => {
    const before = countHandles();
    for (const useH2WhenAvailable of [true, false]) {
      await inWorld({ token: scriptedToken }, { useH2WhenAvailable }, async ({ peer, client }) => {
        const credentials = { e2eeFingerprint: peer.fingerprint, accessToken: scriptedTokenText };
        const service = await client.serviceCloud(id, credentials);
        await Promise.all([service.call('ping'), service.call('echo', 1)]);
        await codeOf(client.serviceCloud(id, { e2eeFingerprint: 'ab'.repeat(32) }));
        await codeOf(service.call('echo', 1, { signal: AbortSignal.abort() }));
      });
    }
    const added = (): string[] =>
      [...countHandles()].filter(([kind, count]) => count > (before.get(kind) ?? 0)).map(String);
    await expect.poll(added, { timeout: 3000 }).toEqual([]);
  });
});

describe('listing the services that are online', () => {
  const services = [{ serviceId: id, since: '2030-01-01T00:00:00.000Z' }];
  const answering =
    (status: number, body: string) =>
    (server: Server): void => {
      server.on('request', (request, response) => {
        const isAsked = request.url === '/v1/services' && request.headers.authorization === 'Bearer t';
        response.writeHead(isAsked ? status : 404).end(body);
      });
    };

  it.each([
    ['a list', 200, JSON.stringify({ domain: 'PROD', services }), 'resolved'],
    [
      'a refusal',
      401,
      JSON.stringify({ error: { code: 'not_authorised', message: 'No.' } }),
      'not_authorised',
    ],
    ['a refusal without a reason', 403, '', 'not_authorised'],
    ['another page', 404, '<html>', 'relay_unreachable'],
    ['no JSON', 200, '<html>', 'relay_protocol'],
    ['another form', 200, '{"services":[{}]}', 'relay_protocol'],
    ['too much', 200, 'x'.repeat(5 * 1024 * 1024), 'relay_protocol'],
  ])('takes %s', async (_what, status, body, code) => {
    await withServer(answering(status, body), async (relay) => {
      const listed = listOnlineServices({ relay, relayToken: 't' });
      expect(await codeOf(listed)).toBe(code);
      if (code === 'resolved') expect(await listed).toEqual({ domain: 'PROD', services });
    });
  });
});
