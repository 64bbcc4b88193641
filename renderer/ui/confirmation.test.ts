// A confirmation: the password goes once, and what ends late touches nothing of a later question.
import { beforeEach, describe, expect, it } from 'vitest';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import type { ErrorCode } from '../../shared/contracts/errors.ts';
import { Confirmation } from './confirmation.svelte.ts';

const refuse = (code: ErrorCode) => Promise.reject(new GatehouseError(code, code));
let confirmation: Confirmation;
beforeEach(() => {
  confirmation = new Confirmation();
  confirmation.secret = 'first password';
});

describe('Confirmation', () => {
  it('hands the password over, and says when it was kept', async () => {
    const given: string[] = [];
    const run = confirmation.run((password) => void given.push(password));
    expect(confirmation.running).toBe(true);
    expect([await run, given, confirmation.running]).toEqual([true, ['first password'], false]);
  });

  it('runs once, however often it is sent', async () => {
    let runs = 0;
    const work = () => {
      runs += 1;
      return Promise.resolve();
    };
    await Promise.all([confirmation.run(work), confirmation.run(work)]);
    expect(runs).toBe(1);
  });

  it.each([
    ['superadmin_password_wrong', ''],
    ['storage_failed', ''],
    ['console_unreachable', 'first password'],
    ['sign_in_delayed', 'first password'],
  ] as const)('after %s holds %j as the password', async (code, held) => {
    expect(await confirmation.run(() => refuse(code))).toBe(false);
    expect([confirmation.secret, confirmation.error !== null]).toEqual([held, true]);
  });

  it('does not clear the password of a later question when an earlier call fails', async () => {
    const { promise, reject } = Promise.withResolvers<undefined>();
    const earlier = confirmation.run(() => promise);
    confirmation.empty();
    confirmation.secret = 'second password';
    reject(new GatehouseError('superadmin_password_wrong', 'Wrong.'));
    expect(await earlier).toBe(false);
    expect([confirmation.secret, confirmation.error]).toEqual(['second password', null]);
  });

  it('does not close a later question when an earlier call succeeds', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const earlier = confirmation.run(() => promise);
    confirmation.empty();
    resolve(undefined);
    expect(await earlier).toBe(false);
  });
});
