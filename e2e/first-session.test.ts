// The "Done when", as a new user walks it: call, see a wrong fingerprint refused, renew the certificate.
// Real processes of what was built; what a person or script sees is all that is looked at.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningEcho } from './support/running-echo.ts';
import { until, withinASecondMs } from './support/waiting.ts';
import { World, superadminPassword } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());

const digest = /^[0-9a-f]{64}$/;

/** One turned digit. */
function wrong(fingerprint: string): string {
  return `${fingerprint.startsWith('0') ? '1' : '0'}${fingerprint.slice(1)}`;
}

describe('the ready lines', () => {
  it('name what a script needs, in one line of JSON each', () => {
    expect(world.relay.events).toEqual([{ event: 'ready', url: world.relayUrl }]);
    expect(world.service.events[0]).toEqual({
      event: 'ready',
      serviceId: world.serviceId,
      fingerprint: world.fingerprint,
      relay: world.relayUrl,
    });
    expect(world.relayUrl).toMatch(/^ws:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(world.serviceId).toMatch(/^[a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4}$/);
    expect(world.fingerprint).toMatch(digest);
  });
});

describe('a call', () => {
  it('prints the result and how the request was protected, in camelCase', async () => {
    const { exitCode, json, stdout } = await world.call('ping', { more: ['{"echo":[1,"zwei"]}'] });
    expect(exitCode).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect(json).toEqual({
      result: { pong: true, serverTime: expect.any(Number), echo: [1, 'zwei'] },
      request: {
        rpcName: 'ping',
        status: 'SUCCESS',
        clientId: 'anna',
        serviceId: world.serviceId,
        sentAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
        durationMs: expect.any(Number),
        bytesRead: expect.any(Number),
        bytesWritten: '{"echo":[1,"zwei"]}'.length,
        h2MultiplexingUsed: true,
        e2ee: {
          request: "ClientRequest(status='SUCCESS', rpc_name='ping')",
          e2eeUsed: true,
          clientId: 'anna',
          serviceId: world.serviceId,
          domainName: 'PROD',
          sha256HashHexdigest: world.fingerprint,
          x509Certificate: expect.stringMatching(/^-----BEGIN CERTIFICATE-----\n/),
          tlsVersion: 'TLSv1.3',
          cipher: expect.stringMatching(/^TLS_/),
          verifiedBy: 'fingerprint',
          sessionVerified: false,
        },
      },
    });
  });

  it("prints the table under the seed's own names when asked to be verbose", async () => {
    const { serviceId, relayFlags, fingerprint } = world;
    const ran = await world.home.run(
      'call',
      serviceId,
      'ping',
      ...relayFlags,
      '--fingerprint',
      fingerprint,
      '-v',
    );
    const names = ran.stderr.split('\n').map((line) => line.split('  ')[0]?.trim());
    const seed = ['request', 'client_id', 'service_id', 'domain_name', 'e2ee_used', 'sha256_hash_hexdigest'];
    expect(names).toEqual(
      expect.arrayContaining([
        ...seed,
        'x509_certificate',
        'tls_version',
        'cipher',
        'verified_by',
        'session_verified',
      ]),
    );
    expect(ran.stderr).toContain("client_id              anna (the relay's word)");
    expect(ran.stderr).toContain("domain_name            PROD (the relay's word)");
    expect(ran.stderr).toContain(`sha256_hash_hexdigest  ${fingerprint}`);
    expect(ran.stderr).toContain('<Certificate(subject=<Name(CN=');
  });

  it.each(['with colons', 'in upper case', 'with spaces around'])(
    'takes the fingerprint %s',
    async (form) => {
      const { fingerprint } = world;
      const colons = fingerprint.toUpperCase().match(/../g)?.join(':') ?? '';
      const forms: Record<string, string> = {
        'with colons': colons,
        'in upper case': fingerprint.toUpperCase(),
      };
      const { exitCode, json } = await world.call('ping', {
        fingerprint: forms[form] ?? ` ${fingerprint}\n`,
      });
      expect([exitCode, json.request]).toMatchObject([0, { e2ee: { verifiedBy: 'fingerprint' } }]);
    },
  );

  it('without a fingerprint is encrypted, and says that nobody checked the certificate', async () => {
    const { exitCode, json, stderr } = await world.call('ping', { fingerprint: null });
    expect(exitCode).toBe(0);
    expect(json).toMatchObject({ request: { e2ee: { e2eeUsed: true, verifiedBy: 'none' } } });
    expect(stderr).toContain('fingerprint NOT verified');
  });

  it('streams stdin through echo, octet for octet', async () => {
    const octets = Buffer.from(Array.from({ length: 70_000 }, (_none, at) => (at * 7) % 128));
    const { serviceId, relayFlags, fingerprint } = world;
    const args = ['call', serviceId, 'echo', '-', ...relayFlags, '--fingerprint', fingerprint];
    const { exitCode, stdout } = await world.home.runWith(octets, ...args);
    expect(exitCode).toBe(0);
    expect(Buffer.from(stdout).equals(octets)).toBe(true);
  });
});

describe('a wrong fingerprint', () => {
  it('is refused with 3, both fingerprints and the warning, and nothing reaches the service as a request', async () => {
    const before = world.rows().length;
    const expected = wrong(world.fingerprint);
    const { exitCode, json } = await world.call('ping', { fingerprint: expected });
    expect(exitCode).toBe(3);
    expect(json).toMatchObject({
      error: { code: 'fingerprint_mismatch', details: { expected, offered: world.fingerprint } },
    });
    const { message } = json.error as { message: string };
    const printed = message.toLowerCase().replaceAll(':', '');
    expect(printed).toContain(expected);
    expect(printed).toContain(world.fingerprint);
    expect(message).toMatch(/never/i);
    expect(message).toMatch(/administrator/i);
    const after = world.rows().slice(before);
    expect(after.filter((row) => row.rpc_name !== '')).toEqual([]);
  });

  it.each(['', 'abc', 'g'.repeat(64), 'a'.repeat(40), 'a'.repeat(65)])(
    'of bad form, %j, is refused with 2',
    async (text) => {
      const { exitCode, json } = await world.call('ping', { fingerprint: text });
      expect([exitCode, json]).toMatchObject([2, { error: { code: 'fingerprint_invalid' } }]);
    },
  );
});

describe('renewing the certificate', () => {
  it('serves the new one to new sessions without a restart, while an old session goes on', async () => {
    const { pid } = world.service;
    const old = world.fingerprint;
    const echo = await RunningEcho.start(await world.open());
    const renewed = await world.admin(
      'renew-e2ee-certificate',
      '--password-file',
      world.home.path('password'),
    );
    expect(renewed).toEqual({ oldFingerprint: old, newFingerprint: expect.stringMatching(digest) });
    world.fingerprint = String(renewed.newFingerprint);
    expect(world.fingerprint).not.toBe(old);
    await until('the new certificate is in use', () => world.service.events.length > 1, withinASecondMs);
    expect(world.service.events.at(-1)).toEqual({ event: 'fingerprint', fingerprint: world.fingerprint });
    expect((await world.call('ping', { fingerprint: old })).exitCode).toBe(3);
    expect((await world.call('ping')).exitCode).toBe(0);
    expect([world.service.pid, world.service.running]).toEqual([pid, true]);
    await echo.say('the old session goes on');
    expect(echo.request.e2ee.sha256HashHexdigest).toBe(old);
    echo.finish();
    expect(await echo.end(withinASecondMs)).toBeNull();
  });

  it('asks for the superadmin password', async () => {
    const none = await world.home.run('service', 'renew-e2ee-certificate', '--data', world.data, '--json');
    expect(none.json).toMatchObject({ error: { code: 'superadmin_password_required' } });
    const bad = world.home.secret('bad-password', `${superadminPassword}!`);
    const flags = ['--data', world.data, '--password-file', bad, '--json'];
    const refused = await world.home.run('service', 'renew-e2ee-certificate', ...flags);
    expect(refused.json).toMatchObject({ error: { code: 'superadmin_password_wrong' } });
    expect((await world.call('ping')).exitCode).toBe(0);
  });
});
