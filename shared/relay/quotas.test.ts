// The counters by themselves, with a clock in the test's hand.
import { describe, expect, it } from 'vitest';
import { checkRelayLimits, defaultRelayLimits } from './limits.ts';
import { Accounts, CountPerKey, TokenBucket } from './quotas.ts';

describe('TokenBucket', () => {
  it('lets a burst through, then its rate, and never more than the burst', () => {
    let now = 0;
    const bucket = new TokenBucket(1000, 3, () => now);
    const take = (count: number): number =>
      Array.from({ length: count }, () => bucket.take()).filter(Boolean).length;
    expect(take(5)).toBe(3);
    now = 2;
    expect(take(5)).toBe(2);
    now = 1_000_000;
    expect(take(10)).toBe(3);
  });

  it('lets the bench through by default: 1024 streams at once, and 2000 a second after that', () => {
    let now = 0;
    const { streamOpensPerSecond, streamOpenBurst } = defaultRelayLimits;
    const bucket = new TokenBucket(streamOpensPerSecond, streamOpenBurst, () => now);
    for (let index = 0; index < 1024; index += 1) expect(bucket.take()).toBe(true);
    for (; now < 10_000; now += 0.5) expect(bucket.take()).toBe(true);
  });
});

describe('CountPerKey', () => {
  it('counts each key by itself and forgets a key that has none', () => {
    const counts = new CountPerKey(2);
    expect([counts.take('a'), counts.take('a'), counts.take('a'), counts.take('b')]).toEqual([
      true,
      true,
      false,
      true,
    ]);
    counts.give('a');
    expect([counts.take('a'), counts.take('a')]).toEqual([true, false]);
  });
});

describe('Accounts', () => {
  const limits = { maxConnectionsPerUser: 2, maxBufferedBytesPerUser: 10, maxBufferedBytes: 15 };

  it('bounds connections per user', () => {
    const accounts = new Accounts(limits);
    const first = accounts.open('anna');
    expect(accounts.open('anna')).toBe(first);
    expect(() => accounts.open('anna')).toThrow(expect.objectContaining({ code: 'limit_exceeded' }));
    accounts.open('bob');
    accounts.close(first);
    expect(accounts.open('anna').connections).toBe(2);
  });

  it('bounds what waits per user and in all', () => {
    const accounts = new Accounts(limits);
    const [anna, bob] = [accounts.open('anna'), accounts.open('bob')];
    expect([accounts.hold(anna, 10), accounts.hold(anna, 1)]).toEqual([true, false]);
    expect([accounts.hold(bob, 6), accounts.hold(bob, 5)]).toEqual([false, true]);
    accounts.release(anna, 4);
    expect([accounts.hold(anna, 5), accounts.hold(anna, 4), accounts.bufferedBytes]).toEqual([
      false,
      true,
      15,
    ]);
  });
});

describe('limits', () => {
  it.each(Object.keys(defaultRelayLimits))('%s is refused where it is no number of use', (name) => {
    for (const wrong of [-1, 0.5, NaN, Infinity, 2 ** 31]) {
      expect(() => checkRelayLimits({ [name]: wrong })).toThrow(expect.objectContaining({ code: 'usage' }));
    }
  });
});
