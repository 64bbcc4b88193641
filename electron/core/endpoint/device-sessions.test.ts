// Device sessions with an app that does as it should: requests and their rows, streamed answers, being revoked, and retries
// that make nothing run twice.
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { maxDeviceFrame } from '../../../shared/contracts/device-api.ts';
import { encodePrefixed } from '../../../shared/net/prefixed.ts';
import { MemoryWire } from '../../../shared/testing/memory-wire.ts';
import { TestIssuer } from '../../../shared/testing/oidc-issuer.ts';
import { badRequest } from '../rpc/rpc.ts';
import type { Rpc } from '../rpc/rpc.ts';
import { SampleApp, sampleRequestId } from './device-app-samples.ts';
import { answerOn, codeOf, counting, DeviceWorld, rejections } from './device-samples.ts';
import type { DeviceWorldOptions } from './device-samples.ts';
import { until } from './endpoint-samples.ts';

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

async function makeWorld(options: Partial<DeviceWorldOptions> = {}): Promise<{
  world: DeviceWorld;
  issuer: TestIssuer;
}> {
  const issuer = await TestIssuer.start();
  opened.push({ close: () => issuer.stop() });
  const world = await DeviceWorld.open({ issuer, makeWire, ...options });
  opened.push(world);
  return { world, issuer };
}

const makeWire: DeviceWorldOptions['makeWire'] = (onStream) => {
  const wire = new MemoryWire({ onStream });
  const timer = setInterval(() => wire.settle(), 1);
  return { open: () => wire.dialler.session.open(), close: () => clearInterval(timer) };
};

describe('a device session', () => {
  it('is seen with each request, and not before the first', async () => {
    const { world } = await makeWorld();
    const app = await SampleApp.confirmed(world);
    const session = await app.start();
    const { registry } = world.devices;
    expect(registry.lastSeenAt(app.deviceId)).toBeNull();
    const before = Date.now();
    await app.request(session, 'echo', {});
    expect(registry.lastSeenAt(app.deviceId)).toBeGreaterThanOrEqual(before);
  });

  it('carries requests both ways, on record with its own facts', async () => {
    const { world, issuer } = await makeWorld();
    const app = await SampleApp.confirmed(world);
    const session = await app.start();
    expect(await app.request(session, 'echo', { a: 'ä' })).toEqual({
      payload: { a: 'ä' },
      code: 'ok',
      sealed: true,
    });
    expect(world.log.begun).toMatchObject([
      {
        rpcName: 'echo',
        e2eeUsed: true,
        sessionVerified: true,
        verifiedBy: 'fingerprint',
        cipher: 'AES-256-GCM',
        tlsVersion: null,
        sessionId: session.sessionId,
        remoteUser: 'anna',
        clientId: 'anna',
        device: {
          fingerprint: app.identity.fingerprint,
          issuer: issuer.url,
          subject: 'anna',
          counter: 1,
        },
      },
    ]);
    expect(world.log.finished).toMatchObject([{ status: 'SUCCESS' }]);
  });

  it('tells a handler who calls', async () => {
    const whoami: Rpc = {
      name: 'whoami',
      takesStream: false,
      run: ({ context }) => ({ json: context.caller }),
    };
    const { world } = await makeWorld({ rpcs: [whoami] });
    const app = await SampleApp.confirmed(world);
    const { payload } = await app.request(await app.start(), 'whoami');
    const expected = { kind: 'device', user: 'anna', deviceId: app.deviceId, deviceName: 'Phone' };
    expect(payload).toEqual(expected);
  });

  it('answers errors inside, where the relay can neither read nor forge them', async () => {
    const { world } = await makeWorld();
    const app = await SampleApp.confirmed(world);
    const session = await app.start();
    expect(await app.request(session, 'nothing.like.this')).toEqual({ code: 'rpc_unknown', sealed: true });
    expect(rejections(world)).toEqual(['rpc_unknown']);
  });

  it('streams a long answer, and cuts none off unnoticed', async () => {
    const { world } = await makeWorld();
    const app = await SampleApp.confirmed(world);
    const session = await app.start();
    const counter = session.take()!;
    const request = { payloadType: 'chargen', payload: { bytes: 300_000 }, requestId: sampleRequestId() };
    const answer = await app.send(session, await session.seal(counter, request));
    expect(answer.frame).toMatchObject({ status: 200, length: null });
    const read = async (body: Buffer): Promise<number> => {
      const { body: bytes } = await session.openStreamed(counter, [body.subarray(9)]);
      let length = 0;
      for await (const chunk of bytes) length += chunk.length;
      return length;
    };
    expect(await read(answer.body)).toBe(300_000);
    const cut = answer.body.subarray(0, -16);
    await expect(read(cut)).rejects.toMatchObject({ code: expect.stringMatching(/truncated|NOT_AUTHENTIC/) });
  });
});

