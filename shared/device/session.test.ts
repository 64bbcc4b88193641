// The app's Session: one session after another without its caller noticing, and what is never done twice.
import { describe, expect, test } from 'vitest';
import type { GatehouseError } from '../contracts/errors.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { bytesOf, problem, ScriptedAgent, serviceId, tokens, withBytes } from '../testing/scripted-agent.ts';
import type { ScriptedAgentOptions } from '../testing/scripted-agent.ts';
import { concat, textOf, type Bytes } from './bytes.ts';
import { Device, isAgentError, type Session, type StreamedAnswer } from './index.ts';

interface World {
  readonly agent: ScriptedAgent;
  readonly session: Session;
  readonly clock: FakeClock;
}

const idempotent = { idempotent: true };

async function world(options: ScriptedAgentOptions = {}): Promise<World> {
  const clock = new FakeClock();
  const agent = await ScriptedAgent.create({ clock, idempotent: ['read'], ...options });
  const relay = 'https://relay.example';
  const device = new Device(tokens, { relay, serviceId, fetch: agent.fetch, clock, timeoutMs: 2_000 });
  await device.loadAgentInfo();
  return { agent, session: await device.login(await device.registerAs('Tests')), clock };
}

const starts = ({ calls }: ScriptedAgent): number =>
  calls.filter(({ operation }) => operation === 'start').length;

async function bodyOf(answer: StreamedAnswer): Promise<Bytes> {
  const parts: Bytes[] = [];
  for await (const part of answer.body) parts.push(part);
  return concat(...parts);
}

describe('a new session is started by itself', () => {
  test('after 1000 requests, for requests of any kind', async () => {
    const { agent, session } = await world();
    for (let count = 0; count < 1001; count += 1) expect(await session.request('write', count)).toBe(count);
    expect([starts(agent), agent.executed.length]).toEqual([2, 1001]);
    expect(session.facts.requests).toBe(1);
  });

  test('before 15 minutes are over, for requests of any kind', async () => {
    const { agent, session, clock } = await world();
    await session.request('write', 1);
    clock.advance(14 * 60_000 + 29_000);
    await session.request('write', 2);
    expect(starts(agent)).toBe(1);
    clock.advance(1_000);
    await session.request('write', 3);
    expect(starts(agent)).toBe(2);
    expect([...agent.sessions.values()].map(({ requests }) => requests)).toEqual([2, 1]);
  });

  test('where the agent has lower limits, which its signature covers', async () => {
    const { agent, session } = await world({ limits: { lifetimeSeconds: 60, requests: 2 } });
    await Promise.all([1, 2, 3, 4, 5].map((value) => session.request('write', value)));
    expect([starts(agent), agent.executed.length]).toEqual([3, 5]);
    expect(session.facts.limits).toEqual({ lifetimeSeconds: 60, requests: 2 });
  });

  test('where the first was never used, since the agent may have dropped it', async () => {
    const { agent, session, clock } = await world();
    clock.advance(30_000);
    agent.restart();
    expect(await session.request('write', 1)).toBe(1);
    expect(starts(agent)).toBe(2);
  });

  test('once, however many requests wait for it', async () => {
    const { agent, session } = await world();
    agent.restart();
    const all = Array.from({ length: 50 }, (_, value) => session.request('read', value, idempotent));
    expect(await Promise.all(all)).toHaveLength(50);
    expect(starts(agent)).toBe(2);
  });

  test('ahead of the end of a busy one', async () => {
    const { agent, session } = await world();
    for (let count = 0; count < 901; count += 1) await session.request('read', count, idempotent);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([starts(agent), session.facts.requests]).toEqual([2, 901]);
  });
});

describe('the keys of the app', () => {
  test('are gone when the session is closed, and it takes no more requests', async () => {
    const { session } = await world();
    session.close();
    await expect(session.request('read')).rejects.toMatchObject({ code: 'session_ended' });
  });

  test('are gone 30 s after the end, though an answer is owed', async () => {
    const { agent, session, clock } = await world();
    await session.request('write', 0);
    agent.relay = async (call, pass) => {
      const answer = await pass(call);
      clock.advance(14 * 60_000 + 30_000);
      clock.advance(30_000);
      return answer;
    };
    await expect(session.request('write', 1)).rejects.toMatchObject({
      code: 'RESULT_UNKNOWN',
      details: { reason: 'SESSION_EXPIRED' },
    });
  });
});

