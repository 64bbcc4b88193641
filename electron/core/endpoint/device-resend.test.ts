// A request that an app sends a second time under its id, at a service whose journal forgets: it runs once or is told that
// nobody knows, whatever a relay has held back meanwhile and however much came between.
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { AppSession } from '../../../shared/device/app-session.ts';
import { MemoryWire } from '../../../shared/testing/memory-wire.ts';
import { TestIssuer } from '../../../shared/testing/oidc-issuer.ts';
import { SampleApp, sampleRequestId } from './device-app-samples.ts';
import { counting, DeviceWorld } from './device-samples.ts';
import type { DeviceWorldOptions } from './device-samples.ts';

const makeWire: DeviceWorldOptions['makeWire'] = (onStream) => {
  const wire = new MemoryWire({ onStream });
  const timer = setInterval(() => wire.settle(), 1);
  return { open: () => wire.dialler.session.open(), close: () => clearInterval(timer) };
};

/** Ids of a device that the journal remembers here. */
const perDevice = 50;

let issuer: TestIssuer;
let world: DeviceWorld;
let app: SampleApp;
let first: AppSession;
let second: AppSession;
const count = counting();
const look = counting('look', true);
beforeEach(async () => {
  issuer = await TestIssuer.start();
  world = await DeviceWorld.open({ issuer, makeWire, rpcs: [count, look], journalLimits: { perDevice } });
  app = await SampleApp.confirmed(world);
  [first, second] = [await app.start(), await app.start()];
  [count.runs, look.runs] = [0, 0];
});
afterEach(async () => {
  await world.close();
  await issuer.stop();
});

/** So many other requests of the device that the journal forgets what it knew. */
async function forget(): Promise<void> {
  const { journal } = world.devices;
  const ids = Array.from({ length: perDevice }, (_none, at) => `other ${String(at)}`);
  await Promise.all(ids.map((id) => journal.begin(app.deviceId, id)));
}

/** A request sealed in `session`, for a relay to hold back. */
async function held(session: AppSession, id: string, firstSession?: string): Promise<() => Promise<string>> {
  const counter = session.take()!;
  const request = { payloadType: 'count', payload: null, requestId: id, firstSession };
  const body = await session.seal(counter, request);
  return async () => (await app.read(session, counter, await app.send(session, body))).code;
}

it('runs where its first sending never arrived, and the held first sending runs no more', async () => {
  const id = sampleRequestId();
  const release = await held(first, id);
  expect((await app.request(second, 'count', null, id, first.sessionId)).code).toBe('ok');
  expect(await release()).toBe('RESULT_UNKNOWN');
  expect(count.runs).toBe(1);
});

it('does not run in a held first sending that comes when the journal has forgotten its retry', async () => {
  const id = sampleRequestId();
  const release = await held(first, id);
  expect((await app.request(second, 'count', null, id, first.sessionId)).code).toBe('ok');
  await forget();
  expect(await release()).toBe('SESSION_EXPIRED');
  expect(count.runs).toBe(1);
});

it('does not run in a held retry that comes when the journal has forgotten its first sending', async () => {
  const id = sampleRequestId();
  expect((await app.request(first, 'count', null, id)).code).toBe('ok');
  await forget();
  const third = await app.start();
  const release = await held(third, id, first.sessionId);
  expect(await release()).toBe('RESULT_UNKNOWN');
  expect(count.runs).toBe(1);
  expect((await app.request(third, 'count')).code).toBe('ok');
});

it('does not run where another process of the service had its first sending: a power failure may have taken its id', async () => {
  await world.stop();
  await world.start();
  const session = await app.start();
  const again = await app.request(session, 'count', null, sampleRequestId(), first.sessionId);
  expect(again).toEqual({ code: 'RESULT_UNKNOWN', sealed: true });
  expect(count.runs).toBe(0);
});

it('may run again where that does no harm, however old its first session is', async () => {
  const id = sampleRequestId();
  await app.request(first, 'look', null, id);
  await forget();
  expect((await app.request(second, 'look', null, id, first.sessionId)).code).toBe('ok');
});
