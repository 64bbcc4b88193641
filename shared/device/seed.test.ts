// The German seed (ende-zu-ende-verschluesselung.txt), sentence by sentence, as far as it is the protocol's: each test is
// named by the words it holds, and fails without what they promise. The service's own part of a sentence is in the specs
// of electron/core, the relay's in shared/relay, under the same words.
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { bytesOf, ScriptedAgent, serviceId, tokens } from '../testing/scripted-agent.ts';
import { answerStart, newBlobKey, newIdentity, sign } from './agent.ts';
import { beginStart } from './app-handshake.ts';
import { encryptBlob } from './blobs.ts';
import { equalBytes, utf8, type Bytes } from './bytes.ts';
import {
  answerStatement,
  decodeStart,
  decodeStartAnswer,
  encodeStartAnswer,
  sessionKeys,
  startStatement,
  transcriptHash,
} from './handshake.ts';
import { Device, type DeviceKey } from './index.ts';
import { direction, openMessage, sealMessage } from './messages.ts';
import {
  newEphemeral,
  pointOf,
  randomBytes,
  sharedSecret,
  signatureLength,
  verifyP256,
} from './primitives.ts';

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
const latin = (bytes: Bytes): string => new TextDecoder('latin1').decode(bytes);

describe('„Dabei werden die folgenden Algorithmen verwendet“', () => {
  test('„ECDH/ECDSA on curve P-256 für den Schlüsselaustausch“', async () => {
    const { identity } = await registered();
    expect(identity.keys.privateKey.algorithm).toMatchObject({ name: 'ECDSA', namedCurve: 'P-256' });
    expect(identity.point).toHaveLength(65);
    expect(await verifyP256(identity.keys.publicKey, randomBytes(signatureLength), utf8('x'))).toBe(false);
    const facts = { serviceId, issuer: 'i', subject: 's' };
    const { message } = await beginStart({ identity, agentPublicKey: agent.identity, ...facts });
    const { ephemeral, nonce, signature } = decodeStart(message)!;
    const points = { agentPoint: agent.identity.point, devicePoint: identity.point };
    const statement = startStatement({ ...facts, ...points }, nonce, ephemeral);
    expect(await verifyP256(identity.keys.publicKey, signature, statement)).toBe(true);
    const other = await newEphemeral();
    expect(other.privateKey.algorithm).toMatchObject({ name: 'ECDH', namedCurve: 'P-256' });
    // The ephemeral that travels is a point on P-256 of its own, which agrees on a secret with another one.
    expect(equalBytes(ephemeral, identity.point)).toBe(false);
    expect(await sharedSecret(other.privateKey, ephemeral)).toHaveLength(32);
    expect(
      await sharedSecret(
        other.privateKey,
        ephemeral.map((byte) => byte ^ 1),
      ),
    ).toBeNull();
  });

  test('„AES-GCM 256bit für die symmetrische Verschlüsselung“', async () => {
    const keys = await sessionKeys(randomBytes(32), randomBytes(32));
    for (const key of [keys.toAgent, keys.toApp]) {
      expect(key.algorithm).toMatchObject({ name: 'AES-GCM', length: 256 });
      expect(key.extractable).toBe(false);
    }
  });
});

