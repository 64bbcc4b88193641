// What a hostile relay can do to device sessions, at whole-system level: a proxy in front of the real relay replays,
// reorders, drops, truncates, swaps and forges. Nothing is decrypted by the wrong side, nothing runs twice, nothing hangs,
// and each ends in its own code. The app is the library itself; relay, service and provider are real processes.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  codeIn,
  codeOf,
  groundAgent,
  HostileApp,
  otherAgent,
  problem,
  swapAgent,
  turned,
  withBody,
} from './support/hostile-app.ts';
import type { Answer } from './support/hostile-proxy.ts';
import { until } from './support/waiting.ts';

const requestLimit = 40;

let app: HostileApp;
beforeAll(async () => {
  app = await HostileApp.start(requestLimit);
});
afterEach(() => {
  app.tamper = null;
});
afterAll(() => app.close());

describe('a relay that', () => {
  it('replays a request has it done once, and is told so', async () => {
    let second: Answer | undefined;
    app.tamperRequests = async (_passing, forward) => {
      const first = await forward();
      second = await forward();
      return first;
    };
    expect(await app.counted(() => app.ping('replayed'))).toEqual({ done: 1, ended: 'done' });
    expect(codeIn(second)).toBe('REQUEST_REPLAYED');
  });

  it('reorders requests does no harm', async () => {
    const held: (() => void)[] = [];
    app.tamperRequests = async (_passing, forward) => {
      const first = held.length === 0;
      if (first) await new Promise<void>((resolve) => held.push(resolve));
      const answer = await forward();
      if (!first) held[0]?.();
      return answer;
    };
    expect(await app.counted(() => Promise.all([app.ping('first'), app.ping('second')]))).toEqual({
      done: 2,
      ended: 'done',
    });
  });

  it('drops an answer leaves a request that may not be repeated unknown, and done once', async () => {
    app.tamperRequests = async (_passing, forward) => {
      await forward();
      return 'drop';
    };
    const { done, ended } = await app.counted(() => app.ping('dropped'));
    expect(ended).toBe('RESULT_UNKNOWN relay_unreachable');
    expect(done).toBe(1);
  });

  it('drops the answer to a request that may be repeated has it done once, and its answer given again', async () => {
    let dropped = 0;
    app.tamperRequests = async (_passing, forward) => {
      const answer = await forward();
      dropped += 1;
      return dropped === 1 ? 'drop' : answer;
    };
    const { ended } = await app.counted(() => app.ping('given again', { idempotent: true }));
    expect(ended).toBe('done');
    expect(dropped).toBe(2);
  });

  it.each([
    ['truncates an answer', (body: Buffer) => body.subarray(0, body.length - 5)],
    ['cuts an answer to its head', (body: Buffer) => body.subarray(0, 9)],
    ['empties an answer', () => Buffer.alloc(0)],
    ['turns a bit of an answer', (body: Buffer) => turned(body, -3)],
    ['turns a bit of an answer’s counter', (body: Buffer) => turned(body, 8)],
    ['says that an answer is streamed', (body: Buffer) => Buffer.concat([Buffer.of(2), body.subarray(1)])],
  ])('%s is not believed', async (_name, change) => {
    app.tamperRequests = async (_passing, forward) => {
      const answer = await forward();
      const body = change(answer.body);
      return withBody(answer, body);
    };
    const { done, ended } = await app.counted(() => app.ping('changed'));
    expect(ended).toMatch(/^RESULT_UNKNOWN (ANSWER_NOT_AUTHENTIC|truncated)$/);
    expect(done).toBe(1);
  });

  it('swaps the answers of two sessions has neither read', async () => {
    const other = await app.device().login(app.key);
    const waiting: { answer: Answer; resolve: (answer: Answer) => void }[] = [];
    app.tamperRequests = async (_passing, forward) => {
      const answer = await forward();
      return new Promise<Answer>((resolve) => {
        waiting.push({ answer, resolve });
        const [one, two] = waiting;
        if (one !== undefined && two !== undefined) {
          one.resolve(two.answer);
          two.resolve(one.answer);
        }
      });
    };
    const ends = await Promise.allSettled([app.ping('one'), app.ping('two', { on: other })]);
    expect(ends.map((end) => (end.status === 'rejected' ? codeOf(end.reason) : 'done'))).toEqual([
      'RESULT_UNKNOWN ANSWER_NOT_AUTHENTIC',
      'RESULT_UNKNOWN ANSWER_NOT_AUTHENTIC',
    ]);
    other.close();
  });

  it('sends a request back as its own answer has it refused: directions do not cross', async () => {
    app.tamperRequests = async ({ body }, forward) => {
      const answer = await forward();
      return withBody(answer, body);
    };
    expect((await app.counted(() => app.ping('mirrored'))).ended).toBe('RESULT_UNKNOWN ANSWER_NOT_AUTHENTIC');
  });

  it.each([
    ['turns a bit of a request', (body: Buffer) => turned(body, -3)],
    [
      'rewinds the counter of a request',
      (body: Buffer) => Buffer.concat([body.subarray(0, 8), Buffer.of(body[8]! - 1), body.subarray(9)]),
    ],
    ['truncates a request', (body: Buffer) => body.subarray(0, body.length - 7)],
  ])('%s has nothing done', async (_name, change) => {
    let refusal: Answer | undefined;
    app.tamperRequests = async ({ body }, forward) => {
      const forged = change(body);
      return (refusal = await forward({ body: forged }));
    };
    const { done, ended } = await app.counted(() => app.ping('forged'));
    expect(done).toBe(0);
    expect(ended).toMatch(/^RESULT_UNKNOWN REQUEST_(NOT_AUTHENTIC|REPLAYED)$/);
    expect(codeIn(refusal)).toMatch(/^REQUEST_/);
  });

  it('forges SESSION_EXPIRED after it has delivered the request makes nothing run twice', async () => {
    let forged = 0;
    app.tamperRequests = async (_passing, forward) => {
      const answer = await forward();
      forged += 1;
      return forged === 1 ? problem(401, 'SESSION_EXPIRED') : answer;
    };
    expect(await app.counted(() => app.ping('once'))).toMatchObject({ ended: 'done' });
    expect(forged).toBe(2);
    forged = 0;
    const retried = await app.counted(() => app.ping('once more', { idempotent: true }));
    expect(retried.ended).toBe('done');
    expect(forged).toBe(2);
  });

  it('forges SESSION_EXPIRED for ever is given up on', async () => {
    app.tamperRequests = async () => problem(401, 'SESSION_EXPIRED');
    expect(await app.counted(() => app.ping('never', { idempotent: true }))).toEqual({
      done: 0,
      ended: 'SESSION_EXPIRED',
    });
  });

  it('puts itself in the agent’s place is found out before anything is sent', async () => {
    const theirs = await otherAgent();
    app.tamper = async (passing, forward) =>
      passing.path.includes('agentinfo') ? swapAgent(await forward(), theirs) : forward();
    app.devices.proxy.paths.length = 0;
    await expect(app.device().login(app.key)).rejects.toMatchObject({ code: 'AGENT_PUBLIC_KEY_CHANGED' });
    expect(app.devices.proxy.paths.filter((path) => !path.includes('agentinfo'))).toEqual([]);
  });

  it('grinds a fingerprint that begins as the agent’s gains nothing, nor one that begins as a device’s', async () => {
    const { home, data } = app.devices.world;
    const theirs = await groundAgent(app.key.agent.fingerprint, 2);
    app.tamper = async (passing, forward) =>
      passing.path.includes('agentinfo') ? swapAgent(await forward(), theirs) : forward();
    await expect(app.device().login(app.key)).rejects.toMatchObject({ code: 'AGENT_PUBLIC_KEY_CHANGED' });
    app.tamper = null;
    const fresh = app.device();
    await fresh.loadAgentInfo();
    const waiting = await fresh.registerAs('ground');
    const part = waiting.identity.fingerprint.slice(0, 48);
    const confirmed = await home.run('service', 'device', 'confirm', part, '--data', data, '--json');
    expect(confirmed.exitCode).toBe(2);
    await expect(fresh.login(waiting)).rejects.toMatchObject({ code: 'device_pending' });
  });

  it('answers a start in the agent’s place is found out', async () => {
    app.tamper = async (passing, forward) => {
      const answer = await forward();
      return passing.path.includes('sessions/start') ? { ...answer, body: turned(answer.body, -1) } : answer;
    };
    await expect(app.device().login(app.key)).rejects.toMatchObject({ code: 'AGENT_NOT_AUTHENTIC' });
  });

  it('replays a start has it refused', async () => {
    let second: Answer | undefined;
    app.tamper = async (passing, forward) => {
      const first = await forward();
      if (passing.path.includes('sessions/start')) second = await forward();
      return first;
    };
    (await app.device().login(app.key)).close();
    expect(codeIn(second)).toBe('device_start_replayed');
  });

  it('swaps the agent’s key at registration shows up in the fingerprints, and never gets a session', async () => {
    const theirs = await otherAgent();
    app.tamper = async (passing, forward) =>
      passing.path.includes('agentinfo') ? swapAgent(await forward(), theirs) : forward();
    const fresh = app.device();
    await fresh.loadAgentInfo();
    const fooled = await fresh.registerAs('fooled');
    const { agentFingerprint } = await app.devices.world.admin('device', 'list');
    expect(fooled.agent.fingerprint).not.toBe(agentFingerprint);
    // Even where the administrator confirms without comparing.
    await app.devices.confirm(fooled.identity.fingerprint);
    await until('the service has followed', async () => {
      const code = await fresh.login(fooled).then(() => 'a session', codeOf);
      return code !== 'device_pending' && code;
    }).then((code) => expect(code).toBe('device_start_invalid'));
  });

  it('passes a request on under another user’s token gets nothing for it', async () => {
    await app.ping('before');
    const mallory = await app.signIn('mallory');
    const token = await mallory.token();
    app.tamper = (passing, forward) =>
      forward({ headers: { ...passing.headers, authorization: `Bearer ${token}` } });
    const { done, ended } = await app.counted(() => app.ping('stolen'));
    expect(done).toBe(0);
    expect(ended).toMatch(/^RESULT_UNKNOWN (SESSION_UNKNOWN|oidc_token_rejected|device_unknown)$/);
    await expect(app.device().login(app.key)).rejects.toMatchObject({ code: 'device_unknown' });
    app.tamper = null;
    await app.signIn('anna');
  });

  it('reads nothing: neither what was asked nor what was answered', async () => {
    const secret = 'the-premises-secret-7c1d';
    await app.ping(secret);
    const seen = Buffer.concat(app.devices.proxy.seen).toString('latin1');
    expect(seen).not.toContain(secret);
    expect(seen).not.toContain('pong');
    expect(seen).not.toContain('PayloadType');
  });
});

describe('the service', () => {
  it('has a row for each attack that reached it', async () => {
    const rows = app.logged();
    for (const code of [
      'REQUEST_REPLAYED',
      'REQUEST_NOT_AUTHENTIC',
      'device_start_replayed',
      'device_start_invalid',
    ]) {
      expect(rows).toContain(code);
    }
  });
});

describe('a session', () => {
  it('outlives its limit with many requests in flight: each is done once', async () => {
    const fresh = await app.device().login(app.key);
    const many = Array.from({ length: requestLimit * 3 }, (_none, at) =>
      app.ping(`many ${String(at)}`, { on: fresh }),
    );
    const { done, ended } = await app.counted(() => Promise.all(many));
    expect(ended).toBe('done');
    expect(done).toBe(requestLimit * 3);
    fresh.close();
  });

  it('comes back by itself after the service has started again', async () => {
    await app.devices.world.service.end();
    await app.devices.world.restartService();
    await app.devices.world.online();
    await until(
      'the service answers',
      () =>
        app.ping('after', { idempotent: true }).then(
          () => true,
          () => false,
        ),
      20_000,
    );
    expect(await app.ping('again')).toMatchObject({ pong: true });
  });
});
