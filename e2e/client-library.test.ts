// The client library against the real relay and service: sessions, verification, cancelling, what it keeps a record of.
// Looks at the service's own request log for what really came over.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { login } from '../shared/client/index.ts';
import type { LoggedRow } from './support/request-log.ts';
import { RunningEcho } from './support/running-echo.ts';
import { until, withinASecondMs } from './support/waiting.ts';
import { World } from './support/world.ts';
import type { AccessToken } from './support/world.ts';

let world: World;
let anna: AccessToken;
beforeAll(async () => {
  world = await World.start();
  anna = await world.accessToken('anna');
});
afterAll(() => world.close());

/** Rows of `rpc` that came after the first `before` rows. */
function rowsSince(before: number, rpc: string): LoggedRow[] {
  return world
    .rows()
    .slice(before)
    .filter((row) => row.rpc_name === rpc);
}

describe('a session', () => {
  it('carries many calls at once, and is verified once', async () => {
    const before = world.rows().length;
    const service = await world.open({ accessToken: anna.token });
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_none, at) => service.call('ping', { echo: at })),
    );
    expect(answers.map((answer) => (answer as { echo: number }).echo)).toEqual(Array.from(answers.keys()));
    const rows = rowsSince(before, 'ping');
    expect(rows).toHaveLength(200);
    expect(new Set(rows.map((row) => row.session_id)).size).toBe(1);
    expect(new Set(rows.map((row) => `${row.session_verified} ${row.h2_multiplexing_used}`))).toEqual(
      new Set(['1 1']),
    );
  });

  it('is opened and verified anew for every call where HTTP/2 is switched off', async () => {
    const before = world.rows().length;
    const service = await world.open({ accessToken: anna.token }, { useH2WhenAvailable: false });
    await Promise.all(Array.from({ length: 8 }, () => service.call('ping')));
    const rows = rowsSince(before, 'ping');
    expect(rows).toHaveLength(8);
    expect(new Set(rows.map((row) => row.session_id)).size).toBe(8);
    for (const row of rows) {
      expect(row).toMatchObject({ session_verified: 1, h2_multiplexing_used: 0, token_id: anna.id });
    }
    expect(service.requests.at(-1)).toMatchObject({ h2MultiplexingUsed: false, status: 'SUCCESS' });
  });

  it('is opened anew by itself after the service was gone', async () => {
    const service = await world.open({ accessToken: anna.token });
    await service.call('ping');
    await world.service.end('SIGKILL');
    await expect(service.call('ping')).rejects.toMatchObject({
      code: expect.stringMatching(/^(service_offline|session_ended)$/),
    });
    await world.restartService();
    expect(await service.call('ping')).toMatchObject({ pong: true });
    expect(service.requests.at(-1)?.e2ee.sessionVerified).toBe(true);
  });
});

describe('reload', () => {
  it('recovers a service whose token was revoked, with a new one', async () => {
    const [first, second] = [await world.accessToken('ben'), await world.accessToken('ben')];
    const service = await world.open({ accessToken: first.token });
    const echo = await RunningEcho.start(service);
    await world.admin('token', 'revoke', first.id);
    expect(await echo.end(withinASecondMs)).toBe('access_token_rejected');
    await expect(service.call('ping')).rejects.toMatchObject({ code: 'access_token_rejected' });
    await expect(service.reload()).rejects.toMatchObject({ code: 'access_token_rejected' });
    await service.reload({ e2eeFingerprint: world.fingerprint, accessToken: second.token });
    expect(await service.call('ping')).toMatchObject({ pong: true });
  });

  it('refuses a token without a fingerprint, and leaves the old session as it is', async () => {
    const service = await world.open();
    await expect(service.reload({ accessToken: anna.token })).rejects.toMatchObject({
      code: 'fingerprint_required',
    });
    expect(await service.call('ping')).toMatchObject({ pong: true });
  });
});

describe('a request that is broken off', () => {
  it('by its caller ends as cancelled at both ends', async () => {
    const before = world.rows().length;
    const service = await world.open();
    const aborting = new AbortController();
    const args = { bytes: 1024 ** 3 };
    const { body, request } = await service.stream('chargen', {
      args,
      body: Buffer.alloc(0),
      signal: aborting.signal,
    });
    const failed = new Promise<Error>((resolve) => body.once('error', resolve));
    await until('it runs', () => request.bytesRead > 1024 * 1024 || (body.read(), false));
    aborting.abort();
    expect(await failed).toMatchObject({ code: 'cancelled' });
    expect(request.status).toBe('CANCELLED');
    const row = await until('the service has it on record', () =>
      rowsSince(before, 'chargen').find(({ status }) => status !== 'RUNNING'),
    );
    expect(row).toMatchObject({ status: 'CANCELLED', error_code: 'cancelled' });
    expect(await service.call('ping')).toMatchObject({ pong: true });
  });

  it('by its time-out ends as timeout, and the session is good for the next one', async () => {
    const service = await world.open();
    world.service.signal('SIGSTOP');
    try {
      await expect(service.call('ping', undefined, { timeoutMs: 300 })).rejects.toMatchObject({
        code: 'timeout',
      });
    } finally {
      world.service.signal('SIGCONT');
    }
    expect(service.requests.at(-1)?.status).toBe('TIMED_OUT');
    expect(await service.call('ping')).toMatchObject({ pong: true });
  });
});

describe('the record of requests', () => {
  it('has every request of the client, and those of each service, with how they were protected', async () => {
    const { relayUrl: relay, relayToken, serviceId, fingerprint } = world;
    const client = world.home.keep(await login({ relay, relayToken, requestLimit: 5 }));
    const checked = await client.serviceCloud(serviceId, {
      e2eeFingerprint: fingerprint,
      accessToken: anna.token,
    });
    const unchecked = await client.serviceCloud(serviceId);
    await checked.call('ping');
    await unchecked.call('ping');
    await expect(checked.call('nothing')).rejects.toMatchObject({ code: 'rpc_unknown' });
    expect(checked.requests.map(({ rpcName, status }) => [rpcName, status])).toEqual([
      ['capabilities', 'SUCCESS'],
      ['ping', 'SUCCESS'],
      ['nothing', 'REJECTED'],
    ]);
    expect(client.requests).toHaveLength(5);
    expect(client.requests.at(-1)).toBe(checked.requests.at(-1));
    const [plain] = unchecked.requests;
    expect(plain?.e2ee).toMatchObject({ e2eeUsed: false, plaintextReason: 'capabilities_probe' });
    expect(checked.requests[1]?.e2ee).toMatchObject({
      e2eeUsed: true,
      clientId: 'anna',
      serviceId,
      domainName: 'PROD',
      sha256HashHexdigest: fingerprint,
      tlsVersion: 'TLSv1.3',
      verifiedBy: 'fingerprint',
      sessionVerified: true,
    });
    expect(unchecked.requests.at(-1)?.e2ee).toMatchObject({ verifiedBy: 'none', sessionVerified: false });
  });
});
