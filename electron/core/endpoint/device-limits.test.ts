// How long, how far and how many: the limits of device sessions, with a clock that the test moves.
import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../../shared/testing/fake-clock.ts';
import { MemoryWire } from '../../../shared/testing/memory-wire.ts';
import { TestIssuer } from '../../../shared/testing/oidc-issuer.ts';
import { SampleApp, sampleRequestId } from './device-app-samples.ts';
import { codeOf, counting, DeviceWorld, rejections } from './device-samples.ts';
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
    expect(rejections(world)).toEqual(['SESSION_EXPIRED']);
  });

  it('that runs out under a thousand requests at once runs each once or refuses it, and hangs none', async () => {
    const clock = new FakeClock();
    const count = counting();
    const { world } = await makeWorld({ rpcs: [count], clock });
    const app = await SampleApp.confirmed(world);
    const session = await app.start();
    const requests = Array.from({ length: 1000 }, () => app.request(session, 'count'));
    const timer = setInterval(() => {
      if (count.runs < 100) return;
      clock.advance(15 * minutes);
      clearInterval(timer);
    }, 1);
    const codes = (await Promise.all(requests)).map(({ code }) => code);
    const [ran, refused] = ['ok', 'SESSION_EXPIRED'].map(
      (code) => codes.filter((each) => each === code).length,
    );
    expect([ran, ran! + refused!]).toEqual([count.runs, 1000]);
    expect(rejections(world)).toEqual(Array(refused).fill('SESSION_EXPIRED'));
    expect(world.devices.sessions.live).toBe(0);
  }, 30_000);

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
    const settings = { 'service.device_sessions.max_requests': 1000 };
    const { world } = await makeWorld({ rpcs: [count], settings });
    const app = await SampleApp.confirmed(world);
    const first = await app.start();
    const bodies = await Promise.all(
      Array.from({ length: 1000 }, async () => {
        const request = { payloadType: 'count', payload: null, requestId: sampleRequestId() };
        return first.seal(first.take()!, request);
      }),
    );
    expect(first.take()).toBeNull();
    // Each twice, in a wild order, as many at once as a connection has streams.
    const codes: string[] = [];
    for (const half of [bodies.slice(0, 500), bodies.slice(500)]) {
      const sent = [...half, ...half].sort(() => Math.random() - 0.5);
      codes.push(...(await Promise.all(sent.map((body) => app.send(first, body)))).map(codeOf));
    }
    expect(count.runs).toBe(1000);
    expect(codes.filter((code) => code === 'status 200')).toHaveLength(1000);
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

  it('on age can be lowered: new sessions live shorter, those that were granted more end', async () => {
    const clock = new FakeClock();
    const { world } = await makeWorld({ clock });
    const app = await SampleApp.confirmed(world);
    const longer = await app.start();
    expect((await app.request(longer, 'ping')).code).toBe('ok');
    world.settings = { ...world.settings, 'service.device_sessions.max_age_minutes': 5 };
    world.devices.enforce();
    expect((await app.request(longer, 'ping')).code).toBe('SESSION_EXPIRED');
    const shorter = await app.start();
    expect(shorter.limits.lifetimeSeconds).toBe(300);
    expect((await app.request(shorter, 'ping')).code).toBe('ok');
    clock.advance(5 * 60_000);
    expect((await app.request(shorter, 'ping')).code).toBe('SESSION_EXPIRED');
    expect(rejections(world)).toEqual(['SESSION_EXPIRED', 'SESSION_EXPIRED']);
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
