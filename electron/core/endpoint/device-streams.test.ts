// Device sessions at stream level, with a hostile relay: the test sends any bytes on any stream. Nothing runs twice,
// nothing decrypts elsewhere, nobody is invented; each attack ends in its code and a row.
import { afterEach, describe, expect, it } from 'vitest';
import { Readable } from 'node:stream';
import { maxDeviceFrame } from '../../../shared/contracts/device-api.ts';
import { encodePrefixed } from '../../../shared/net/prefixed.ts';
import { FakeClock } from '../../../shared/testing/fake-clock.ts';
import { MemoryWire } from '../../../shared/testing/memory-wire.ts';
import { TestIssuer } from '../../../shared/testing/oidc-issuer.ts';
import type { Rpc } from '../rpc/rpc.ts';
import { answerOn, codeOf, DeviceWorld, SampleApp, sampleRequestId } from './device-samples.ts';
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

/** Counts how often it runs; takes its time where it is told to. */
function counting(name = 'count', idempotent = false): Rpc & { runs: number; wait: Promise<unknown> } {
  const rpc = {
    name,
    takesStream: false,
    idempotent,
    runs: 0,
    wait: Promise.resolve() as Promise<unknown>,
    run: async () => {
      rpc.runs += 1;
      const run = rpc.runs;
      await rpc.wait;
      return { json: { run } };
    },
  };
  return rpc;
}

function rejections(world: DeviceWorld): string[] {
  return world.log.rejected.map(({ rejectionCode }) => rejectionCode);
}

