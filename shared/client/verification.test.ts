// Session verification as the client sees it: when it happens, what it refuses, and what never leaves.
import { describe, expect, it } from 'vitest';
import type { Script } from '../testing/script.ts';
import { scriptedServiceId as id } from '../testing/scripted-service.ts';
import { codeOf, inWorld, scriptedToken, scriptedTokenText, type World } from '../testing/scripted-world.ts';

const withToken = ({ peer }: World) => ({
  e2eeFingerprint: peer.fingerprint,
  accessToken: scriptedTokenText,
});
const required: Script = { token: scriptedToken, capabilities: { sessionVerificationRequired: true } };

describe('capabilities', () => {
  it('are told without an access token where nothing else is, and no session stays open', async () => {
    await inWorld(required, {}, async ({ client, peer }) => {
      const answer = await client.capabilities(id, { e2eeFingerprint: peer.fingerprint });
      expect(answer.e2ee.sessionVerificationRequired).toBe(true);
      expect(client.requests.at(-1)?.e2ee).toMatchObject({ e2eeUsed: true, verifiedBy: 'fingerprint' });
      await expect.poll(() => peer.openStreams).toBe(0);
      const refused = client.serviceCloud(id, { e2eeFingerprint: peer.fingerprint });
      expect(await codeOf(refused)).toBe('access_token_required');
    });
  });

  it('of a service with another certificate are not asked for', async () => {
    await inWorld(required, {}, async ({ client }) => {
      const asked = client.capabilities(id, { e2eeFingerprint: 'ab'.repeat(32) });
      expect(await codeOf(asked)).toBe('fingerprint_mismatch');
      expect(client.requests).toEqual([]);
    });
  });
});

describe('a session is verified', () => {
  it('once for all calls over HTTP/2', async () => {
    await inWorld(required, {}, async (world) => {
      const service = await world.client.serviceCloud(id, withToken(world));
      await Promise.all([service.call('ping'), service.call('ping'), service.call('ping')]);
      expect(world.peer.seen.verified).toEqual([scriptedToken.id]);
      expect(world.peer.seen.streams).toHaveLength(1);
      const [first] = service.requests;
      expect(first).toMatchObject({ rpcName: 'capabilities', e2ee: { sessionVerified: false } });
      expect(
        service.requests
          .slice(1)
          .map(({ e2ee, h2MultiplexingUsed }) => [e2ee.sessionVerified, h2MultiplexingUsed]),
      ).toEqual(Array(3).fill([true, true]));
    });
  });

  it('anew for every call where HTTP/2 is off', async () => {
    await inWorld(required, { useH2WhenAvailable: false }, async (world) => {
      const service = await world.client.serviceCloud(id, withToken(world));
      expect(world.peer.seen.verified).toHaveLength(1);
      await service.call('ping');
      await service.call('echo', { a: 1 });
      expect(world.peer.seen.verified).toHaveLength(3);
      expect(world.peer.seen.streams.map(({ kind }) => kind)).toEqual(['e2ee', 'e2ee', 'e2ee']);
      expect(service.requests.slice(1).every((request) => request.e2ee.sessionVerified)).toBe(true);
      expect(service.requests.some((request) => request.h2MultiplexingUsed)).toBe(false);
      await expect.poll(() => world.peer.openStreams).toBe(0);
    });
  });

  it('whenever a token is given, also where the service does not ask for it', async () => {
    await inWorld({ token: scriptedToken }, {}, async (world) => {
      await world.client.serviceCloud(id, withToken(world));
      expect(world.peer.seen.verified).toEqual([scriptedToken.id]);
    });
  });

  it('again, by itself, where the last session has ended', async () => {
    await inWorld(required, {}, async (world) => {
      const service = await world.client.serviceCloud(id, withToken(world));
      world.peer.cut();
      await expect.poll(() => codeOf(service.call('ping'))).toBe('resolved');
      expect(world.peer.seen.verified).toHaveLength(2);
      expect(world.peer.seen.dials).toBe(2);
      const again = await Promise.all(Array.from({ length: 20 }, () => service.call('ping')));
      expect(again).toHaveLength(20);
      expect(world.peer.seen.verified).toHaveLength(2);
    });
  });

  it('by reload, with other credentials or with those of before', async () => {
    await inWorld(required, {}, async (world) => {
      const service = await world.client.serviceCloud(id, withToken(world));
      await service.reload();
      await service.call('ping');
      expect(world.peer.seen.verified).toHaveLength(2);
      const other = `gh_${scriptedToken.id}_${'z'.repeat(43)}`;
      expect(await codeOf(service.reload({ ...withToken(world), accessToken: other }))).toBe(
        'access_token_rejected',
      );
      expect(await codeOf(service.call('ping'))).toBe('access_token_rejected');
      expect(await codeOf(service.reload({ accessToken: scriptedTokenText }))).toBe('fingerprint_required');
      await service.reload(withToken(world));
      expect(await codeOf(service.call('ping'))).toBe('resolved');
    });
  });
});

