// The agent's side of one session: every request once, every answer once, and keys that are gone when they should be.
import { beforeAll, describe, expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { AgentSession, answerStart, newIdentity, type AgentSessionOptions, type Identity } from './agent.ts';
import { beginStart } from './app-handshake.ts';
import { AppSession } from './app-session.ts';
import type { Bytes } from './bytes.ts';
import { steadyClock } from './clock.ts';
import { sealMessage, direction } from './messages.ts';
import { newRequestId } from './payload.ts';
import type { SessionKeys } from './handshake.ts';

const facts = { serviceId: 'abcd-efgh-ijkl', issuer: 'https://issuer.example', subject: 'anna' };
const sessionId = 'session-of-the-tests';
let identity: Identity;
let device: Identity;
let agentKeys: SessionKeys;
let appKeys: SessionKeys;

beforeAll(async () => {
  [identity, device] = [await newIdentity(), await newIdentity()];
  const pending = await beginStart({ identity: device, agentPublicKey: identity, ...facts });
  const request = { identity, ...facts, devicePublicKey: device, message: pending.message, sessionId };
  const started = await answerStart(request);
  agentKeys = started.keys;
  appKeys = (await pending.finish(started.answer, sessionId)).keys;
});

interface Pair {
  readonly agent: AgentSession;
  readonly app: AppSession;
  readonly clock: FakeClock;
  readonly appClock: FakeClock;
  /** The next request's bytes. */
  next(): Promise<Bytes>;
}

function pair(options: Partial<AgentSessionOptions> = {}): Pair {
  const clock = new FakeClock();
  const agent = new AgentSession({ sessionId, keys: agentKeys, clock, ...options });
  const appClock = new FakeClock();
  const app = new AppSession({ sessionId, keys: appKeys, limits: agent.limits, clock: appClock });
  const next = async (): Promise<Bytes> => {
    const request = { payloadType: 'ping', payload: null, requestId: newRequestId() };
    return app.seal(app.take() ?? 0, request);
  };
  return { agent, app, clock, appClock, next };
}

const answer = { payloadType: 'pong', payload: null };
const expired = { code: 'SESSION_EXPIRED' };

describe('the limits of a session', () => {
  test('it is live at its first authentic request, and not before', async () => {
    const { agent, next } = pair();
    expect(agent.state).toBe('started');
    await expect(agent.open(new Uint8Array(40).fill(1))).rejects.toThrow();
    expect(agent.state).toBe('started');
    await agent.open(await next());
    expect(agent.state).toBe('live');
  });

  test('it takes 1000 requests in any order, and no more', async () => {
    const { agent, next } = pair();
    const bodies: Bytes[] = [];
    for (let count = 0; count < 1000; count += 1) bodies.push(await next());
    const shuffled = bodies.map((body, at) => ({ body, at: (at * 389) % 1000 })).sort((a, b) => a.at - b.at);
    const last = shuffled.pop()!;
    for (const { body } of shuffled) await agent.open(body);
    expect(agent.state).toBe('live');
    await agent.open(last.body);
    expect([agent.requests, agent.state]).toEqual([1000, 'ending']);
    await expect(agent.open(bodies[0]!)).rejects.toMatchObject(expired);
  });

  test('it takes requests for 15 minutes, and no longer', async () => {
    const { agent, clock, next } = pair();
    clock.advance(15 * 60_000 - 1);
    const { counter } = await agent.open(await next());
    await agent.seal(counter, answer);
    clock.advance(1);
    await expect(agent.open(await next())).rejects.toMatchObject(expired);
    expect(agent.state).toBe('ended');
  });

  test('a request that is being decrypted when the session ends is not accepted', async () => {
    const { agent, clock, next } = pair();
    const opening = agent.open(await next());
    clock.advance(15 * 60_000);
    await expect(opening).rejects.toMatchObject(expired);
  });

  test.each([
    { lifetimeSeconds: 901, requests: 1000 },
    { lifetimeSeconds: 900, requests: 1001 },
    { lifetimeSeconds: 0, requests: 1 },
    { lifetimeSeconds: 1.5, requests: 1 },
    { lifetimeSeconds: Number.NaN, requests: 1 },
  ])('they can be lowered and not raised: %j', (limits) => {
    expect(() => pair({ limits })).toThrow(expect.objectContaining({ code: 'settings_invalid' }) as Error);
    expect(pair({ limits: { lifetimeSeconds: 1, requests: 1 } }).agent.limits.requests).toBe(1);
  });

  test('a lowered limit ends the session sooner', async () => {
    const { agent, next } = pair({ limits: { lifetimeSeconds: 900, requests: 2 } });
    const bodies = [await next(), await next()];
    for (const body of bodies) await agent.seal((await agent.open(body)).counter, answer);
    expect(agent.state).toBe('ended');
  });
});

describe('the end of a session', () => {
  test('an accepted request is answered within 30 s after it, and not later', async () => {
    for (const [afterMs, works] of [
      [29_999, true],
      [30_000, false],
    ] as const) {
      const { agent, clock, next } = pair();
      const { counter } = await agent.open(await next());
      clock.advance(15 * 60_000);
      expect(agent.state).toBe('ending');
      clock.advance(afterMs);
      const sealed = agent.seal(counter, answer);
      if (works) await sealed;
      else await expect(sealed).rejects.toMatchObject(expired);
      expect(agent.state).toBe('ended');
    }
  });

  test('the keys go by a timer, though nobody asks, and by the clock, though no timer ran', async () => {
    let ends = 0;
    const { agent, clock, next } = pair({ onEnd: () => (ends += 1) });
    await agent.open(await next());
    clock.advance(15 * 60_000);
    clock.advance(30_000);
    expect([ends, clock.timers]).toEqual([1, 0]);
    const slept = pair();
    await slept.agent.open(await slept.next());
    slept.clock.sleep(16 * 60_000);
    await expect(slept.agent.open(await slept.next())).rejects.toMatchObject(expired);
    expect(agent.state).toBe('ended');
  });

  test('a session that was ended answers nothing any more', async () => {
    const { agent, next } = pair();
    const { counter } = await agent.open(await next());
    agent.end();
    await expect(agent.seal(counter, answer)).rejects.toMatchObject(expired);
    await expect(agent.open(await next())).rejects.toMatchObject(expired);
  });

  test('a streamed answer breaks off when the grace is over, at both ends', async () => {
    const { agent, app, clock, next } = pair();
    const { counter } = await agent.open(await next());
    const source = function* (): Generator<Uint8Array> {
      for (;;) yield new Uint8Array(65_536);
    };
    const stream = agent.sealStream(counter, answer, source());
    const opened = app.openStreamed(
      counter,
      (async function* () {
        await stream.next();
        yield* stream;
      })(),
    );
    const body = (await opened).body[Symbol.asyncIterator]();
    await body.next();
    clock.advance(15 * 60_000);
    await body.next();
    clock.advance(30_000);
    await expect(body.next()).rejects.toMatchObject(expired);
    expect(agent.state).toBe('ended');
  });
});

test('the app hands out nothing of a recorded stream when its own grace is over', async () => {
  const { agent, app, appClock, next } = pair();
  const { counter } = await agent.open(await next());
  const recorded: Uint8Array[] = [];
  const body = Array.from({ length: 4 }, () => new Uint8Array(65_536));
  for await (const bytes of agent.sealStream(counter, answer, body)) recorded.push(bytes);
  const source = async function* (): AsyncGenerator<Uint8Array> {
    for (const [at, bytes] of recorded.entries()) {
      if (at === 3) appClock.advance(15 * 60_000);
      if (at === 3) appClock.advance(30_000);
      yield at === 0 ? bytes.subarray(9) : bytes;
    }
  };
  const opened = await app.openStreamed(counter, source());
  const read = async (): Promise<void> => {
    for await (const bytes of opened.body) expect(bytes.length).toBeGreaterThan(0);
  };
  await expect(read()).rejects.toMatchObject(expired);
});

describe('counters', () => {
  test('of two equal requests at once one is accepted', async () => {
    const { agent, next } = pair();
    const body = await next();
    const outcomes = await Promise.allSettled([agent.open(body), agent.open(body), agent.open(body)]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect([agent.requests, agent.replays]).toEqual([1, 2]);
  });

  test('a forged request does not use its counter up', async () => {
    const { agent, next } = pair();
    const body = await next();
    const forged = body.map((byte, at) => (at === body.length - 1 ? byte ^ 1 : byte));
    await expect(agent.open(forged)).rejects.toMatchObject({ code: 'REQUEST_NOT_AUTHENTIC' });
    expect((await agent.open(body)).counter).toBe(1);
  });

  test('one answer a request: a second would use a nonce twice', async () => {
    const { agent, next } = pair();
    const { counter } = await agent.open(await next());
    await agent.seal(counter, answer);
    await expect(agent.seal(counter, answer)).rejects.toMatchObject({ code: 'internal' });
    await expect(agent.sealStream(counter, answer, []).next()).rejects.toMatchObject({ code: 'internal' });
    await expect(agent.seal(2, answer)).rejects.toMatchObject({ code: 'internal' });
  });

  test('an authentic request of no form is refused once, and is a replay then', async () => {
    const { agent } = pair();
    const place = { sessionId, direction: direction.toAgent, counter: 1 };
    const body = await sealMessage(appKeys.toAgent, place, new Uint8Array([123]));
    await expect(agent.open(body)).rejects.toMatchObject({ code: 'body_malformed' });
    await expect(agent.open(body)).rejects.toMatchObject({ code: 'REQUEST_REPLAYED' });
  });

  test('an app has no counter twice, and none beyond the limit', () => {
    const { app } = pair({ limits: { lifetimeSeconds: 900, requests: 3 } });
    expect([app.take(), app.take(), app.take(), app.take()]).toEqual([1, 2, 3, null]);
  });
});

describe('a clock that jumps', () => {
  const session = (readings: readonly (() => number)[]): AgentSession =>
    new AgentSession({ sessionId, keys: agentKeys, clock: steadyClock(readings) });

  test('back does not make a session last longer', () => {
    let [monotonic, wall] = [0, 1e12];
    const agent = session([() => monotonic, () => wall]);
    for (let minute = 0; minute < 15; minute += 1) {
      monotonic += 60_000;
      wall -= 3_600_000;
      expect(agent.ageMs).toBe((minute + 1) * 60_000);
    }
    expect(agent.state).toBe('ended');
  });

  test('ahead, as after a machine’s sleep, ends it', () => {
    let [monotonic, wall] = [0, 1e12];
    const agent = session([() => monotonic, () => wall]);
    wall += 15 * 60_000;
    monotonic += 5;
    expect(agent.state).toBe('ended');
  });
});