describe('„Dabei wird sichergestellt“', () => {
  test('„Bevor das Gerät eine verschlüsselte Verbindung aufbauen kann, muss es sich … authentifizieren“', async () => {
    const key = await registered();
    await device.login(key);
    for (const { headers } of agent.calls) expect(headers.authorization).toMatch(/^Bearer ./);
    const before = agent.calls.length;
    const failing = { token: async (): Promise<string> => Promise.reject(new Error('not signed in')) };
    const stranger = new Device(failing, { relay, serviceId, fetch: agent.fetch });
    await expect(stranger.loadAgentInfo()).rejects.toThrow('not signed in');
    expect(agent.calls).toHaveLength(before);
  });

  test('„Geheime Schlüssel (Private Keys) bleiben jeweils in den Endpunkten“', async () => {
    const { identity } = await registered();
    const { privateKey } = identity.keys;
    await expect(crypto.subtle.exportKey('pkcs8', privateKey)).rejects.toThrow(/extractable/i);
    await expect(crypto.subtle.exportKey('jwk', privateKey)).rejects.toThrow(/extractable/i);
  });

  test('„Nur die öffentlichen Schlüssel … sind den jeweils anderen Endpunkten bekannt“', async () => {
    await registered();
    const body = JSON.parse(new TextDecoder().decode(agent.calls.at(-1)?.body)) as {
      readonly PublicKey: object;
    };
    expect(Object.keys(body.PublicKey).sort()).toEqual(['crv', 'kty', 'x', 'y']);
  });

  test('„werden kurzlebige verschlüsselte Verbindungen abgeleitet“: no two are the same', async () => {
    const key = await registered();
    const sessions = [await device.login(key), await device.login(key)];
    await Promise.all(sessions.map((session) => session.request('read', 'same')));
    const [first, second] = ofRequests();
    expect(sessions[0]?.sessionId).not.toBe(sessions[1]?.sessionId);
    expect(equalBytes(first!.subarray(9, 20), second!.subarray(9, 20))).toBe(false);
  });

  test('„(Perfect Forward Secrecy)“: both identity keys and all that was recorded give no key', async () => {
    const [agentKey, deviceKey] = [
      await newIdentity({ extractable: true }),
      await newIdentity({ extractable: true }),
    ];
    const facts = { serviceId, issuer: 'i', subject: 's' };
    const sessionId = 'recorded-session';
    const pending = await beginStart({ identity: deviceKey, agentPublicKey: agentKey, ...facts });
    const { message } = pending;
    const who = { identity: agentKey, ...facts, devicePublicKey: deviceKey };
    const { answer } = await answerStart({ ...who, message, sessionId });
    const place = { sessionId, direction: direction.toAgent, counter: 1 };
    const recorded = await sealMessage(
      (await pending.finish(answer, sessionId)).keys.toAgent,
      place,
      utf8('x'),
    );
    const points = { agentPoint: agentKey.point, devicePoint: deviceKey.point };
    const [start, answered] = [decodeStart(message)!, decodeStartAnswer(answer)!];
    const statement = startStatement({ ...facts, ...points }, start.nonce, start.ephemeral);
    const transcript = await transcriptHash(statement, start.signature, answered, sessionId);
    for (const leaked of [agentKey, deviceKey]) {
      const pkcs8 = await crypto.subtle.exportKey('pkcs8', leaked.keys.privateKey);
      const ecdh = { name: 'ECDH', namedCurve: 'P-256' };
      const asEcdh = await crypto.subtle.importKey('pkcs8', pkcs8, ecdh, false, ['deriveBits']);
      for (const point of [start.ephemeral, answered.ephemeral, agentKey.point, deviceKey.point]) {
        const guessed = await sessionKeys((await sharedSecret(asEcdh, point))!, transcript);
        expect(await openMessage(guessed.toAgent, place, recorded)).toBeNull();
      }
    }
    const again = await beginStart({ identity: deviceKey, agentPublicKey: agentKey, ...facts });
    expect(equalBytes(decodeStart(again.message)!.ephemeral, start.ephemeral)).toBe(false);
    const other = decodeStartAnswer((await answerStart({ ...who, message, sessionId })).answer)!;
    expect(equalBytes(other.ephemeral, answered.ephemeral)).toBe(false);
    expect(equalBytes(other.nonce, answered.nonce)).toBe(false);
    // What made the keys is gone once they are made: the same start gives them no second time.
    await expect(pending.finish(answer, sessionId)).rejects.toMatchObject({ code: 'AGENT_NOT_AUTHENTIC' });
  });

  test('„Nach 15 Minutes … wird eine neue verschlüsselte Verbindung etabliert“', async () => {
    const session = await device.login(await registered());
    await session.request('write', 1);
    const [first] = agent.sessions.values();
    clock.advance(15 * 60_000);
    await session.request('write', 2);
    expect(called().filter((name) => name === 'start')).toHaveLength(2);
    expect(first?.state).toBe('ended');
  });

  test('„oder 1000 Anfragen“', async () => {
    const session = await device.login(await registered());
    for (let count = 0; count < 1001; count += 1) await session.request('write', count);
    expect([...agent.sessions.values()].map(({ requests }) => requests)).toEqual([1000, 1]);
  });

  test('„Daten aus der alten können nicht mehr wiederhergestellt werden“: its keys are gone', async () => {
    const session = await device.login(await registered());
    await session.request('write', 1);
    const old = agent.calls.at(-1)!;
    const [ended] = agent.sessions.values();
    clock.advance(15 * 60_000);
    clock.advance(30_000);
    expect(ended?.state).toBe('ended');
    const answer = (await (await agent.pass(old)).json()) as { readonly code: string };
    expect(answer.code).toBe('SESSION_EXPIRED');
  });

  test.each([
    { lifetimeSeconds: 901, requests: 1000 },
    { lifetimeSeconds: 900, requests: 1001 },
    { lifetimeSeconds: 0, requests: 1 },
  ])('nor does an agent’s own signature grant a session more: %o', async (limits) => {
    const [agentKey, deviceKey] = [await newIdentity(), await newIdentity()];
    const facts = { serviceId, issuer: 'i', subject: 's' };
    const pending = await beginStart({ identity: deviceKey, agentPublicKey: agentKey, ...facts });
    const start = decodeStart(pending.message)!;
    const points = { agentPoint: agentKey.point, devicePoint: deviceKey.point };
    const statement = startStatement({ ...facts, ...points }, start.nonce, start.ephemeral);
    const ours = {
      nonce: randomBytes(32),
      ephemeral: await pointOf((await newEphemeral()).publicKey),
      limits,
    };
    const transcript = await transcriptHash(statement, start.signature, ours, 'a-long-enough-id');
    const signature = await sign(agentKey, answerStatement(transcript));
    const answer = encodeStartAnswer({ ...ours, signature });
    await expect(pending.finish(answer, 'a-long-enough-id')).rejects.toMatchObject({
      code: 'AGENT_NOT_AUTHENTIC',
      message: expect.stringContaining('grants more') as string,
    });
  });

  test('„Es werden separate Schlüssel für den Versand und den Empfang von Daten verwendet“', async () => {
    const keys = await sessionKeys(randomBytes(32), randomBytes(32));
    const place = { sessionId: 's', direction: direction.toAgent, counter: 1 };
    const sealed = await sealMessage(keys.toAgent, place, utf8('x'));
    expect(await openMessage(keys.toAgent, place, sealed)).toEqual(utf8('x'));
    expect(await openMessage(keys.toApp, place, sealed)).toBeNull();
  });

  test('„Verschlüsselte Anfragen werden nur einmal akzeptiert“ (Replay Attack Protection)', async () => {
    const session = await device.login(await registered());
    await session.request('write', 1);
    const answer = (await (await agent.pass(agent.calls.at(-1)!)).json()) as { readonly code: string };
    expect([answer.code, agent.executed.length]).toEqual(['REQUEST_REPLAYED', 1]);
  });

  test('„Jede Dokumentversion hat seinen eigenen eindeutigen geheimen Schlüssel“', async () => {
    const keys = Array.from({ length: 100 }, () => latin(newBlobKey()));
    expect(new Set(keys).size).toBe(100);
    const facts = { version: 'v', length: 3 };
    const seal = async (): Promise<Bytes> =>
      (await encryptBlob(newBlobKey(), facts, [utf8('abc')]).next()).value as Bytes;
    expect(equalBytes(await seal(), await seal())).toBe(false);
  });

  test('„zusätzlich noch in eine TLS 1.2+ Verbindung eingebettet“: no plain address off loopback', () => {
    for (const address of [
      'http://relay.example',
      'ws://relay.example',
      'relay.example',
      'http://127.0.0.1.example',
    ]) {
      expect(() => new Device(tokens, { relay: address, serviceId })).toThrow(/https/);
    }
    for (const address of [relay, 'http://127.0.0.1:1', 'http://localhost:1', 'http://[::1]:1']) {
      expect(new Device(tokens, { relay: address, serviceId })).toBeInstanceOf(Device);
    }
  });

  test('„Nicht mal STP kann sehen, was zwischen App und Agent übertragen wird“: nor can the relay', async () => {
    const session = await device.login(await registered());
    const seen: string[] = [];
    agent.relay = async (call, pass) => {
      const answer = await pass(call);
      seen.push(latin(call.body), latin(await bytesOf(answer.clone())));
      return answer;
    };
    await session.request('documents.list', 'geheim');
    expect(seen.join('')).not.toMatch(/geheim|documents/);
  });

  test('„Smartphones anderer Benutzer oder Agents anderer Kanzleien, können … nicht entschlüsseln“', async () => {
    const session = await device.login(await registered());
    await session.request('read', 1);
    const other = await ScriptedAgent.create({ clock });
    const stranger = new Device(tokens, { relay, serviceId, fetch: other.fetch, clock });
    await stranger.loadAgentInfo();
    const theirs = await stranger.login(await stranger.registerAs('Other'));
    const moved = { ...agent.calls.at(-1)!, headers: { 'x-session-id': theirs.sessionId } };
    const answer = (await (await other.pass(moved)).json()) as { readonly code: string };
    expect(answer.code).toBe('REQUEST_NOT_AUTHENTIC');
  });
});
