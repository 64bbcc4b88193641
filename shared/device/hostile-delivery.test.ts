// A relay between app and agent that passes calls on twice, late, in another order or not at all, and forges refusals: no
// request is executed twice, and each that has no answer ends in its code.
import { expect, test } from 'vitest';
import { codeOf, relayedDevice, requestsOf } from '../testing/relayed-device.ts';
import { problem, type RelayCall, type ScriptedAgent } from '../testing/scripted-agent.ts';

const idempotent = { idempotent: true };

test('a request that is replayed is refused, and is executed once', async () => {
  const { agent, session } = await relayedDevice();
  expect(await session.request('write', 1)).toBe(1);
  const again = await agent.pass(requestsOf(agent)[0]!);
  expect(((await again.json()) as { code: string }).code).toBe('REQUEST_REPLAYED');
  expect(agent.executed).toHaveLength(1);
  expect([...agent.sessions.values()][0]?.replays).toBe(1);
});

test('a request that is duplicated at once is executed once', async () => {
  const { agent, session } = await relayedDevice();
  agent.relay = async (call, pass) => {
    const answers = await Promise.all([pass(call), pass(call)]);
    // Which of the two was first, only the agent knows: the app gets what the other one was told.
    return answers.find(({ status }) => status !== 200) ?? answers[1];
  };
  expect(await codeOf(session.request('write', 1))).toBe('RESULT_UNKNOWN');
  expect(agent.executed).toHaveLength(1);
});

test('of a duplicated idempotent request the app still gets the answer', async () => {
  const { agent, session } = await relayedDevice();
  agent.relay = async (call, pass) => (await Promise.all([pass(call), pass(call)]))[1];
  agent.relay = once(agent.relay);
  expect(await session.request('read', 1, idempotent)).toBe(1);
  expect(agent.executed).toHaveLength(1);
});

test('requests in any order are each executed once', async () => {
  const { agent, session } = await relayedDevice();
  const held: (() => void)[] = [];
  agent.relay = async (call, pass) => {
    await new Promise<void>((resolve) => held.push(resolve));
    return pass(call);
  };
  const answers = Promise.all([1, 2, 3, 4, 5].map((value) => session.request('write', value)));
  while (held.length < 5) await new Promise((resolve) => setTimeout(resolve, 1));
  for (const release of held.reverse()) release();
  expect(await answers).toEqual([1, 2, 3, 4, 5]);
  expect(new Set(agent.executed).size).toBe(5);
});

test('a request that is dropped ends in RESULT_UNKNOWN, and is not sent again', async () => {
  const { agent, session } = await relayedDevice();
  agent.relay = async () => problem({ code: 'service_offline', message: 'Offline.' }, 503);
  expect(await codeOf(session.request('write', 1))).toBe('RESULT_UNKNOWN');
  expect(requestsOf(agent)).toHaveLength(1);
});

test('an answer that is dropped after the request was executed does not execute it again', async () => {
  const { agent, session } = await relayedDevice();
  agent.relay = once(async (call, pass) => {
    await pass(call);
    throw new TypeError('broken off');
  });
  expect(await session.request('read', 1, idempotent)).toBe(1);
  expect(agent.executed).toHaveLength(1);
});

test('a call marked idempotent that the agent holds for none ends in RESULT_UNKNOWN', async () => {
  const { agent, session } = await relayedDevice();
  agent.relay = once(async (call, pass) => {
    await pass(call);
    throw new TypeError('broken off');
  });
  expect(await codeOf(session.request('write', 1, idempotent))).toBe('RESULT_UNKNOWN');
  expect(agent.executed).toHaveLength(1);
});

test.each(['SESSION_EXPIRED', 'SESSION_UNKNOWN'] as const)(
  'a forged %s makes nothing run twice',
  async (code) => {
    const { agent, session } = await relayedDevice();
    const forge = once(async (call: RelayCall, pass: (call: RelayCall) => Promise<Response>) => {
      await pass(call);
      return problem({ code, message: 'Forged.' });
    });
    agent.relay = forge;
    const before = session.sessionId;
    expect(await session.request('read', 'a', idempotent)).toBe('a');
    expect(session.sessionId).not.toBe(before);
    agent.relay = once(async (call, pass) => {
      await pass(call);
      return problem({ code, message: 'Forged.' });
    });
    expect(await codeOf(session.request('write', 'b'))).toBe('RESULT_UNKNOWN');
    expect(agent.executed).toHaveLength(2);
    expect(await session.request('write', 'c')).toBe('c');
  },
);

test('a relay that forges SESSION_EXPIRED for ever is given up on', async () => {
  const { agent, session } = await relayedDevice();
  agent.relay = async (call, pass) =>
    call.operation === 'requests' ? problem({ code: 'SESSION_EXPIRED', message: 'Forged.' }) : pass(call);
  expect(await codeOf(session.request('read', 1, idempotent))).toBe('SESSION_EXPIRED');
  expect(requestsOf(agent).length).toBeLessThanOrEqual(3);
});

test('a start that is replayed opens no session for its sender', async () => {
  const { agent } = await relayedDevice();
  const start = agent.calls.find(({ operation }) => operation === 'start')!;
  const answer = await agent.pass(start);
  expect(((await answer.json()) as { code: string }).code).toBe('device_start_replayed');
  expect(agent.sessions.size).toBe(1);
});

test('1000 parallel requests around the expiry are each executed once and answered', async () => {
  const { agent, session, clock } = await relayedDevice({ limits: { lifetimeSeconds: 900, requests: 150 } });
  let passed = 0;
  agent.relay = async (call, pass) => {
    passed += 1;
    if (passed % 400 === 0) clock.advance(901_000);
    return pass(call);
  };
  const values = Array.from({ length: 1000 }, (_, index) => index);
  const answers = await Promise.all(values.map((value) => session.request('read', value, idempotent)));
  expect(answers).toEqual(values);
  expect(new Set(agent.executed).size).toBe(1000);
  expect(agent.executed).toHaveLength(1000);
});

test('a restarted agent ends all sessions, and the app starts a new one by itself', async () => {
  const { agent, session } = await relayedDevice();
  await session.request('read', 1, idempotent);
  agent.restart();
  expect(await session.request('read', 2, idempotent)).toBe(2);
});

/** Only the first request is for this relay; all else is passed on. */
function once(relay: ScriptedAgent['relay']): ScriptedAgent['relay'] {
  let done = false;
  return async (call, pass) => {
    if (done || call.operation !== 'requests') return pass(call);
    done = true;
    return relay(call, pass);
  };
}
