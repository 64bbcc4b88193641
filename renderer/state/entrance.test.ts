// First run and unlocking: what is sent, what is kept, and that no secret stays after its use.
import { describe, expect, it, vi } from 'vitest';
import type { ConsoleState } from '../../shared/contracts/console/models.ts';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import type { ErrorCode, ErrorDetails } from '../../shared/contracts/errors.ts';
import type { ConsoleModel } from './console.svelte.ts';
import { FirstRunModel } from './first-run.svelte.ts';
import { UnlockModel } from './unlock.svelte.ts';

const password = 'correct horse battery';
const result = { serviceId: 's', fingerprint: 'f', callLine: 'c' };

function consoleThat(
  answer: () => unknown,
  setupKeyRequired = false,
  phase: ConsoleState['phase'] = 'first_run',
) {
  const call = vi.fn(async (_name: string, _args: unknown) => answer());
  const model = { call, phase, topic: () => ({ setupKeyRequired, phase }) } as object as ConsoleModel;
  return { model, call };
}

const refuse =
  (code: ErrorCode, details: ErrorDetails = {}) =>
  () => {
    throw new GatehouseError(code, 'no', { details });
  };

describe('the first run', () => {
  const fill = (run: FirstRunModel) => {
    run.password = password;
    run.again = password;
  };

  it.each([
    ['short', (run: FirstRunModel): unknown => (run.password = 'seven77')],
    ['different', (run: FirstRunModel): unknown => (run.again = 'correct horse')],
    ['url', (run: FirstRunModel): unknown => (run.relayKind = 'url')],
  ] as const)('does not begin while something is %s', async (gap, spoil) => {
    const { model, call } = consoleThat(() => result);
    const run = new FirstRunModel(model, 'key');
    fill(run);
    spoil(run);
    expect(run.gap).toBe(gap);
    await run.submit();
    expect(call).not.toHaveBeenCalled();
  });

  it('sends the key of the address once, and keeps no secret after it', async () => {
    const { model, call } = consoleThat(() => result, true);
    const run = new FirstRunModel(model, 'key');
    fill(run);
    run.relayKind = 'url';
    run.url = ' wss://relay.example ';
    run.enrolmentToken = 'token';
    await run.submit();
    expect(call).toHaveBeenCalledExactlyOnceWith('console.setup', {
      setupKey: 'key',
      password,
      relay: { kind: 'url', url: 'wss://relay.example', enrolmentToken: 'token' },
    });
    expect([run.password, run.again, run.enrolmentToken, run.setupKey]).toEqual(['', '', '', '']);
    expect(run.holding).toBe(true);
    run.finish();
    expect(run.holding).toBe(false);
  });

  it('takes the whole printed address for the key, and asks for one where a key was refused', async () => {
    const { model, call } = consoleThat(refuse('setup_key_invalid'), true);
    const run = new FirstRunModel(model, 'old');
    fill(run);
    await run.submit();
    expect(run.asksForKey).toBe(true);
    expect(run.gap).toBe('setupKey');
    run.setupKey = 'https://127.0.0.1:8081/#setup=new ';
    await run.submit();
    expect(call.mock.lastCall?.[1]).toMatchObject({ setupKey: 'new' });
  });
});

describe('unlocking', () => {
  it('keeps no password once the service has looked at it', async () => {
    for (const answer of [() => ({}), refuse('superadmin_password_wrong'), refuse('internal')]) {
      const unlock = new UnlockModel(consoleThat(answer).model);
      unlock.password = password;
      await unlock.submit();
      expect(unlock.password).toBe('');
    }
  });

  it('waits as long as it is told, without a call, and keeps what was typed meanwhile', async () => {
    const { model, call } = consoleThat(refuse('sign_in_delayed', { retryInMs: 3_500 }));
    const unlock = new UnlockModel(model);
    unlock.password = password;
    await unlock.submit();
    await unlock.submit();
    expect(call).toHaveBeenCalledOnce();
    expect(unlock.waitAt(Date.now())).toBe(4);
    expect(unlock.waitAt(Date.now() + 3_500)).toBe(0);
    expect(unlock.password).toBe(password);
  });

  it('asks to remember only where the person said so', async () => {
    const { model, call } = consoleThat(() => ({}));
    const unlock = new UnlockModel(model);
    unlock.password = password;
    await unlock.submit();
    expect(call).toHaveBeenLastCalledWith('console.unlock', { password });
    unlock.password = password;
    unlock.remember = true;
    await unlock.submit();
    expect(call).toHaveBeenLastCalledWith('console.unlock', { password, remember: true });
  });
});
