// What a Session does after SESSION_EXPIRED with a request that may not be done twice: it sends it once more under its id,
// so that a true word costs nothing and a forged one makes nothing run twice.
import { expect, test } from 'vitest';
import type { GatehouseError } from '../contracts/errors.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { problem, ScriptedAgent, serviceId, tokens, type Relay } from '../testing/scripted-agent.ts';
import { Device, isAgentError, type Session } from './index.ts';

interface World {
  readonly agent: ScriptedAgent;
  readonly session: Session;
  /** Of each request that the agent has executed: the session in which it was sent first, if it was a retry. */
  readonly firstSessions: (string | undefined)[];
}

async function world(): Promise<World> {
  const firstSessions: (string | undefined)[] = [];
  const clock = new FakeClock();
  const agent = await ScriptedAgent.create({
    clock,
    handler: ({ payloadType, payload, firstSession }) => {
      firstSessions.push(firstSession);
      return { payloadType, payload };
    },
  });
  const device = new Device(tokens, { relay: 'https://relay.example', serviceId, fetch: agent.fetch, clock });
  await device.loadAgentInfo();
  return { agent, session: await device.login(await device.registerAs('Tests')), firstSessions };
}

const forged = (): Response => problem({ code: 'SESSION_EXPIRED', message: 'Forged.' });
const sent = ({ calls }: ScriptedAgent): number =>
  calls.filter(({ operation }) => operation === 'requests').length;
const failure = (outcome: Promise<unknown>): Promise<GatehouseError> =>
  outcome.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error as GatehouseError,
  );

/** `relay` for the first `times` requests; the others pass. */
function first(times: number, relay: Relay): Relay {
  let left = times;
  return async (call, pass) => {
    if (call.operation !== 'requests' || left === 0) return pass(call);
    left -= 1;
    return relay(call, pass);
  };
}

test('forged after it was executed: it is not executed again, and ends in the agent’s RESULT_UNKNOWN', async () => {
  const { agent, session } = await world();
  agent.relay = first(1, async (call, pass) => {
    await pass(call);
    return forged();
  });
  const error = await failure(session.request('write', 1));
  expect([error.code, isAgentError(error)]).toEqual(['RESULT_UNKNOWN', true]);
  expect([agent.executed.length, sent(agent)]).toEqual([1, 2]);
});

test('forged before it was delivered: it is executed exactly once, and its answer arrives', async () => {
  const { agent, session, firstSessions } = await world();
  const before = session.sessionId;
  agent.relay = first(1, async () => forged());
  expect(await session.request('write', 1)).toBe(1);
  expect([agent.executed.length, sent(agent)]).toEqual([1, 2]);
  expect(firstSessions).toEqual([before]);
  expect(session.sessionId).not.toBe(before);
});

test('forged, and the request held back until its retry was answered: it is executed once', async () => {
  const { agent, session } = await world();
  const late: (() => Promise<Response>)[] = [];
  agent.relay = first(1, async (call, pass) => {
    late.push(() => pass(call));
    return forged();
  });
  expect(await session.request('write', 1)).toBe(1);
  expect((await late[0]!()).status).toBe(200);
  expect(agent.executed).toHaveLength(1);
});

test('true: requests of any kind that met the end of the session are each executed once and answered', async () => {
  const { agent, session } = await world();
  await session.request('write', 'before');
  [...agent.sessions.values()][0]?.end();
  const values = Array.from({ length: 100 }, (_none, at) => at);
  expect(await Promise.all(values.map((value) => session.request('write', value)))).toEqual(values);
  expect(agent.executed).toHaveLength(101);
});

test('forged for ever: it is sent twice, and no more', async () => {
  const { agent, session } = await world();
  agent.relay = first(9, async () => forged());
  const error = await failure(session.request('write', 1));
  expect([error.code, error.details.reason]).toEqual(['RESULT_UNKNOWN', 'SESSION_EXPIRED']);
  expect([agent.executed.length, sent(agent)]).toEqual([0, 2]);
});

test('forged, and no other session to be had: nobody knows what came of the first sending', async () => {
  const { agent, session } = await world();
  agent.relay = async (call, pass) => {
    if (call.operation === 'start') return problem({ code: 'device_revoked', message: 'Revoked.' });
    const answer = await pass(call);
    return call.operation === 'requests' ? forged() : answer;
  };
  const error = await failure(session.request('write', 1));
  expect([error.code, error.details.reason]).toEqual(['RESULT_UNKNOWN', 'device_revoked']);
  expect(agent.executed).toHaveLength(1);
});

test.each(['SESSION_UNKNOWN', 'REQUEST_NOT_AUTHENTIC', 'service_offline'] as const)(
  'after %s a request that may not be done twice is not sent again',
  async (code) => {
    const { agent, session } = await world();
    agent.relay = first(1, async () => problem({ code, message: 'Forged.' }));
    expect(await failure(session.request('write', 1))).toMatchObject({ code: 'RESULT_UNKNOWN' });
    expect(sent(agent)).toBe(1);
  },
);

test('said by the agent itself, inside its answer: the request ends there, and the next one has a new session', async () => {
  const { agent, session } = await world();
  agent.relay = first(1, async (call) => {
    const own = [...agent.sessions.values()][0]!;
    const { counter } = await own.open(call.body);
    const payload = { code: 'SESSION_EXPIRED', message: 'Not done.' };
    return new Response(await own.seal(counter, { payloadType: 'Error', payload }));
  });
  const error = await failure(session.request('write', 1));
  expect([error.code, isAgentError(error)]).toEqual(['SESSION_EXPIRED', true]);
  expect(await session.request('write', 2)).toBe(2);
  expect(agent.sessions.size).toBe(2);
});
