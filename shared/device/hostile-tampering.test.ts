// A relay between app and agent that swaps, moves and changes what it passes on, and the agent's key: nothing decrypts
// elsewhere, nothing changed is executed or taken, and each attack ends in its code.
import { expect, test } from 'vitest';
import { codeOf, relayedDevice, requestsOf } from '../testing/relayed-device.ts';
import { bytesOf, withBytes, type RelayCall, type ScriptedAgent } from '../testing/scripted-agent.ts';
import type { GatehouseError } from '../contracts/errors.ts';
import { newIdentity } from './agent.ts';
import { concat, u64, type Bytes } from './bytes.ts';
import type { Session } from './index.ts';

const idempotent = { idempotent: true };

const flipped = (bytes: Bytes, at: number): Bytes =>
  bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));

test('answers swapped between two requests of a session are refused', async () => {
  const { agent, session } = await relayedDevice();
  const answers = new Map<number, Response>();
  let calls = 0;
  agent.relay = async (call, pass) => {
    const mine = calls;
    calls += 1;
    answers.set(mine, await pass(call));
    while (answers.size < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    return answers.get(1 - mine)!;
  };
  const codes = await Promise.all([codeOf(session.request('write', 1)), codeOf(session.request('write', 2))]);
  expect(codes).toEqual(['RESULT_UNKNOWN', 'RESULT_UNKNOWN']);
});

test('answers swapped between two sessions are refused', async () => {
  const { agent, device, key, session } = await relayedDevice();
  const other = await device.login(key);
  await other.request('write', 'other');
  const call = requestsOf(agent)[0]!;
  agent.relay = async (mine, pass) => {
    await pass(mine);
    return pass({ ...call, headers: { ...call.headers, 'x-session-id': other.sessionId } });
  };
  const stolen = await other.request('write', 'x').catch((error: unknown) => (error as GatehouseError).code);
  expect(stolen).toBe('RESULT_UNKNOWN');
  const answer = await recorded(agent, other);
  agent.relay = async () => withBytes(new Response(), answer);
  expect(await codeOf(session.request('read', 1, idempotent))).toBe('ANSWER_NOT_AUTHENTIC');
});

test('a request moved to another session, and one whose direction is crossed, are refused', async () => {
  const { agent, device, key, session } = await relayedDevice();
  const other = await device.login(key);
  await session.request('write', 1);
  const call = requestsOf(agent)[0]!;
  const moved = await agent.pass({ ...call, headers: { ...call.headers, 'x-session-id': other.sessionId } });
  expect(((await moved.json()) as { code: string }).code).toBe('REQUEST_NOT_AUTHENTIC');
  agent.relay = async (mine) => new Response(mine.body);
  expect(await codeOf(session.request('read', 2, idempotent))).toBe('ANSWER_NOT_AUTHENTIC');
  agent.relay = async (_, pass) => {
    const answer = await bytesOf(await pass(call));
    return pass({ ...call, body: answer });
  };
  expect(await codeOf(session.request('write', 3))).toBe('RESULT_UNKNOWN');
  expect(agent.executed).toHaveLength(1);
});

test('a counter that is rewound or changed does not decrypt', async () => {
  const { agent, session } = await relayedDevice();
  await session.request('write', 1);
  await session.request('write', 2);
  const second = requestsOf(agent)[1]!;
  for (const counter of [0, 1, 3, 1000, 1001, Number.MAX_SAFE_INTEGER]) {
    const body = concat(second.body.subarray(0, 1), u64(counter), second.body.subarray(9));
    const code = ((await (await agent.pass({ ...second, body })).json()) as { code: string }).code;
    expect([counter, code]).toEqual([counter, counter > 1000 ? 'SESSION_EXPIRED' : 'REQUEST_NOT_AUTHENTIC']);
  }
  expect(agent.executed).toHaveLength(2);
  expect(await session.request('write', 3)).toBe(3);
});

test('no flipped bit and no truncation of a request is executed', async () => {
  const { agent, session } = await relayedDevice();
  let sealed: RelayCall | null = null;
  agent.relay = async (call, pass) => {
    sealed = call;
    for (let at = 0; at < call.body.length; at += 1) {
      await pass({ ...call, body: flipped(call.body, at) });
      await pass({ ...call, body: call.body.slice(0, at) });
    }
    return pass(call);
  };
  expect(await session.request('write', 'value')).toBe('value');
  expect(sealed).not.toBeNull();
  expect(agent.executed).toHaveLength(1);
});

test('no flipped bit and no truncation of an answer is taken', async () => {
  const { agent, session } = await relayedDevice();
  let length = 1;
  for (let at = 0; at < length; at += 3) {
    const damage = [
      (bytes: Bytes): Bytes => flipped(bytes, at),
      (bytes: Bytes): Bytes => bytes.slice(0, at),
      (bytes: Bytes): Bytes => concat(bytes, Uint8Array.of(0)),
    ];
    for (const change of damage) {
      agent.relay = async (call, pass) => {
        const answer = await bytesOf(await pass(call));
        length = answer.length;
        return new Response(change(answer));
      };
      expect(await codeOf(session.request('write', 'value'))).toBe('RESULT_UNKNOWN');
    }
  }
});

test('no flipped bit of a start or its answer, and no other session id, is taken', async () => {
  const { agent, device, key } = await relayedDevice();
  for (let at = 0; at < 162; at += 5) {
    agent.relay = async (call, pass) => pass({ ...call, body: flipped(call.body, at) });
    expect(await codeOf(device.login(key))).toBe('device_start_invalid');
    agent.relay = async (call, pass) => {
      const answer = await pass(call);
      return withBytes(answer, flipped(await bytesOf(answer), at));
    };
    expect(await codeOf(device.login(key))).toBe('AGENT_NOT_AUTHENTIC');
  }
  agent.relay = async (call, pass) => {
    const answer = await pass(call);
    return new Response(await bytesOf(answer), { headers: { 'x-session-id': 'session-of-the-relay' } });
  };
  expect(await codeOf(device.login(key))).toBe('AGENT_NOT_AUTHENTIC');
});

test('an agent’s key that was swapped stops the app before it sends anything', async () => {
  const { agent, device, key, session } = await relayedDevice({
    limits: { lifetimeSeconds: 900, requests: 1 },
  });
  await session.request('write', 1);
  agent.identity = await newIdentity();
  await device.loadAgentInfo();
  const before = agent.calls.filter(({ operation }) => operation !== 'agentinfo').length;
  expect(await codeOf(device.login(key))).toBe('AGENT_PUBLIC_KEY_CHANGED');
  expect(await codeOf(session.request('write', 2))).toBe('AGENT_PUBLIC_KEY_CHANGED');
  expect(agent.calls.filter(({ operation }) => operation !== 'agentinfo')).toHaveLength(before);
});

/** The bytes of a genuine answer in `session`. */
async function recorded(agent: ScriptedAgent, session: Session): Promise<Bytes> {
  let bytes: Bytes = new Uint8Array();
  agent.relay = async (call, pass) => {
    const answer = await pass(call);
    bytes = await bytesOf(answer.clone());
    return answer;
  };
  await session.request('write', 'recorded');
  return bytes;
}