describe('a device session', () => {
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

describe('a hostile relay', () => {
  it('cannot replay a request', async () => {
    const count = counting();
    const { world } = await makeWorld({ rpcs: [count] });
    const app = await SampleApp.confirmed(world);
    const session = await app.start();
    const request = { payloadType: 'count', payload: null, requestId: sampleRequestId() };
    const body = await session.seal(session.take()!, request);
    const answers = await Promise.all(Array.from({ length: 8 }, () => app.send(session, body)));
    expect(answers.map(codeOf).sort()).toEqual([...Array<string>(7).fill('REQUEST_REPLAYED'), 'status 200']);
    expect(count.runs).toBe(1);
    expect(rejections(world)).toEqual(Array(7).fill('REQUEST_REPLAYED'));
    expect(world.log.rejected[0]).toMatchObject({ device: { counter: 1, subject: 'anna' } });
    expect(world.devices.sessions.views(1)).toMatchObject([{ replaysRefused: 7, requests: 1 }]);
  });

  it('cannot replay a start, also not after a restart', async () => {
    const { world } = await makeWorld();
    const app = await SampleApp.confirmed(world);
    const { message } = await app.beginStart();
    expect(codeOf(await app.sendStart(message))).toBe('status 200');
    expect(codeOf(await app.sendStart(message))).toBe('device_start_replayed');
    await world.stop();
    await world.start();
    expect(codeOf(await app.sendStart(message))).toBe('device_start_replayed');
    expect(rejections(world)).toEqual(['device_start_replayed']);
  });

  it('cannot carry a request, or an answer, from one session to another', async () => {
    const count = counting();
    const { world } = await makeWorld({ rpcs: [count] });
    const [anna, bert] = [await SampleApp.confirmed(world), await SampleApp.confirmed(world, 'bert')];
    const [first, second] = [await anna.start(), await anna.start()];
    const ofBert = await bert.start();
    const request = { payloadType: 'count', payload: null, requestId: sampleRequestId() };
    const counter = first.take()!;
    const body = await first.seal(counter, request);
    expect(codeOf(await anna.send(second, body))).toBe('REQUEST_NOT_AUTHENTIC');
    expect(codeOf(await bert.send(ofBert, body))).toBe('REQUEST_NOT_AUTHENTIC');
    // Another user's session is not there for this user at all.
    expect(codeOf(await bert.send(first, body))).toBe('SESSION_UNKNOWN');
    expect(count.runs).toBe(0);
    const answer = await anna.send(first, body);
    second.take();
    expect(await anna.read(second, counter, answer)).toMatchObject({ code: 'ANSWER_NOT_AUTHENTIC' });
    expect(rejections(world)).toHaveLength(3);
  });

  it.each([
    ['a flipped bit', (body: Buffer) => (body[20]! ^= 1)],
    ['another counter', (body: Buffer) => (body[8]! += 1)],
    ['a counter of zero', (body: Buffer) => (body[8] = 0)],
    ['another form', (body: Buffer) => (body[0] = 2)],
  ])('cannot change a request: %s', async (_name, change) => {
    const count = counting();
    const { world } = await makeWorld({ rpcs: [count] });
    const app = await SampleApp.confirmed(world);
    const session = await app.start();
    const request = { payloadType: 'count', payload: null, requestId: sampleRequestId() };
    const body = Buffer.from(await session.seal(session.take()!, request));
    const changed = Buffer.from(body);
    change(changed);
    expect(codeOf(await app.send(session, new Uint8Array(changed)))).toBe('REQUEST_NOT_AUTHENTIC');
    expect(world.log.rejected).toMatchObject([{ sessionVerified: false, e2eeUsed: false }]);
    expect(count.runs).toBe(0);
    expect(codeOf(await app.send(session, new Uint8Array(body)))).toBe('status 200');
  });

  it('cannot cut a request short, send none, or send too much', async () => {
    const { world } = await makeWorld();
    const app = await SampleApp.confirmed(world);
    const session = await app.start();
    const request = { payloadType: 'echo', payload: 'x', requestId: sampleRequestId() };
    const body = await session.seal(session.take()!, request);
    expect(codeOf(await app.send(session, body.slice(0, -1)))).toBe('REQUEST_NOT_AUTHENTIC');
    expect(codeOf(await app.send(session, new Uint8Array(0)))).toBe('REQUEST_NOT_AUTHENTIC');
    expect(codeOf(await app.send(session, new Uint8Array(1_100_000)))).toBe('body_too_large');
    expect(codeOf(await app.send({ sessionId: 'x'.repeat(32) }, body))).toBe('SESSION_UNKNOWN');
  });

  it.each([
    ['no JSON', Buffer.from('\0\x05hello')],
    ['too long', Buffer.from('\xff\xffhello', 'latin1')],
    ['of an unknown operation', undefined],
  ])('gets no answer to a first frame that is %s, and the next stream is served', async (_name, bytes) => {
    const { world } = await makeWorld();
    const app = await SampleApp.confirmed(world);
    if (bytes === undefined) {
      expect(codeOf(await world.call({ operation: 'x', token: 'y' }))).toMatch(/internal|header_malformed/);
    } else world.openStream(bytes).end();
    expect((await app.request(await app.start(), 'ping')).code).toBe('ok');
    expect(rejections(world)).toEqual([bytes?.[0] === 0xff ? 'header_too_large' : 'header_malformed']);
  });

  it('cannot invent a user', async () => {
    const { world, issuer } = await makeWorld();
    const forger = await TestIssuer.start();
    opened.push({ close: () => forger.stop() });
    const claims = { iss: issuer.url, aud: issuer.audience };
    const old = issuer.keys[0]!;
    const tokens = {
      none: issuer.unsignedToken(),
      confused: issuer.confusedToken(JSON.stringify(old.jwk)),
      otherIssuer: forger.token(),
      forged: forger.token('anna', { claims, header: { kid: old.id } }),
      expired: issuer.token('anna', { claims: { exp: Math.floor(Date.now() / 1000) - 60 } }),
      otherAudience: issuer.token('anna', { claims: { aud: 'urn:another' } }),
      noSubject: issuer.token('anna', { claims: { sub: undefined } }),
      noExpiry: issuer.token('anna', { claims: { exp: undefined } }),
      early: issuer.token('anna', { claims: { nbf: Math.floor(Date.now() / 1000) + 600 } }),
      noise: 'a.b.c',
    };
    for (const [name, token] of Object.entries(tokens)) {
      const answer = await world.call({ operation: 'agentinfo', token });
      expect([name, codeOf(answer)]).toEqual([name, 'oidc_token_rejected']);
    }
    expect(rejections(world)).toEqual(Array(10).fill('oidc_token_rejected'));
    expect(codeOf(await world.call({ operation: 'agentinfo', token: issuer.token() }))).toBe('status 200');
  });

  it('cannot use one user’s device, or session, with another user’s token', async () => {
    const { world, issuer } = await makeWorld();
    const app = await SampleApp.confirmed(world);
    const { message } = await app.beginStart();
    expect(codeOf(await app.sendStart(message, issuer.token('bert')))).toBe('device_unknown');
    const session = await app.start();
    const request = { payloadType: 'ping', payload: null, requestId: sampleRequestId() };
    const body = await session.seal(session.take()!, request);
    expect(codeOf(await app.send(session, body, issuer.token('bert')))).toBe('SESSION_UNKNOWN');
    expect(codeOf(await app.send(session, body))).toBe('status 200');
  });

  it('cannot start a session for a device with a message that is not its own', async () => {
    const { world } = await makeWorld();
    const [app, other] = [await SampleApp.confirmed(world), await SampleApp.confirmed(world)];
    const { message } = await other.beginStart();
    expect(codeOf(await app.sendStart(message))).toBe('device_start_invalid');
    const flipped = new Uint8Array((await app.beginStart()).message);
    flipped[50]! ^= 1;
    expect(codeOf(await app.sendStart(flipped))).toBe('device_start_invalid');
    expect(codeOf(await app.sendStart(new Uint8Array(3)))).toBe('device_start_invalid');
    expect(world.devices.sessions.live).toBe(0);
  });
});

describe('without an issuer', () => {
  it('no device gets in', async () => {
    const { world, issuer } = await makeWorld();
    for (const name of ['service.oidc.issuer', 'service.oidc.audience'] as const) {
      const { settings } = world;
      world.settings = { ...settings, [name]: '' };
      const answer = await world.call({ operation: 'agentinfo', token: issuer.token() });
      expect(codeOf(answer)).toBe('oidc_not_configured');
      world.settings = settings;
    }
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

describe('time', () => {
  const minutes = 60_000;

  it('ends a session after 15 minutes, and answers to what was accepted have 30 seconds', async () => {
    const clock = new FakeClock();
    const count = counting();
    const { world } = await makeWorld({ rpcs: [count], clock });
    const app = await SampleApp.confirmed(world);
    const session = await app.start();
    let release = (): void => undefined;
    count.wait = new Promise<void>((resolve) => (release = resolve));
    const slow = app.request(session, 'count');
    await until(() => count.runs === 1);
    clock.advance(15 * minutes);
    expect((await app.request(session, 'ping')).code).toBe('SESSION_EXPIRED');
    clock.advance(29_000);
    release();
    expect(await slow).toMatchObject({ code: 'ok' });
    expect((await app.request(session, 'ping')).code).toBe('SESSION_EXPIRED');
    expect(world.devices.sessions.live).toBe(0);
  });

  it('takes the keys after the grace, whatever was accepted', async () => {
    const clock = new FakeClock();
    const count = counting();
    const { world } = await makeWorld({ rpcs: [count], clock });
    const app = await SampleApp.confirmed(world);
    const session = await app.start();
    let release = (): void => undefined;
    count.wait = new Promise<void>((resolve) => (release = resolve));
    const slow = app.request(session, 'count');
    await until(() => count.runs === 1);
    clock.advance(15 * minutes);
    clock.advance(30_000);
    release();
    expect(await slow).toEqual({ code: 'SESSION_EXPIRED', sealed: false });
  });

  it('that jumps with the machine asleep ends what should have ended', async () => {
    const clock = new FakeClock();
    const { world } = await makeWorld({ clock });
    const app = await SampleApp.confirmed(world);
    const session = await app.start();
    clock.sleep(16 * minutes);
    expect((await app.request(session, 'ping')).code).toBe('SESSION_EXPIRED');
  });

  it('drops half-started sessions that nobody uses', async () => {
    const clock = new FakeClock();
    const { world } = await makeWorld({ clock, limits: { halfStarted: 1 } });
    const app = await SampleApp.confirmed(world);
    const first = await app.start();
    await expect(app.start()).rejects.toThrow('limit_exceeded');
    clock.advance(61_000);
    const second = await app.start();
    expect((await app.request(first, 'ping')).code).toBe('SESSION_EXPIRED');
    expect((await app.request(second, 'ping')).code).toBe('ok');
  });
});

describe('the limits', () => {
  it('end a session after so many requests, of which each runs once, however they arrive', async () => {
    const count = counting();
    const settings = { 'service.device_sessions.max_requests': 200 };
    const { world } = await makeWorld({ rpcs: [count], settings });
    const app = await SampleApp.confirmed(world);
    const first = await app.start();
    const bodies = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const request = { payloadType: 'count', payload: null, requestId: sampleRequestId() };
        return first.seal(first.take()!, request);
      }),
    );
    expect(first.take()).toBeNull();
    // Each three times, in a wild order, all at once.
    const sent = [...bodies, ...bodies, ...bodies].sort(() => Math.random() - 0.5);
    const codes = (await Promise.all(sent.map((body) => app.send(first, body)))).map(codeOf);
    expect(count.runs).toBe(200);
    expect(codes.filter((code) => code === 'status 200')).toHaveLength(200);
    const rest = codes.filter((code) => code !== 'status 200');
    expect(rest.every((code) => code === 'REQUEST_REPLAYED' || code === 'SESSION_EXPIRED')).toBe(true);
    expect(codeOf(await app.send(first, bodies[0]!))).toBe('SESSION_EXPIRED');
    expect((await app.request(await app.start(), 'count')).code).toBe('ok');
  }, 30_000);

  it('that are lowered end the sessions that were granted more', async () => {
    const { world } = await makeWorld();
    const app = await SampleApp.confirmed(world);
    const session = await app.start();
    expect((await app.request(session, 'ping')).code).toBe('ok');
    world.settings = { ...world.settings, 'service.device_sessions.max_requests': 10 };
    world.devices.enforce();
    expect((await app.request(session, 'ping')).code).toBe('SESSION_EXPIRED');
    expect((await app.start()).limits.requests).toBe(10);
  });

  it('on half-started sessions cost a device its own oldest, never another’s', async () => {
    const { world } = await makeWorld({ limits: { halfStartedPerDevice: 2 } });
    const [app, other] = [await SampleApp.confirmed(world), await SampleApp.confirmed(world)];
    const ofOther = await other.start();
    const sessions = [await app.start(), await app.start(), await app.start()];
    const codes = [];
    for (const session of [...sessions]) codes.push((await app.request(session, 'ping')).code);
    expect(codes).toEqual(['SESSION_EXPIRED', 'ok', 'ok']);
    expect((await other.request(ofOther, 'ping')).code).toBe('ok');
  });

  it('on sessions in all refuse the start', async () => {
    const { world } = await makeWorld({ limits: { inAll: 1 } });
    const app = await SampleApp.confirmed(world);
    await app.start();
    await expect(app.start()).rejects.toThrow('limit_exceeded');
    expect(rejections(world)).toEqual(['limit_exceeded']);
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
});
