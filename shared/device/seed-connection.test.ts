// The German seed (ende-zu-ende-verschluesselung.txt), its sections „Verbindungsaufbau“ and „Verbindung“: each test is named
// by the words it holds, and fails without what they say. What the seed promises is in seed.test.ts.
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { problem, ScriptedAgent, serviceId, tokens } from '../testing/scripted-agent.ts';
import { newIdentity } from './agent.ts';
import { equalBytes, type Bytes } from './bytes.ts';
import { Device, KeyStore, memoryKeys, type DeviceKey } from './index.ts';
import { readMessageHead } from './messages.ts';
import { pointOf } from './primitives.ts';

const relay = 'https://relay.example';
let clock: FakeClock;
let agent: ScriptedAgent;
let device: Device;

beforeEach(async () => {
  clock = new FakeClock();
  agent = await ScriptedAgent.create({ clock, idempotent: ['read'] });
  device = new Device(tokens, { relay, serviceId, fetch: agent.fetch, clock });
});

async function registered(): Promise<DeviceKey> {
  await device.loadAgentInfo();
  return device.registerAs('Example Application');
}

const called = (): string[] => agent.calls.map(({ operation }) => operation);
const ofRequests = (): Bytes[] =>
  agent.calls.filter(({ operation }) => operation === 'requests').map(({ body }) => body);

describe('„Verbindungsaufbau“', () => {
  test('the seed’s own program runs, name by name', async () => {
    const keys = new KeyStore('local-keys', memoryKeys());
    await keys.prepare();
    using seed = new Device(tokens, { relay, serviceId, fetch: agent.fetch, clock });
    await seed.loadAgentInfo();
    expect(seed.agent.fingerprint).toBe(agent.identity.fingerprint);
    const deviceName = 'Example Application';
    if (!keys.contains(deviceName)) {
      keys.add(deviceName, await seed.registerAs(deviceName));
      await keys.postpare();
    }
    using session = await seed.login(keys.get(deviceName));
    expect(session.sessionId).toMatch(/^[A-Za-z0-9_-]{16,64}$/);
    expect(await session.request('read', { of: 'agent' })).toEqual({ of: 'agent' });
    expect(called()).toEqual(['agentinfo', 'register', 'start', 'requests']);
  });

  test('the seed’s addresses, headers and names are on the wire', async () => {
    const urls: string[] = [];
    const fetch = async (input: unknown, init?: RequestInit): Promise<Response> => {
      urls.push(String(input).replace(`${relay}/s/${serviceId}`, ''));
      return agent.fetch(input, init);
    };
    const seed = new Device(tokens, { relay, serviceId, fetch: fetch, clock });
    await seed.loadAgentInfo();
    const key = await seed.registerAs('Example Application');
    const session = await seed.login(key);
    await session.request('read');
    expect(urls).toEqual([
      '/api/sessions/agentinfo?api-version=1.0',
      '/api/sessions/register?api-version=1.0',
      '/api/sessions/start?api-version=1.0',
      '/api/requests?api-version=2.0',
    ]);
    const [, register, start, request] = agent.calls;
    expect(JSON.parse(new TextDecoder().decode(register?.body))).toEqual({
      Device: 'Example Application',
      DeviceFingerprint: key.identity.fingerprint,
      PublicKey: key.identity.jwk,
    });
    expect(start?.headers.device).toBe(key.identity.fingerprint);
    expect(request?.headers['x-session-id']).toBe(session.sessionId);
  });

  test('„Der geheime Schlüssel wird mit dem öffentlichen Schlüssel des Agenten verbunden“', async () => {
    const key = await registered();
    expect(key.agent.fingerprint).toBe(agent.identity.fingerprint);
    expect(equalBytes(key.agent.point, await pointOf(agent.identity.keys.publicKey))).toBe(true);
  });

  test('„Anschließend kennen sowohl App als auch Agent jeweils die öffentlichen Schlüssel der anderen Seite“', async () => {
    await device.login(await registered());
    const stranger = { ...(await registered()), identity: await newIdentity() };
    await expect(device.login(stranger)).rejects.toMatchObject({ code: 'device_unknown' });
  });

  test('„Trust On First Use“: both sides show the same full fingerprint of each key', async () => {
    const key = await registered();
    const { DeviceFingerprint } = JSON.parse(new TextDecoder().decode(agent.calls.at(-1)?.body)) as {
      readonly DeviceFingerprint: string;
    };
    expect([device.agent.fingerprint, DeviceFingerprint]).toEqual([
      agent.identity.fingerprint,
      key.identity.fingerprint,
    ]);
    expect(DeviceFingerprint).toMatch(/^[0-9a-f]{64}$/);
  });

  test('„könnte es sein, dass die App sich bei einem vorgetäuschten Agenten verbindet“: not once registered', async () => {
    const key = await registered();
    const impostor = await newIdentity();
    agent.relay = async (call, pass) => {
      const answer = await pass(call);
      if (call.operation !== 'start') return answer;
      agent.identity = impostor;
      return pass({ ...call, body: call.body });
    };
    await expect(device.login(key)).rejects.toMatchObject({ code: 'device_start_invalid' });
  });

  test('„throw new Exception("AGENT_PUBLIC_KEY_CHANGED")“ before the start', async () => {
    const key = await registered();
    agent.identity = await newIdentity();
    await device.loadAgentInfo();
    await expect(device.login(key)).rejects.toMatchObject({ code: 'AGENT_PUBLIC_KEY_CHANGED' });
    expect(called()).not.toContain('start');
  });

  test('a key is another one where its fingerprint differs in the last digit alone', async () => {
    const key = await registered();
    const { fingerprint } = key.agent;
    const near = `${fingerprint.slice(0, -1)}${fingerprint.endsWith('0') ? '1' : '0'}`;
    const ground = { ...key, agent: { ...key.agent, fingerprint: near } };
    await expect(device.login(ground)).rejects.toMatchObject({ code: 'AGENT_PUBLIC_KEY_CHANGED' });
    expect(called()).not.toContain('start');
  });
});

