// Calls without end-to-end encryption: refused by default, announced where they are allowed, ended when they no
// longer are, and never made for a service that was once seen with E2EE.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { login } from '../shared/client/index.ts';
import { RunningEcho } from './support/running-echo.ts';
import { withinASecondMs } from './support/waiting.ts';
import { World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterEach(async () => {
  await world.setting('require_e2ee', true);
});
afterAll(() => world.close());

const never = { fingerprint: null, more: ['--e2ee', 'never'] };

const allowPlaintext = (): Promise<void> => world.setting('require_e2ee', false);

describe('require_e2ee', () => {
  it('refuses a call without E2EE with 5, and logs why', async () => {
    const { exitCode, json } = await world.call('ping', never);
    expect([exitCode, json]).toMatchObject([5, { error: { code: 'e2ee_required' } }]);
    const row = world.rows().findLast((each) => each.rpc_name === 'ping');
    expect(row).toMatchObject({
      status: 'REJECTED',
      rejection_code: 'e2ee_required',
      e2ee_used: 0,
      tls_version: null,
      session_id: null,
    });
  });

  it('lets capabilities answer without E2EE, and tells versions and requirements alone', async () => {
    const { exitCode, json } = await world.call('capabilities', never);
    expect(exitCode).toBe(0);
    expect(json.result).toEqual({
      versions: [1],
      e2ee: { available: true, required: true, sessionVerificationRequired: false },
      h2: true,
    });
  });

  it('when switched off, lets a plaintext call through, which is announced and says why it was plain', async () => {
    await allowPlaintext();
    const { exitCode, json, stderr } = await world.call('ping', never);
    expect(exitCode).toBe(0);
    expect(json).toMatchObject({
      request: {
        h2MultiplexingUsed: false,
        e2ee: {
          e2eeUsed: false,
          verifiedBy: 'none',
          sha256HashHexdigest: null,
          plaintextReason: 'use_e2ee_default_never',
        },
      },
    });
    expect(stderr).toContain('gatehouse: warning:');
    expect(stderr).toContain('NOT end-to-end encrypted');
  });

  it('warns before anything has been sent', async () => {
    await allowPlaintext();
    const before = world.rows().length;
    const rowsAtWarning: number[] = [];
    const { relayUrl: relay, relayToken } = world;
    const onWarning = (): void => void rowsAtWarning.push(world.rows().length);
    const client = world.home.keep(await login({ relay, relayToken, useE2eeDefault: 'never', onWarning }));
    await (await client.serviceCloud(world.serviceId)).call('ping');
    expect(rowsAtWarning).toEqual([before]);
    expect(world.rows().length).toBeGreaterThan(before);
  });

  it('when switched on again, ends a running plaintext stream within a second', async () => {
    await allowPlaintext();
    const client = await world.client({ useE2eeDefault: 'never', onWarning: () => undefined });
    const echo = await RunningEcho.start(await client.serviceCloud(world.serviceId));
    const encrypted = await RunningEcho.start(await world.open());
    await world.setting('require_e2ee', true);
    expect(await echo.end(withinASecondMs)).toMatch(/^(truncated|session_ended|e2ee_required)$/);
    expect((await world.call('ping', never)).exitCode).toBe(5);
    await encrypted.say('an encrypted one goes on');
    encrypted.finish();
  });
});

describe('a client', () => {
  it('that has once seen a service with E2EE never calls it in plain, also in a later process', async () => {
    expect((await world.call('ping', { fingerprint: null })).exitCode).toBe(0);
    await allowPlaintext();
    const { json } = await world.call('ping', { fingerprint: null });
    expect(json).toMatchObject({ request: { e2ee: { e2eeUsed: true } } });
  });

  it('uses E2EE where it has the fingerprint, whatever use_e2ee_default says', async () => {
    const { exitCode, json } = await world.call('ping', { more: ['--e2ee', 'never'] });
    expect([exitCode, json]).toMatchObject([
      0,
      { request: { e2ee: { e2eeUsed: true, verifiedBy: 'fingerprint' } } },
    ]);
  });
});