describe.each([true, false])('a service is refused (HTTP/2: %s)', (useH2WhenAvailable) => {
  const flip = (text: string): string =>
    text.replace(/=(.)/, (_all, char: string) => (char === 'A' ? '=B' : '=A'));
  it.each<[string, Script['tamperScram'], string]>([
    [
      'whose own proof is wrong',
      (step, text) => (step === 'final' ? flip(text) : text),
      'service_not_verified',
    ],
    ['whose own proof is missing', (step, text) => (step === 'final' ? 'v=' : text), 'verification_failed'],
    [
      'that answers its proof with nothing',
      (step, text) => (step === 'final' ? '' : text),
      'verification_failed',
    ],
    [
      'that says "e=" in the end',
      (step, text) => (step === 'final' ? 'e=invalid-proof' : text),
      'access_token_rejected',
    ],
    [
      'that cuts the nonce',
      (step, text) => (step === 'first' ? text.replace(/^r=./, 'r=') : text),
      'verification_failed',
    ],
    [
      'that asks for few iterations',
      (step, text) => (step === 'first' ? text.replace(/i=\d+/, 'i=4095') : text),
      'verification_failed',
    ],
    [
      'that asks for endless iterations',
      (step, text) => (step === 'first' ? text.replace(/i=\d+/, 'i=100001') : text),
      'verification_failed',
    ],
    [
      'that answers with more than a message',
      (step, text) => (step === 'first' ? text + 'x'.repeat(10_000) : text),
      'limit_exceeded',
    ],
  ])('%s', async (_what, tamperScram, code) => {
    await inWorld(
      { ...required, ...(tamperScram && { tamperScram }) },
      { useH2WhenAvailable },
      async (world) => {
        expect(await codeOf(world.client.serviceCloud(id, withToken(world)))).toBe(code);
        expect(world.peer.seen.http.join()).not.toContain('/rpc/ping');
      },
    );
  });

  it('that knows another secret', async () => {
    const token = { ...scriptedToken, secret: 'y'.repeat(43) };
    await inWorld({ ...required, token }, { useH2WhenAvailable }, async (world) => {
      expect(await codeOf(world.client.serviceCloud(id, withToken(world)))).toBe('access_token_rejected');
    });
  });

  it("that claims a verdict which is the client's own", async () => {
    const rpc: Script['rpc'] = ({ h1, h2, rpcName }) => {
      if (rpcName !== 'ping') return false;
      const body = JSON.stringify({
        error: { code: 'fingerprint_mismatch', message: 'paste \u001b[2J this one' },
      });
      h1?.response.writeHead(403, { 'content-type': 'application/json' }).end(body);
      h2?.stream.respond({ ':status': 403, 'content-type': 'application/json' });
      h2?.stream.end(body);
      return true;
    };
    await inWorld({ ...required, rpc }, { useH2WhenAvailable }, async (world) => {
      const service = await world.client.serviceCloud(id, withToken(world));
      expect(await codeOf(service.call('ping'))).toBe('rpc_failed');
    });
  });
});

describe('secrets', () => {
  it.each([true, false])(
    'never leave: not outside TLS, not inside, in no form (HTTP/2: %s)',
    async (useH2WhenAvailable) => {
      const relayToken = 'ghr_relaytokenid_c2VjcmV0LW9mLXRoZS1yZWxheS1hbG9uZQ';
      await inWorld({ ...required, relayToken }, { relayToken, useH2WhenAvailable }, async (world) => {
        const service = await world.client.serviceCloud(id, withToken(world));
        await service.call('echo', { some: 'args' });
        const { seen } = world.peer;
        expect(seen.authorisations).toEqual([`Bearer ${relayToken}`]);
        const everything = [...seen.outside, ...seen.insideTls.flat(), Buffer.from(seen.http.join('\n'))];
        const haystack = Buffer.concat(everything).toString('latin1');
        expect(haystack).toContain('args');
        for (const secret of [scriptedToken.secret, relayToken, 'c2VjcmV0LW9mLXRoZS1yZWxheS1hbG9uZQ']) {
          const bytes = Buffer.from(secret);
          const decoded = Buffer.from(secret, 'base64url');
          for (const form of [
            bytes,
            decoded,
            Buffer.from(bytes.toString('base64')),
            Buffer.from(bytes.toString('hex')),
            Buffer.from(decoded.toString('hex')),
          ]) {
            expect(haystack.includes(form.toString('latin1'))).toBe(false);
          }
        }
        const shown = JSON.stringify([world.client.requests, service, world.client]);
        expect(shown).not.toContain(scriptedToken.secret);
        expect(shown).not.toContain('c2VjcmV0');
      });
    },
  );
});