describe('answers', () => {
  test('that are errors of the agent are told from a relay’s refusals', async () => {
    const handler = (): never =>
      ({ payloadType: 'Error', payload: { code: 'rpc_unknown', message: 'No.' } }) as never;
    const { agent, session } = await world({ handler });
    const authentic = await session.request('read').catch((error: unknown) => error);
    expect([isAgentError(authentic), (authentic as GatehouseError).code]).toEqual([true, 'rpc_unknown']);
    agent.relay = async () => problem({ code: 'rpc_unknown', message: 'Forged\u001b[2J.' });
    const forged = await session.request('read', 1, idempotent).catch((error: unknown) => error);
    expect([isAgentError(forged), (forged as GatehouseError).message]).toEqual([false, 'Forged [2J.']);
  });

  test('that stream come whole, and cut off they are an error', async () => {
    const body = [new Uint8Array(100_000).fill(7), new Uint8Array(100_000).fill(8)];
    const handler = (): never => ({ payloadType: 'export', payload: { of: 'all' }, body }) as never;
    const { agent, session } = await world({ handler });
    const answer = await session.stream('export');
    expect([answer.payloadType, answer.payload]).toEqual(['export', { of: 'all' }]);
    expect(await bodyOf(answer)).toEqual(concat(...body));
    for (const cut of [1, 3_000, 100_000]) {
      agent.relay = async (call, pass) => {
        const whole = await pass(call);
        return withBytes(whole, (await bytesOf(whole)).slice(0, -cut));
      };
      await expect(session.stream('export').then(bodyOf)).rejects.toThrow(expect.any(Error) as Error);
    }
  });

  test('that stream are bound to their request and session', async () => {
    const handler = (): never =>
      ({ payloadType: 'export', payload: null, body: [new Uint8Array(9)] }) as never;
    const { agent, session } = await world({ handler });
    let first: Bytes = new Uint8Array();
    agent.relay = async (call, pass) => {
      const answer = await pass(call);
      first = await bytesOf(answer.clone());
      return answer;
    };
    await session.stream('export').then(bodyOf);
    agent.relay = async (call, pass) => {
      await pass(call);
      return new Response(concat(Uint8Array.of(2), call.body.subarray(1, 9), first.subarray(9)));
    };
    await expect(session.stream('export')).rejects.toMatchObject({
      code: 'RESULT_UNKNOWN',
      details: { reason: 'ANSWER_NOT_AUTHENTIC' },
    });
  });

  test('that never come end in time, and a cancelled request at once', async () => {
    const { agent, session } = await world();
    agent.relay = async () => new Response(new ReadableStream({}));
    await expect(session.request('write')).rejects.toMatchObject({
      code: 'RESULT_UNKNOWN',
      details: { reason: 'timeout' },
    });
    const controller = new AbortController();
    const { signal } = controller;
    setTimeout(() => controller.abort(), 20);
    const cancelled = session.request('read', 1, { ...idempotent, signal });
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    const before = session.request('read', 1, { ...idempotent, signal });
    await expect(before).rejects.toMatchObject({ code: 'cancelled' });
  });
});

test('what goes over the relay holds nothing of what was asked and answered', async () => {
  const { agent, session } = await world();
  const seen: string[] = [];
  agent.relay = async (call, pass) => {
    const answer = await pass(call);
    const decode = (bytes: Bytes): string => new TextDecoder('latin1').decode(bytes);
    seen.push(decode(call.body), decode(await bytesOf(answer.clone())));
    return answer;
  };
  expect(await session.request('documents.secret-name', 'secret-value')).toBe('secret-value');
  expect(seen.join('')).not.toMatch(/secret|PayloadType|RequestId/);
  expect(textOf(new Uint8Array([65]))).toBe('A');
});

test('a request that is too long is not sent', async () => {
  const { agent, session } = await world();
  const outcome = session.request('write', 'x'.repeat(1024 * 1024 + 1024));
  await expect(outcome).rejects.toMatchObject({ code: 'rpc_too_large' });
  expect(agent.calls.filter(({ operation }) => operation === 'requests')).toHaveLength(0);
});
