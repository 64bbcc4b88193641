// Hostile bytes at every layer, against the real relay and the real service: each ends its own stream or connection,
// and after each the same two processes serve everybody else within a second, in memory that stays bounded.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callCases, guess, openHttp2, verificationCases } from './hostile/call-cases.ts';
import { throwRandomBytes } from './hostile/random-bytes.ts';
import { headerCases, webSocketCases, yamuxCases } from './hostile/relay-cases.ts';
import { http1Cases } from './hostile/http1-cases.ts';
import { http2Cases } from './hostile/http2-cases.ts';
import { tlsCases } from './hostile/tls-cases.ts';
import { Target } from './hostile/target.ts';
import type { AttackCase } from './hostile/target.ts';
import { until, within, withinASecondMs } from './support/waiting.ts';

/** Resident memory that either process may have more after all attacks than before them, in bytes. */
const maxGrowth = 256 * 1024 * 1024;

/** Rejections of one client that get a row of their own in a minute. */
const rejectionsAMinute = 60;

let target: Target;
let before: { relay: number; service: number };

beforeAll(async () => {
  target = await Target.start();
  await target.expectHealthy();
  before = target.memory();
});

afterAll(async () => {
  await target.close();
});

function attacks(what: string, cases: readonly AttackCase[]): void {
  describe(what, () => {
    it.each(cases)('%s: %s, and everybody else is served', async (_what, outcome, attack) => {
      expect(await attack(target)).toMatch(outcome);
      await target.expectHealthy();
    });
  });
}

attacks('on the way to the relay', webSocketCases);
attacks('in yamux', yamuxCases);
attacks('as the header of a stream', headerCases);
attacks('in the place of TLS', tlsCases);
attacks('in HTTP/2', http2Cases);
attacks('in HTTP/1.1', http1Cases);
attacks('as a call', callCases);
attacks('as a session verification', verificationCases);

describe('thousands of false verifications', () => {
  it('lock nobody out: neither another client, nor one of the same name, waits for a right proof', async () => {
    const { token } = await target.world.accessToken('anna');
    const credentials = { e2eeFingerprint: target.world.fingerprint, accessToken: token };
    await until('the service takes the token', () =>
      target.world.open(credentials).then(Boolean, () => false),
    );
    await target.raw(async (client) => {
      const sessions = await Promise.all(Array.from({ length: 64 }, () => openHttp2(target, client)));
      let guesses = 0;
      const guessing = Promise.allSettled(sessions.map((session) => guess(session, () => (guesses += 1))));
      await until('2,000 guesses were refused', () => guesses > 2000, 30_000);
      for (const relayToken of [target.world.relayToken, target.relayToken]) {
        for (let i = 0; i < 3; i += 1) {
          const verified = target.world.open(credentials, { relayToken });
          const service = await within(
            withinASecondMs,
            'a right proof beside thousands of false ones',
            verified,
          );
          await service.call('ping');
          expect(service.requests.at(-1)?.e2ee.sessionVerified).toBe(true);
        }
      }
      for (const session of sessions) session.destroy();
      await guessing;
    });
    await target.expectHealthy();
  });

  it('fill the log no further than their quota', () => {
    const rejected = target.world.rows().filter((row) => row.rejection_code !== null);
    const ofMallory = rejected.filter((row) => row.client_id === 'mallory');
    const times = ofMallory.map((row) => Number(row.sent_at));
    const minutes = Math.ceil((Math.max(...times) - Math.min(...times)) / 60_000) + 1;
    expect(ofMallory.length).toBeGreaterThan(0);
    expect(ofMallory.length).toBeLessThanOrEqual(rejectionsAMinute * minutes);
  });
});

describe('random hostile bytes', () => {
  it('change nothing for everybody else', { timeout: 30_000 }, async () => {
    const { connections } = await throwRandomBytes(target, { seed: 1, milliseconds: 8_000 });
    expect(connections).toBeGreaterThan(20);
  });
});

describe('after all of it', () => {
  it('neither process has grown beyond its bound', () => {
    const after = target.memory();
    expect(after.relay - before.relay).toBeLessThan(maxGrowth);
    expect(after.service - before.service).toBeLessThan(maxGrowth);
  });
});