describe('„Verbindung“', () => {
  test('„PayloadType = …, Payload = …“ in UTF-8, encrypted', async () => {
    let seen: unknown;
    agent = await ScriptedAgent.create({
      clock,
      handler: (request) => {
        seen = request;
        return { payloadType: 'Antwort', payload: 'Grüße' };
      },
    });
    device = new Device(tokens, { relay, serviceId, fetch: agent.fetch, clock });
    const session = await device.login(await registered());
    expect(await session.request('Anfrage', { text: 'Öl ☂' })).toBe('Grüße');
    expect(seen).toMatchObject({ counter: 1, payloadType: 'Anfrage', payload: { text: 'Öl ☂' } });
    expect(readMessageHead(ofRequests()[0]!)).toEqual({ form: 1, counter: 1 });
  });

  test('„muss der Agent mehrere parallele Verbindungen mit mehreren Apps offenhalten“', async () => {
    const keys = [await registered(), await registered(), await registered()];
    const sessions = await Promise.all(keys.map((key) => device.login(key)));
    const answers = sessions.map((session, at) => session.request('read', at));
    expect(await Promise.all(answers)).toEqual([0, 1, 2]);
    expect(agent.sessions.size).toBe(3);
  });

  test('„Wird die App oder der Agent neugestartet, müssen die Verbindungen neu aufgebaut werden“', async () => {
    const key = await registered();
    const session = await device.login(key);
    await session.request('read', 1);
    agent.restart();
    expect(await session.request('read', 2, { idempotent: true })).toBe(2);
    const app = new Device(tokens, { relay, serviceId, fetch: agent.fetch, clock });
    expect(await (await app.login(key)).request('read', 3)).toBe(3);
    expect(called().filter((name) => name === 'start')).toHaveLength(3);
  });

  test('a refusal on the way is nobody’s word: a request that may have run is not sent again', async () => {
    const session = await device.login(await registered());
    agent.relay = async () => problem({ code: 'rpc_unknown', message: 'Forged.' });
    await expect(session.request('write', 1)).rejects.toMatchObject({ code: 'RESULT_UNKNOWN' });
    expect(ofRequests()).toHaveLength(1);
  });
});
