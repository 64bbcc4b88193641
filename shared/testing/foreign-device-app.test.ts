// The app that is written from PROTOCOL.md alone, with this project's agent.
import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { encryptBlob } from '../device/agent.ts';
import { ForeignDeviceApp, openBlob } from './foreign-device-app.ts';
import { issuer, ScriptedAgent, serviceId, subject } from './scripted-agent.ts';

test('an app on other cryptography registers, starts, asks and reads', async () => {
  const body = [new Uint8Array(70_000).fill(5)];
  const agent = await ScriptedAgent.create({
    handler: ({ payloadType, payload }) =>
      payloadType === 'export' ? { payloadType, payload, body } : { payloadType, payload: { echo: payload } },
  });
  const base = `https://relay.example/s/${serviceId}`;
  const fetch = (url: string, init?: RequestInit): Promise<Response> => agent.fetch(url, init);
  const app = new ForeignDeviceApp({ base, serviceId, issuer, subject, token: 'x', fetch });
  const code = randomBytes(16);
  agent.registrationCode = new Uint8Array(code);
  await app.meet();
  await app.register(code);
  const session = await app.start();
  const asked = await app.ask(session, { counter: 1, type: 'echo', payload: 'Öl' });
  expect(asked).toEqual({ PayloadType: 'echo', Payload: { echo: 'Öl' } });
  const streamed = await app.read(session, { counter: 2, type: 'export', payload: 'Öl' });
  expect(streamed.head).toEqual({ PayloadType: 'export', Payload: 'Öl' });
  expect(streamed.body).toEqual(Buffer.alloc(70_000, 5));
});

test('and decrypts a blob, from any chunk on', async () => {
  const [key, content] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(200_000))];
  const size = content.length;
  const version = createHash('sha256').update(content).digest('hex');
  const parts: Uint8Array[] = [];
  for await (const part of encryptBlob(key, { version, length: size }, [content])) parts.push(part);
  const sealed = Buffer.concat(parts);
  expect(openBlob({ key, version, size }, sealed)).toEqual(Buffer.from(content));
  const rest = openBlob({ key, version, size }, sealed.subarray(2 * 65_552), 2);
  expect(rest).toEqual(Buffer.from(content.subarray(2 * 65_536)));
});