describe('revoking a device', () => {
  it('ends its sessions at once, also in the middle of an answer, and no other’s', async () => {
    const { world } = await makeWorld();
    const [app, other] = [await SampleApp.confirmed(world), await SampleApp.confirmed(world)];
    const [session, ofOther] = [await app.start(), await other.start()];
    const counter = session.take()!;
    const endless = {
      payloadType: 'chargen',
      payload: { bytes: 4 * 1024 ** 3 },
      requestId: sampleRequestId(),
    };
    const answer = app.send(session, await session.seal(counter, endless));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await world.devices.administration.revoke(app.deviceId)).toEqual({ sessionsEnded: 1 });
    expect((await answer).whole).toBe(false);
    await until(() => world.log.finished.length > 0);
    expect(world.log.finished).toMatchObject([{ status: 'CANCELLED' }]);
    expect((await app.request(session, 'ping')).code).toBe('device_revoked');
    await expect(app.start()).rejects.toThrow('device_revoked');
    expect((await other.request(ofOther, 'ping')).code).toBe('ok');
    expect(codeOf(await app.register())).toBe('device_revoked');
    expect(rejections(world)).toEqual(Array(3).fill('device_revoked'));
  });
});

describe('an answer that waits for something', () => {
  it.each(['revoking', 'going away'] as const)('is broken off by %s', async (how) => {
    const idle = new Readable({ read: () => undefined });
    const waits: Rpc = { name: 'waits', takesStream: false, run: () => ({ stream: idle }) };
    const { world } = await makeWorld({ rpcs: [waits] });
    const app = await SampleApp.confirmed(world);
    const session = await app.start();
    const request = { payloadType: 'waits', payload: null, requestId: sampleRequestId() };
    const body = await session.seal(session.take()!, request);
    const frame = { v: 1, operation: 'request', token: app.token, sessionId: session.sessionId };
    const stream = world.openStream(encodePrefixed(frame, maxDeviceFrame));
    stream.write(body);
    stream.end();
    const answer = answerOn(stream);
    await until(() => world.log.begun.length > 0 && world.devices.sessions.running > 0);
    if (how === 'revoking') await world.devices.administration.revoke(app.deviceId);
    else stream.reset();
    expect((await answer).whole).toBe(false);
    await until(() => world.log.finished.length > 0);
    expect(world.log.finished).toMatchObject([{ status: 'CANCELLED' }]);
    expect(idle.destroyed).toBe(true);
    expect(world.devices.sessions.running).toBe(0);
  });
});

