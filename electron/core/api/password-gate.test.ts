// How often a password may be tried, on a clock of the test's own.
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { asGatehouseError, GatehouseError } from '../../../shared/contracts/errors.ts';
import { PasswordGate } from './password-gate.ts';

const limits = { free: 3, firstMs: 1_000, maxMs: 8_000, forgetMs: 60_000, maxSources: 3, maxWaiting: 2 };
let now = 0;
let gate: PasswordGate;
beforeEach(() => {
  now = 1_000_000;
  gate = new PasswordGate(limits, () => now);
});

const wrong = () => Promise.reject(new GatehouseError('superadmin_password_wrong', 'Wrong.'));
const right = () => Promise.resolve('in');
const codeOf = (result: Promise<unknown>): Promise<unknown> =>
  result.then(
    (value) => value,
    (error: unknown) => asGatehouseError(error).code,
  );
async function fail(source: string, times: number): Promise<void> {
  for (let each = 0; each < times; each += 1) {
    expect(await codeOf(gate.pass(source, wrong))).toBe('superadmin_password_wrong');
    now += limits.maxMs;
  }
}

describe('PasswordGate', () => {
  it.each([
    [1, 0],
    [2, 0],
    [3, 1_000],
    [4, 2_000],
    [5, 4_000],
    [6, 8_000],
    [9, 8_000],
  ])('after %i wrong ones the next try waits %i ms', async (failures, waitMs) => {
    await fail('a', failures);
    now -= limits.maxMs;
    if (waitMs === 0) return expect(await gate.pass('a', right)).toBe('in');
    const refused: unknown = await gate.pass('a', right).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'sign_in_delayed', details: { retryInMs: waitMs } });
    now += waitMs;
    expect(await gate.pass('a', right)).toBe('in');
  });

  it('looks at no password while a source has to wait, whether it is right or wrong', async () => {
    await fail('a', 4);
    now -= limits.maxMs;
    const check = vi.fn(right);
    await codeOf(gate.pass('a', check));
    expect(check).not.toHaveBeenCalled();
  });

  it('makes nobody wait for what somebody else did', async () => {
    await fail('a', 9);
    expect(await gate.pass('b', right)).toBe('in');
  });

  it('forgets after the right one, and after a long time', async () => {
    await fail('a', 4);
    expect(await gate.pass('a', right)).toBe('in');
    await fail('a', 2);
    expect(await gate.pass('a', right)).toBe('in');
    await fail('b', 5);
    now += limits.forgetMs + 1;
    await fail('b', 2);
    now -= limits.maxMs;
    expect(await gate.pass('b', right)).toBe('in');
  });

  it('lets no source try twice at once, nor more wait than it holds', async () => {
    const held = Promise.withResolvers<string>();
    const first = gate.pass('a', () => held.promise);
    expect(await codeOf(gate.pass('a', right))).toBe('sign_in_delayed');
    const second = gate.pass('b', right);
    expect(await codeOf(gate.pass('c', right))).toBe('sign_in_delayed');
    held.resolve('in');
    expect(await Promise.all([first, second])).toEqual(['in', 'in']);
    expect(await gate.pass('c', right)).toBe('in');
  });

  it('counts nothing but wrong passwords', async () => {
    const broken = () => Promise.reject(new GatehouseError('secrets_corrupt', 'Broken.'));
    for (let each = 0; each < 10; each += 1) {
      expect(await codeOf(gate.pass('a', broken))).toBe('secrets_corrupt');
    }
    expect(await gate.pass('a', right)).toBe('in');
  });
});
