// Device sessions at stream level, with a hostile relay: the test sends any bytes on any stream. Nothing runs twice,
// nothing decrypts elsewhere, nobody is invented; each attack ends in its code and a row.
import { afterEach, describe, expect, it } from 'vitest';
import { MemoryWire } from '../../../shared/testing/memory-wire.ts';
import { TestIssuer } from '../../../shared/testing/oidc-issuer.ts';
import { SampleApp, sampleRequestId } from './device-app-samples.ts';
import { codeOf, counting, DeviceWorld, rejections } from './device-samples.ts';
import type { DeviceWorldOptions } from './device-samples.ts';

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

  it('cannot replay a start that many requests, and weeks, have come after', async () => {
    const { world } = await makeWorld({ journalLimits: { perDevice: 5, inAll: 5, maxAgeMs: 1 } });
    const app = await SampleApp.confirmed(world);
    const { message } = await app.beginStart();
    expect(codeOf(await app.sendStart(message))).toBe('status 200');
    const session = await app.start();
    for (let count = 0; count < 20; count += 1) await app.request(session, 'ping');
    expect(codeOf(await app.sendStart(message))).toBe('device_start_replayed');
    await world.stop();
    await world.start();
    expect(codeOf(await app.sendStart(message))).toBe('device_start_replayed');
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

  it('cannot send an answer back as a request, nor a request as an answer', async () => {
    const count = counting();
    const { world } = await makeWorld({ rpcs: [count] });
    const app = await SampleApp.confirmed(world);
    const session = await app.start();
    const counter = session.take()!;
    const request = { payloadType: 'count', payload: null, requestId: sampleRequestId() };
    const body = await session.seal(counter, request);
    const answer = await app.send(session, body);
    expect(codeOf(await app.send(session, new Uint8Array(answer.body)))).toBe('REQUEST_NOT_AUTHENTIC');
    await expect(session.open(counter, body)).rejects.toMatchObject({ code: 'ANSWER_NOT_AUTHENTIC' });
    expect(count.runs).toBe(1);
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

  it('cannot invent a user: „muss es sich im Namen des Benutzers mit OpenID Connect (OIDC) authentifizieren“', async () => {
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
    const app = await SampleApp.confirmed(world);
    const session = await app.start();
    const request = { payloadType: 'ping', payload: null, requestId: sampleRequestId() };
    const body = await session.seal(session.take()!, request);
    const { sessionId } = session;
    for (const [name, token] of Object.entries(tokens)) {
      const answers = [
        await world.call({ operation: 'agentinfo', token }),
        await world.call({ operation: 'register', token }, Buffer.from('{}')),
        await app.sendStart((await app.beginStart()).message, token),
        await world.call({ operation: 'request', token, sessionId }, body),
      ];
      expect([name, ...answers.map(codeOf)]).toEqual([name, ...Array<string>(4).fill('oidc_token_rejected')]);
    }
    expect(rejections(world)).toEqual(Array(40).fill('oidc_token_rejected'));
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
    // The same name at another issuer is another user too.
    const elsewhere = await TestIssuer.start();
    opened.push({ close: () => elsewhere.stop() });
    const { settings } = world;
    world.settings = {
      ...settings,
      'service.oidc.issuer': elsewhere.url,
      'service.oidc.audience': elsewhere.audience,
    };
    expect(codeOf(await app.send(session, body, elsewhere.token('anna')))).toBe('SESSION_UNKNOWN');
    expect(codeOf(await app.sendStart(message, elsewhere.token('anna')))).toBe('device_unknown');
    world.settings = settings;
    expect(codeOf(await app.send(session, body))).toBe('status 200');
    expect(rejections(world)).toEqual([
      'device_unknown',
      'SESSION_UNKNOWN',
      'SESSION_UNKNOWN',
      'device_unknown',
    ]);
  });

  it('cannot keep a session that another issuer’s user had', async () => {
    const { world } = await makeWorld();
    const app = await SampleApp.confirmed(world);
    const session = await app.start();
    expect((await app.request(session, 'ping')).code).toBe('ok');
    const { settings } = world;
    world.settings = { ...settings, 'service.oidc.issuer': 'https://another.example' };
    world.devices.enforce();
    world.settings = settings;
    expect((await app.request(session, 'ping')).code).toBe('SESSION_EXPIRED');
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
