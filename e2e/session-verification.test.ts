// Requiring verified sessions, calling with an access token, and what ends when it is revoked or expires.
// Everything happens to a service that runs; it is never restarted here.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RunningEcho } from './support/running-echo.ts';
import { until, withinASecondMs } from './support/waiting.ts';
import { World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterEach(async () => {
  await world.setting('require_e2ee_session_verification', false);
});
afterAll(() => world.close());

const requireVerification = (): Promise<void> => world.setting('require_e2ee_session_verification', true);

describe('require_e2ee_session_verification', () => {
  it('when set, ends an unverified session and its running stream within a second', async () => {
    const echo = await RunningEcho.start(await world.open());
    await requireVerification();
    expect(await echo.end(withinASecondMs)).toBe('access_token_required');
    expect(echo.request.status).toBe('REJECTED');
    const logged = (): string => String(world.rows().findLast((row) => row.rpc_name === 'echo')?.status);
    await until('what was cut off is on record as cut off', () => logged() === 'CANCELLED');
  });

  it('when set, ends an unverified HTTP/1.1 session within a second, too', async () => {
    const echo = await RunningEcho.start(await world.open({}, { useH2WhenAvailable: false }));
    await requireVerification();
    expect(await echo.end(withinASecondMs)).toMatch(/^(truncated|session_ended|access_token_required)$/);
  });

  it('when set, leaves a verified session alone', async () => {
    const { token } = await world.accessToken('anna');
    const echo = await RunningEcho.start(await world.open({ accessToken: token }));
    await requireVerification();
    await echo.say('still here');
    echo.finish();
    expect(await echo.end(withinASecondMs)).toBeNull();
  });

  it('refuses a call without a token with 4, and answers capabilities alone', async () => {
    await requireVerification();
    const before = world.rows().length;
    const ping = await world.call('ping');
    expect([ping.exitCode, ping.json]).toMatchObject([4, { error: { code: 'access_token_required' } }]);
    const answered = world
      .rows()
      .slice(before)
      .filter((row) => row.status === 'SUCCESS');
    expect(answered).toMatchObject([{ rpc_name: 'capabilities', e2ee_used: 1, session_verified: 0 }]);
  });

  it.each(['with HTTP/2', 'without'])('is met by a call with a token, %s', async (how) => {
    await requireVerification();
    const { id, file } = await world.accessToken('anna from accounting');
    const more = how === 'without' ? ['--no-h2'] : [];
    const { exitCode, json } = await world.call('ping', { tokenFile: file, more });
    expect(exitCode).toBe(0);
    expect(json).toMatchObject({
      request: {
        h2MultiplexingUsed: how !== 'without',
        e2ee: { sessionVerified: true, verifiedBy: 'fingerprint' },
      },
    });
    const row = world.rows().findLast((each) => each.rpc_name === 'ping' && each.status === 'SUCCESS');
    expect(row).toMatchObject({ session_verified: 1, token_id: id, remote_user: 'anna from accounting' });
  });
});

describe('an access token', () => {
  it('when revoked, ends its live session and running stream within a second, and opens none again', async () => {
    await requireVerification();
    const [revoked, other] = [await world.accessToken('anna'), await world.accessToken('ben')];
    const echo = await RunningEcho.start(await world.open({ accessToken: revoked.token }));
    const untouched = await RunningEcho.start(await world.open({ accessToken: other.token }));
    expect(await world.admin('token', 'revoke', revoked.id)).toMatchObject({ id: revoked.id });
    expect(await echo.end(withinASecondMs)).toBe('access_token_rejected');
    const again = await world.call('ping', { tokenFile: revoked.file });
    expect([again.exitCode, again.json]).toMatchObject([4, { error: { code: 'access_token_rejected' } }]);
    await untouched.say("somebody else's session goes on");
    untouched.finish();
  });

  it('when it expires, ends its live session and running stream within a second, and opens none again', async () => {
    const { token, file } = await world.accessToken('anna', '--expires', '4s');
    const expiresAt = Date.now() + 4_000;
    const echo = await RunningEcho.start(await world.open({ accessToken: token }));
    expect(await echo.end(expiresAt - Date.now() + withinASecondMs)).toBe('access_token_rejected');
    const again = await world.call('ping', { tokenFile: file });
    expect([again.exitCode, again.json]).toMatchObject([4, { error: { code: 'access_token_rejected' } }]);
  });

  it.each(['turned in its secret', 'with an unknown id'])(
    '%s is rejected with 4, and logged with its id',
    async (how) => {
      const { token, id } = await world.accessToken('anna');
      const secret = token.slice(-43); // base64url: it may have a "_" of its own
      const turned = `gh_${id}_${secret.startsWith('A') ? 'B' : 'A'}${secret.slice(1)}`;
      const unknown = `gh_aaaaaaaaaaaa_${secret}`;
      const file = world.home.secret('client/bad-token', how.startsWith('turned') ? turned : unknown);
      const { exitCode, json } = await world.call('ping', { tokenFile: file });
      expect([exitCode, json]).toMatchObject([4, { error: { code: 'access_token_rejected' } }]);
      const row = world.rows().findLast((each) => each.rejection_code === 'access_token_rejected');
      expect(row).toMatchObject({ status: 'REJECTED', session_verified: 0, remote_user: null });
      expect(row?.token_id).toBe(how.startsWith('turned') ? id : 'aaaaaaaaaaaa');
    },
  );

  it('never makes a wrong certificate acceptable', async () => {
    const { file } = await world.accessToken('anna');
    const wrong = `${world.fingerprint.startsWith('0') ? '1' : '0'}${world.fingerprint.slice(1)}`;
    expect((await world.call('ping', { tokenFile: file, fingerprint: wrong })).exitCode).toBe(3);
  });
});
