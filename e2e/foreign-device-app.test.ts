// The app that is written from PROTOCOL.md alone, on none of this project's code, with the real relay and service: what
// somebody who builds an app in another language will meet.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ForeignDeviceApp, openBlob, type ForeignSession } from '../shared/testing/foreign-device-app.ts';
import { accessTokenOf } from './support/access-token.ts';
import { DeviceWorld } from './support/device-world.ts';

const requestLimit = 5;
/** Of one chunk's ciphertext, in bytes. */
const sealedChunk = 65_552;
/** In the first session, before it was over. */
const listing = {
  type: 'documents.list',
  payload: { collection: 'Plans' },
  requestId: 'AAECAwQFBgcICQoLDA0ODw',
};

let devices: DeviceWorld;
let app: ForeignDeviceApp;
let session: ForeignSession;
let listed: unknown;
beforeAll(async () => {
  devices = await DeviceWorld.start();
  const { world, issuer, clientId } = devices;
  const { serviceId } = world;
  await world.admin('settings', 'set', 'service.device_sessions.max_requests', String(requestLimit));
  devices.publish('Plan.pdf', 200_000);
  const token = await accessTokenOf({ issuer, clientId }, 'anna');
  const base = `${world.relayUrl.replace(/^ws/, 'http')}/s/${serviceId}`;
  app = new ForeignDeviceApp({ base, serviceId, issuer, subject: 'anna', token, fetch });
});
afterAll(() => devices.close());

it('registers with a code, starts a session and gets an answer', async () => {
  const { code } = (await devices.world.admin('device', 'code')) as { readonly code: string };
  await app.meet();
  await app.register(Buffer.from(code.replaceAll(/[^0-9a-f]/gi, ''), 'hex'));
  session = await app.start();
  const pong = await app.ask(session, { counter: 1, type: 'ping', payload: { echo: 'Öl' } });
  expect(pong).toMatchObject({ PayloadType: 'ping', Payload: { pong: true, echo: 'Öl' } });
});

it('reads a streamed answer', async () => {
  const { head, body } = await app.read(session, { counter: 2, type: 'chargen', payload: { bytes: 70_000 } });
  expect(head).toEqual({ PayloadType: 'chargen', Payload: null });
  expect(body).toHaveLength(70_000);
});

it('downloads a document in two ranges', async () => {
  const wanted = { collection: 'Plans', name: 'Plan.pdf' };
  const answer = await app.ask(session, { counter: 3, type: 'documents.get', payload: wanted });
  const { blob, key, version, size, ciphertextLength } = (
    answer as {
      Payload: Record<'blob' | 'key' | 'version', string> & Record<'size' | 'ciphertextLength', number>;
    }
  ).Payload;
  const first = await app.blob(blob, `bytes=0-${sealedChunk - 1}`);
  const rest = await app.blob(blob, `bytes=${sealedChunk}-`);
  expect([first.status, rest.status]).toEqual([206, 206]);
  expect(first.headers.get('content-range')).toBe(`bytes 0-${sealedChunk - 1}/${ciphertextLength}`);
  const sealed = Buffer.concat([
    Buffer.from(await first.arrayBuffer()),
    Buffer.from(await rest.arrayBuffer()),
  ]);
  const document = { key: Buffer.from(key, 'base64url'), version, size };
  const content = openBlob(document, sealed);
  expect(content.equals(readFileSync(devices.world.home.path('published', 'Plan.pdf')))).toBe(true);
  expect(createHash('sha256').update(content).digest('hex')).toBe(version);
  expect(openBlob(document, sealed.subarray(sealedChunk), 1).equals(content.subarray(65_536))).toBe(true);
});

it('goes on in another session when one is over: a retry gets the answer that it had', async () => {
  listed = await app.ask(session, { counter: 4, ...listing });
  await app.ask(session, { counter: 5, type: 'ping', payload: null });
  const refused = await app.send(session, { counter: 6, type: 'ping', payload: null });
  expect(refused.status).toBe(410);
  expect(refused.headers.get('content-type')).toBe('application/problem+json');
  expect(await refused.json()).toMatchObject({ status: 410, code: 'SESSION_EXPIRED' });
  devices.publish('Another.pdf', 1);
  const next = await app.start();
  const again = { counter: 1, ...listing, firstSession: session.sessionId };
  expect(await app.ask(next, again)).toEqual(listed);
  const anew = { counter: 2, type: listing.type, payload: listing.payload };
  expect(JSON.stringify(await app.ask(next, anew))).toContain('Another.pdf');
  // What is not idempotent is never done a second time.
  const made = { type: 'chargen', payload: { bytes: 1 }, requestId: 'EBESExQVFhcYGRobHB0eHw' };
  await app.read(next, { counter: 3, ...made });
  expect(await app.ask(next, { counter: 4, ...made, firstSession: next.sessionId })).toMatchObject({
    PayloadType: 'Error',
    Payload: { code: 'RESULT_UNKNOWN' },
  });
  const replayed = await app.send(next, { counter: 4, ...made });
  expect([replayed.status, await replayed.json()]).toMatchObject([409, { code: 'REQUEST_REPLAYED' }]);
});
