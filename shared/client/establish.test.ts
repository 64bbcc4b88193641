// What a client sends, and does not send, before it has decided to trust a service.
import { describe, expect, it } from 'vitest';
import type { Capabilities } from '../contracts/capabilities.ts';
import type { GatehouseError } from '../contracts/errors.ts';
import type { Script } from '../testing/script.ts';
import { scriptedServiceId as id } from '../testing/scripted-service.ts';
import { codeOf, inWorld, scriptedToken, scriptedTokenText } from '../testing/scripted-world.ts';

const wrong = 'ab'.repeat(32);

describe('credentials are judged before anything is sent', () => {
  it.each([
    ['a token without a fingerprint', { accessToken: scriptedTokenText }, 'fingerprint_required'],
    ['a fingerprint that is too short', { e2eeFingerprint: 'abcd' }, 'fingerprint_invalid'],
    ['a SHA-1 fingerprint', { e2eeFingerprint: 'ab'.repeat(20) }, 'fingerprint_invalid'],
    ['an empty fingerprint', { e2eeFingerprint: '' }, 'fingerprint_invalid'],
    [
      'an empty fingerprint and a token',
      { e2eeFingerprint: '', accessToken: scriptedTokenText },
      'fingerprint_invalid',
    ],
    [
      'a token that is none',
      { e2eeFingerprint: wrong, accessToken: 'secret-with-typo' },
      'access_token_malformed',
    ],
    ['an empty token', { e2eeFingerprint: wrong, accessToken: '' }, 'access_token_malformed'],
  ])('%s is refused, and not even the relay hears of it', async (_what, credentials, code) => {
    await inWorld({}, {}, async ({ peer, client }) => {
      expect(await codeOf(client.serviceCloud(id, credentials))).toBe(code);
      expect(peer.seen).toMatchObject({ dials: 1, streams: [] });
    });
  });

  it('an error about credentials never repeats them', async () => {
    await inWorld({}, {}, async ({ client }) => {
      for (const credentials of [
        { accessToken: scriptedTokenText },
        { e2eeFingerprint: wrong, accessToken: scriptedTokenText.slice(0, -1) },
        { e2eeFingerprint: scriptedTokenText, accessToken: scriptedTokenText },
      ]) {
        const error = await client
          .serviceCloud(id, credentials)
          .catch((caught: unknown) => caught as GatehouseError);
        expect(`${(error as GatehouseError).message} ${JSON.stringify(error)}`).not.toContain(
          scriptedToken.secret.slice(0, 20),
        );
      }
    });
  });

  it('a service id that is none is a usage error', async () => {
    await inWorld({}, {}, async ({ peer, client }) => {
      expect(await codeOf(client.serviceCloud('../../etc/passwd'))).toBe('usage');
      expect(peer.seen.streams).toEqual([]);
    });
  });
});

describe('with a fingerprint', () => {
  it('nothing but the handshake leaves before it has matched', async () => {
    await inWorld({ token: scriptedToken }, {}, async ({ peer, client }) => {
      const credentials = { e2eeFingerprint: wrong, accessToken: scriptedTokenText };
      const error = await client
        .serviceCloud(id, credentials)
        .catch((caught: unknown) => caught as GatehouseError);
      expect(error).toMatchObject({
        code: 'fingerprint_mismatch',
        details: { expected: wrong, offered: peer.fingerprint },
      });
      expect((error as GatehouseError).message).toMatch(/Never paste.*administrator alone/);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(peer.seen.streams.map(({ kind }) => kind)).toEqual(['e2ee']);
      expect(peer.seen.insideTls).toEqual([[]]);
      expect(client.requests).toEqual([]);
    });
  });

  it.each(['always', 'when_available', 'never'] as const)(
    'E2EE is used though the default is %s',
    async (useE2eeDefault) => {
      await inWorld({}, { useE2eeDefault }, async ({ peer, client, warnings }) => {
        const service = await client.serviceCloud(id, { e2eeFingerprint: peer.fingerprint.toUpperCase() });
        await service.call('ping');
        expect(peer.seen.streams.map(({ kind }) => kind)).toEqual(['e2ee']);
        expect(service.requests.every(({ e2ee }) => e2ee.e2eeUsed && e2ee.verifiedBy === 'fingerprint')).toBe(
          true,
        );
        expect(warnings).toEqual([]);
      });
    },
  );
});

const unavailable: Partial<Capabilities['e2ee']> = { available: false, required: false };