describe('a retry', () => {
  it('of an idempotent request gets its answer again, in another session and after a restart', async () => {
    const count = counting('look', true);
    const { world } = await makeWorld({ rpcs: [count] });
    const app = await SampleApp.confirmed(world);
    const id = sampleRequestId();
    const first = await app.request(await app.start(), 'look', null, id);
    expect(first).toMatchObject({ payload: { run: 1 } });
    expect(await app.request(await app.start(), 'look', null, id)).toEqual(first);
    await world.devices.journal.flush();
    await world.stop();
    await world.start();
    expect(await app.request(await app.start(), 'look', null, id)).toEqual(first);
    expect(count.runs).toBe(1);
    expect(world.log.begun).toMatchObject([{ rpcName: 'look' }]);
  });

  it('of an idempotent request that failed gets its error again, and one that was not run is told that nobody knows', async () => {
    let runs = 0;
    const fails: Rpc = {
      name: 'fails',
      takesStream: false,
      idempotent: true,
      run: () => {
        runs += 1;
        throw badRequest('No.');
      },
    };
    const { world } = await makeWorld({ rpcs: [fails] });
    const app = await SampleApp.confirmed(world);
    const [first, second] = [sampleRequestId(), sampleRequestId()];
    for (const session of [await app.start(), await app.start()]) {
      expect((await app.request(session, 'fails', null, first)).code).toBe('rpc_bad_request');
    }
    expect(runs).toBe(1);
    const rows = world.log.finished.map(({ status, errorCode }) => [status, errorCode]);
    expect(rows).toEqual(Array(2).fill(['FAILED', 'rpc_bad_request']));
    world.endpoint.router.stop();
    expect((await app.request(await app.start(), 'fails', null, second)).code).toBe('shutting_down');
    expect((await app.request(await app.start(), 'fails', null, second)).code).toBe('RESULT_UNKNOWN');
  });

  it('of any other is told that nobody knows, and runs nothing', async () => {
    const count = counting();
    const { world } = await makeWorld({ rpcs: [count] });
    const app = await SampleApp.confirmed(world);
    const id = sampleRequestId();
    expect((await app.request(await app.start(), 'count', null, id)).code).toBe('ok');
    const again = await app.request(await app.start(), 'count', null, id);
    expect(again).toEqual({ code: 'RESULT_UNKNOWN', sealed: true });
    expect(count.runs).toBe(1);
    expect(world.log.rejected).toMatchObject([{ rejectionCode: 'RESULT_UNKNOWN', rpcName: 'count' }]);
  });

  it('of another device is another request', async () => {
    const count = counting();
    const { world } = await makeWorld({ rpcs: [count] });
    const [app, other] = [await SampleApp.confirmed(world), await SampleApp.confirmed(world)];
    const id = sampleRequestId();
    await app.request(await app.start(), 'count', null, id);
    expect((await other.request(await other.start(), 'count', null, id)).code).toBe('ok');
  });

  it('after a kill between journal and answer is told that nobody knows, also of an idempotent request', async () => {
    const [count, look] = [counting(), counting('look', true)];
    const { world } = await makeWorld({ rpcs: [count, look] });
    const app = await SampleApp.confirmed(world);
    const session = await app.start();
    count.wait = new Promise(() => undefined);
    look.wait = count.wait;
    const ids = { count: sampleRequestId(), look: sampleRequestId() };
    void app.request(session, 'count', null, ids.count);
    void app.request(session, 'look', null, ids.look);
    await until(() => count.runs === 1 && look.runs === 1);
    world.kill();
    await world.start();
    expect((await app.request(session, 'ping')).code).toBe('SESSION_UNKNOWN');
    const again = await app.start();
    for (const name of ['count', 'look'] as const) {
      expect((await app.request(again, name, null, ids[name])).code).toBe('RESULT_UNKNOWN');
    }
    expect([count.runs, look.runs]).toEqual([1, 1]);
  });

  it('cannot run while the journal cannot be written', async () => {
    const count = counting();
    const { world } = await makeWorld({ rpcs: [count] });
    const app = await SampleApp.confirmed(world);
    const session = await app.start();
    await world.devices.journal.close();
    expect((await app.request(session, 'count')).code).toBe('log_unavailable');
    expect(count.runs).toBe(0);
    expect(rejections(world)).toEqual(['log_unavailable']);
  });
});
