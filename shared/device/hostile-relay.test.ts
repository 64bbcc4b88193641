// A relay between app and agent that does its worst: each attack ends in its code, nothing decrypts elsewhere, and no
// request is executed twice.
import { expect, test } from 'vitest';
import { GatehouseError, type ErrorCode } from '../contracts/errors.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import {
  bytesOf,
  problem,
  ScriptedAgent,
  serviceId,
  tokens,
  withBytes,
  type RelayCall,
  type ScriptedAgentOptions,
} from '../testing/scripted-agent.ts';
import { newIdentity } from './agent.ts';
import { concat, u64, type Bytes } from './bytes.ts';
import { Device, type DeviceKey, type Session } from './index.ts';

interface World {
  readonly agent: ScriptedAgent;
  readonly device: Device;
  readonly key: DeviceKey;
  readonly session: Session;
  readonly clock: FakeClock;
}

const idempotent = { idempotent: true };

async function world(options: ScriptedAgentOptions = {}): Promise<World> {
  const clock = new FakeClock();
  const agent = await ScriptedAgent.create({ clock, idempotent: ['read'], ...options });
  const device = new Device(tokens, { relay: 'https://relay.example', serviceId, fetch: agent.fetch, clock });
  await device.loadAgentInfo();
  const key = await device.registerAs('Tests');
  return { agent, device, key, session: await device.login(key), clock };
}

async function codeOf(outcome: Promise<unknown>): Promise<ErrorCode | 'none'> {
  try {
    await outcome;
    return 'none';
  } catch (error) {
    return error instanceof GatehouseError ? error.code : 'internal';
  }
}

const flipped = (bytes: Bytes, at: number): Bytes =>
  bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));

function only(agent: ScriptedAgent): RelayCall[] {
  return agent.calls.filter(({ operation }) => operation === 'requests');
}

test('a request that is replayed is refused, and is executed once', async () => {
  const { agent, session } = await world();
  expect(await session.request('write', 1)).toBe(1);
  const again = await agent.pass(only(agent)[0]!);
  expect(((await again.json()) as { code: string }).code).toBe('REQUEST_REPLAYED');
  expect(agent.executed).toHaveLength(1);
  expect([...agent.sessions.values()][0]?.replays).toBe(1);
});

test('a request that is duplicated at once is executed once', async () => {
  const { agent, session } = await world();
  agent.relay = async (call, pass) => (await Promise.all([pass(call), pass(call)]))[1];
  expect(await codeOf(session.request('write', 1))).toBe('RESULT_UNKNOWN');
  expect(agent.executed).toHaveLength(1);
});

test('of a duplicated idempotent request the app still gets the answer', async () => {
  const { agent, session } = await world();
  agent.relay = async (call, pass) => (await Promise.all([pass(call), pass(call)]))[1];
  agent.relay = once(agent.relay);
  expect(await session.request('read', 1, idempotent)).toBe(1);
  expect(agent.executed).toHaveLength(1);
});

test('requests in any order are each executed once', async () => {
  const { agent, session } = await world();
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
  const { agent, session } = await world();
  agent.relay = async () => problem({ code: 'service_offline', message: 'Offline.' }, 503);
  expect(await codeOf(session.request('write', 1))).toBe('RESULT_UNKNOWN');
  expect(only(agent)).toHaveLength(1);
});

test('an answer that is dropped after the request was executed does not execute it again', async () => {
  const { agent, session } = await world();
  agent.relay = once(async (call, pass) => {
    await pass(call);
    throw new TypeError('broken off');
  });
  expect(await session.request('read', 1, idempotent)).toBe(1);
  expect(agent.executed).toHaveLength(1);
});

test('a call marked idempotent that the agent holds for none ends in RESULT_UNKNOWN', async () => {
  const { agent, session } = await world();
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
    const { agent, session } = await world();
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
  const { agent, session } = await world();
  agent.relay = async (call, pass) =>
    call.operation === 'requests' ? problem({ code: 'SESSION_EXPIRED', message: 'Forged.' }) : pass(call);
  expect(await codeOf(session.request('read', 1, idempotent))).toBe('SESSION_EXPIRED');
  expect(only(agent).length).toBeLessThanOrEqual(3);
});

test('answers swapped between two requests of a session are refused', async () => {
  const { agent, session } = await world();
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
  const { agent, device, key, session } = await world();
  const other = await device.login(key);
  await other.request('write', 'other');
  const call = only(agent)[0]!;
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
  const { agent, device, key, session } = await world();
  const other = await device.login(key);
  await session.request('write', 1);
  const call = only(agent)[0]!;
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
  const { agent, session } = await world();
  await session.request('write', 1);
  await session.request('write', 2);
  const second = only(agent)[1]!;
  for (const counter of [0, 1, 3, 1000, 1001, Number.MAX_SAFE_INTEGER]) {
    const body = concat(second.body.subarray(0, 1), u64(counter), second.body.subarray(9));
    const code = ((await (await agent.pass({ ...second, body })).json()) as { code: string }).code;
    expect([counter, code]).toEqual([counter, counter > 1000 ? 'SESSION_EXPIRED' : 'REQUEST_NOT_AUTHENTIC']);
  }
  expect(agent.executed).toHaveLength(2);
  expect(await session.request('write', 3)).toBe(3);
});

test('no flipped bit and no truncation of a request is executed', async () => {
  const { agent, session } = await world();
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
  const { agent, session } = await world();
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

test('a start that is replayed opens no session for its sender', async () => {
  const { agent } = await world();
  const start = agent.calls.find(({ operation }) => operation === 'start')!;
  const answer = await agent.pass(start);
  expect(((await answer.json()) as { code: string }).code).toBe('device_start_replayed');
  expect(agent.sessions.size).toBe(1);
});

test('no flipped bit of a start or its answer, and no other session id, is taken', async () => {
  const { agent, device, key } = await world();
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
  const { agent, device, key, session } = await world({ limits: { lifetimeSeconds: 900, requests: 1 } });
  await session.request('write', 1);
  agent.identity = await newIdentity();
  await device.loadAgentInfo();
  const before = agent.calls.filter(({ operation }) => operation !== 'agentinfo').length;
  expect(await codeOf(device.login(key))).toBe('AGENT_PUBLIC_KEY_CHANGED');
  expect(await codeOf(session.request('write', 2))).toBe('AGENT_PUBLIC_KEY_CHANGED');
  expect(agent.calls.filter(({ operation }) => operation !== 'agentinfo')).toHaveLength(before);
});

test('1000 parallel requests around the expiry are each executed once and answered', async () => {
  const { agent, session, clock } = await world({ limits: { lifetimeSeconds: 900, requests: 150 } });
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
  const { agent, session } = await world();
  await session.request('read', 1, idempotent);
  agent.restart();
  expect(await session.request('read', 2, idempotent)).toBe(2);
});

function once(relay: ScriptedAgent['relay']): ScriptedAgent['relay'] {
  let done = false;
  return async (call, pass) => {
    if (done || call.operation !== 'requests') return pass(call);
    done = true;
    return relay(call, pass);
  };
}

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