describe('without a fingerprint', () => {
  it('the default asks outside TLS, uses E2EE, and calls nothing verified', async () => {
    await inWorld({}, {}, async ({ peer, client, warnings }) => {
      const service = await client.serviceCloud(id);
      await service.call('ping');
      expect(peer.seen.streams.map(({ kind }) => kind)).toEqual(['plain', 'e2ee']);
      expect(
        service.requests.map(({ rpcName, e2ee }) => [rpcName, e2ee.e2eeUsed, e2ee.plaintextReason]),
      ).toEqual([
        ['capabilities', false, 'capabilities_probe'],
        ['capabilities', true, undefined],
        ['ping', true, undefined],
      ]);
      expect(service.requests.at(-1)?.e2ee).toMatchObject({ verifiedBy: 'none', sessionVerified: false });
      expect(warnings).toEqual([]);
    });
  });

  it('"always" sends nothing outside TLS', async () => {
    await inWorld({}, { useE2eeDefault: 'always' }, async ({ peer, client }) => {
      await (await client.serviceCloud(id)).call('ping');
      expect(peer.seen.streams.map(({ kind }) => kind)).toEqual(['e2ee']);
    });
  });

  it('"never" warns first, and the service itself refuses what it requires E2EE for', async () => {
    let warnedAtFirstRpc = -1;
    const said: string[] = [];
    const rpc: Script['rpc'] = () => {
      if (warnedAtFirstRpc < 0) warnedAtFirstRpc = said.length;
      return false;
    };
    await inWorld(
      { rpc },
      { useE2eeDefault: 'never', onWarning: (text) => said.push(text) },
      async ({ client }) => {
        const service = await client.serviceCloud(id);
        expect(warnedAtFirstRpc).toBe(1);
        expect(said[0]).toMatch(/WITHOUT end-to-end encryption/);
        expect(await codeOf(service.call('ping'))).toBe('e2ee_required');
        expect(service.requests.at(-1)).toMatchObject({
          status: 'REJECTED',
          e2ee: { e2eeUsed: false, plaintextReason: 'use_e2ee_default_never' },
        });
        expect(await service.call('capabilities')).toMatchObject({ versions: [1] });
      },
    );
  });

  it('plaintext is used, after a warning, only where the service offers no E2EE', async () => {
    await inWorld({ capabilities: unavailable }, {}, async ({ peer, client, warnings }) => {
      const service = await client.serviceCloud(id);
      expect(warnings).toHaveLength(1);
      await service.call('ping');
      expect(peer.seen.streams.map(({ kind }) => kind)).toEqual(['plain', 'plain']);
      expect(service.requests.at(-1)?.e2ee.plaintextReason).toBe('e2ee_not_available');
    });
  });

  it.each<[string, (capabilities: Capabilities) => unknown]>([
    ['that E2EE is not required', ({ e2ee, ...rest }) => ({ ...rest, e2ee: { ...e2ee, required: false } })],
    [
      'that verification is required',
      ({ e2ee, ...rest }) => ({ ...rest, e2ee: { ...e2ee, sessionVerificationRequired: true } }),
    ],
    ['another list of versions', (capabilities) => ({ ...capabilities, versions: [1, 2] })],
    ['that there is no HTTP/2', (capabilities) => ({ ...capabilities, h2: false })],
  ])('a relay that says %s is caught inside TLS', async (_what, tamperOutside) => {
    await inWorld({ tamperOutside }, {}, async ({ peer, client }) => {
      expect(await codeOf(client.serviceCloud(id))).toBe('downgrade_detected');
      expect(peer.seen.http.join()).not.toContain('ping');
    });
  });

  it.each<[string, Script, string]>([
    [
      'TLS that is none',
      { insteadOfTls: (duplex) => duplex.end('HTTP/1.1 400 Bad Request\r\n\r\n') },
      'e2ee_handshake_failed',
    ],
    ['a closed connection', { insteadOfTls: (duplex) => duplex.destroy() }, 'e2ee_handshake_failed'],
    ['silence', { insteadOfTls: () => undefined }, 'e2ee_handshake_failed'],
    [
      'a refused stream',
      { answerStream: ({ kind }) => (kind === 'e2ee' ? { code: 'limit_exceeded', message: 'no' } : null) },
      'limit_exceeded',
    ],
  ])('%s never leads to plaintext', async (_what, script, code) => {
    await inWorld(script, { timeouts: { handshakeMs: 300 } }, async ({ peer, client, warnings }) => {
      expect(await codeOf(client.serviceCloud(id))).toBe(code);
      expect(peer.seen.streams.map(({ kind }) => kind)).toEqual(['plain', 'e2ee']);
      expect(warnings).toEqual([]);
    });
  });

  it('a service that requires verification needs a token', async () => {
    await inWorld({ capabilities: { sessionVerificationRequired: true } }, {}, async ({ peer, client }) => {
      expect(await codeOf(client.serviceCloud(id))).toBe('access_token_required');
      expect(await codeOf(client.serviceCloud(id, { e2eeFingerprint: peer.fingerprint }))).toBe(
        'access_token_required',
      );
    });
  });

  it.each<[string, unknown, string]>([
    ['no JSON object', 'nonsense', 'rpc_failed'],
    ['no requirements', { versions: [1], h2: true }, 'rpc_failed'],
    [
      'other versions alone',
      {
        versions: [7],
        h2: true,
        e2ee: { available: true, required: true, sessionVerificationRequired: false },
      },
      'version_unsupported',
    ],
  ])('capabilities with %s are refused', async (_what, answer, code) => {
    await inWorld({ tamperOutside: () => answer }, {}, async ({ client }) => {
      expect(await codeOf(client.serviceCloud(id))).toBe(code);
    });
  });
});
