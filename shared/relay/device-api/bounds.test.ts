// What the HTTPS API does with services that break their word, and with clients and services that are slow or greedy.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deviceBodyLimit } from '../../contracts/device-api.ts';
import { GatehouseError } from '../../contracts/errors.ts';
import { ApiWorld, fingerprint, paths, problem } from '../../testing/api-world.ts';
import type { DeviceCall } from '../../testing/device-service.ts';

let world: ApiWorld;

beforeEach(async () => {
  world = await ApiWorld.start();
});

afterEach(() => world.stop());

describe('a service that does not answer as it should', () => {
  it('refuses a stream: its code is passed on', async () => {
    await world.addService(new GatehouseError('limit_exceeded', 'Too many sessions.'));
    expect(problem(await world.call('agentinfo'))).toEqual([429, 'limit_exceeded']);
  });

  it.each([
    ['resets the stream', (each: DeviceCall) => each.stream.reset(), 'stream_reset'],
    ['ends without an answer', (each: DeviceCall) => each.stream.end(), 'relay_protocol'],
    ['answers in an unknown form', (each: DeviceCall) => each.begin({ status: 99 }), 'relay_protocol'],
    [
      'answers with a page',
      (each: DeviceCall) => each.begin({ contentType: 'text/html' as 'application/json' }),
      'relay_protocol',
    ],
    [
      'answers with a header of its own',
      (each: DeviceCall) => each.begin({ sessionId: 'x\r\nset-cookie: a=b' }),
      'relay_protocol',
    ],
    [
      'answers with no frame',
      (each: DeviceCall) => each.stream.write(Buffer.from('HTTP/1.1 200 OK\r\n')),
      'relay_protocol',
    ],
  ])('%s', async (_name, answer, code) => {
    world.react = answer;
    expect(problem(await world.call('request'))).toEqual([502, code]);
  });

  it('goes offline meanwhile', async () => {
    world.react = () => {
      world.service.channel.terminate(new GatehouseError('wire_closed', 'gone'));
    };
    expect(problem(await world.call('request'))).toEqual([503, 'service_offline']);
  });

  it('is too slow', async () => {
    await world.restart({ answerTimeoutMs: 100 });
    world.react = () => undefined;
    expect(problem(await world.call('request'))).toEqual([504, 'timeout']);
  });

  it.each([
    ['breaks off a streamed answer', null, 'abc', true],
    ['sends less than it said', 10, 'abc', false],
    ['breaks off an answer of known length', 10, 'abc', true],
    ['sends more than it said', 2, 'abc', false],
  ])('%s: the connection breaks, so that nobody takes it for whole', async (_name, length, text, reset) => {
    world.react = (each) => {
      each.begin({ length });
      each.stream.write(Buffer.from(text));
      if (reset) setTimeout(() => each.stream.reset(), 50);
      else each.stream.end();
    };
    await expect(world.call('request')).rejects.toThrow();
  });
});

describe('bounds', () => {
  it('ends a body that is too slow', async () => {
    await world.restart({ bodyTimeoutMs: 200 });
    const head = `POST /s/${world.service.name}${paths.start} HTTP/1.1\r\nhost: ${world.test.url.host}\r\nauthorization: Bearer ${world.issuer.token()}\r\ndevice: ${fingerprint}\r\ncontent-length: 100\r\n\r\n`;
    const { answer } = world.dial(head);
    expect(await answer).toMatch(/^HTTP\/1\.1 408 [^]*"timeout"/);
    expect(await world.calls[0]!.closed).toMatchObject({ code: 'stream_reset' });
  });

  it('resets the stream when the client goes', async () => {
    world.react = (each) => {
      each.begin();
    };
    const { socket } = world.dial(
      `GET /s/${world.service.name}${paths.agentinfo} HTTP/1.1\r\nhost: ${world.test.url.host}\r\nauthorization: Bearer ${world.issuer.token()}\r\n\r\n`,
    );
    await expect.poll(() => world.calls.length).toBe(1);
    socket.destroy();
    expect(await world.calls[0]!.closed).toMatchObject({ code: 'stream_reset' });
  });

  it('holds a service back while the client does not read, and holds no more than its window', async () => {
    const piece = Buffer.alloc(64 * 1024);
    world.react = (each) => {
      each.begin();
      for (let index = 0; index < 1024; index += 1) each.stream.write(piece);
      each.stream.end();
    };
    const { socket } = world.dial(
      `GET /s/${world.service.name}${paths.agentinfo} HTTP/1.1\r\nhost: ${world.test.url.host}\r\nauthorization: Bearer ${world.issuer.token()}\r\n\r\n`,
    );
    socket.pause();
    await expect.poll(() => world.calls.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(world.calls[0]!.stream.queuedBytes).toBeGreaterThan(32 * 1024 * 1024);
    socket.destroy();
  });

  it('holds a client back while the service does not read', async () => {
    world.react = (each) => {
      each.reading = false;
    };
    const body = Buffer.alloc(deviceBodyLimit.request);
    const sending = world.call('request', { body }).catch(() => undefined);
    await expect.poll(() => world.calls.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(world.calls[0]!.received).toBeLessThanOrEqual(256 * 1024);
    world.calls[0]!.stream.reset();
    await sending;
  });

  it('lets one user have so many requests at once, and another go on', async () => {
    await world.restart({ maxApiRequestsPerUser: 3 });
    world.react = () => undefined;
    const held = Array.from({ length: 3 }, () => world.call('agentinfo').catch(() => undefined));
    await expect.poll(() => world.calls.length).toBe(3);
    expect(problem(await world.call('agentinfo'))).toEqual([429, 'limit_exceeded']);
    world.react = (each) => each.answer('ok');
    expect(
      (await world.call('agentinfo', { headers: { authorization: `Bearer ${world.issuer.token('ben')}` } }))
        .status,
    ).toBe(200);
    for (const each of world.calls.slice(0, 3)) each.answer('ok');
    await Promise.all(held);
    expect((await world.call('agentinfo')).status).toBe(200);
  });

  it('lets one user ask so fast', async () => {
    await world.restart({ apiRequestsPerSecond: 1, apiRequestBurst: 2 });
    const statuses = [];
    for (let index = 0; index < 4; index += 1) statuses.push((await world.call('agentinfo')).status);
    expect(statuses).toEqual([200, 200, 429, 429]);
  });

  it('takes nothing new while the relay stops, and finishes what runs', async () => {
    await world.restart({ drainMs: 3000 });
    world.react = () => undefined;
    const running = world.call('agentinfo');
    await expect.poll(() => world.calls.length).toBe(1);
    const stopped = world.test.relay.stop();
    setTimeout(() => world.calls[0]!.answer('last'), 100);
    expect((await running).body.toString()).toBe('last');
    await stopped;
  });
});
