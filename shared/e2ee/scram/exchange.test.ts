// The whole exchange: what verifies, and that nothing else does, whatever is changed, replayed or reordered.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  runScram,
  scramMessages,
  scramParties,
  testCredential,
  testToken,
  type ScramMessage,
} from '../../testing/scram-exchange.ts';

const nonces = { client: { nonce: 'client-nonce-000000001' }, server: { nonce: 'server-nonce-000000002' } };

/** `runScram`'s error code, or 'verified'. */
async function outcome(...args: Parameters<typeof runScram>): Promise<string> {
  try {
    await runScram(...args);
    return 'verified';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('a SCRAM exchange', () => {
  it('verifies both sides and names the token', async () => {
    const parties = scramParties();
    expect((await runScram(parties)).id).toBe(testToken.id);
    expect(parties.client.verified).toBe(true);
    expect(parties.server.claimedId).toBe(testToken.id);
  });

  it('says what an independent implementation says (Python hashlib, byte for byte)', async () => {
    const said: string[] = [];
    await runScram(scramParties(nonces), (_name, message) => {
      said.push(message);
      return message;
    });
    expect(said).toEqual([
      'p=tls-exporter,,n=abcdefgh2345,r=client-nonce-000000001',
      'r=client-nonce-000000001server-nonce-000000002,s=AAECAwQFBgcICQoLDA0ODw==,i=4096',
      'c=cD10bHMtZXhwb3J0ZXIsLCAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/,' +
        'r=client-nonce-000000001server-nonce-000000002,p=YarJI829B15ET234TerJuurt3S9ja0/d4j/IEnyVZyg=',
      'v=Qk9vhvXgu9ccatdTHRp221rD6LJvJgLykFUAajMuMxk=',
    ]);
  });

  it('sends the secret nowhere', async () => {
    await runScram(scramParties(), (_name, message) => {
      expect(message).not.toContain(testToken.secret);
      expect(message).not.toContain(Buffer.from(testToken.secret).toString('base64').slice(0, 40));
      return message;
    });
  });

  it('escapes commas and equals signs in an id, and reads them back', async () => {
    const id = 'a,b=c=2Cd';
    const server = { lookup: (name: string) => (name === id ? testCredential : null) };
    const parties = scramParties({ client: { id }, server });
    const accepted = await runScram(parties, (name, message) => {
      if (name === 'clientFirst') expect(message).toContain('n=a=2Cb=3Dc=3D2Cd,');
      return message;
    });
    expect(accepted.id).toBe(id);
  });

  it.each<[string, Parameters<typeof scramParties>[0], string]>([
    ['another secret', { client: { secret: testToken.secret.replace('Z', 'Y') } }, 'access_token_rejected'],
    ['an unknown id', { client: { id: 'zzzzzzzz7777' } }, 'access_token_rejected'],
    ['a revoked token', { server: { lookup: () => null } }, 'access_token_rejected'],
    ['another TLS connection', { client: { channelBinding: Buffer.alloc(32, 9) } }, 'verification_failed'],
    [
      'a service that has the stored key and not the server key',
      { server: { lookup: () => ({ ...testCredential, serverKey: Buffer.alloc(32, 1) }) } },
      'service_not_verified',
    ],
  ])('fails with %s', async (_name, changes, code) => {
    const parties = scramParties(changes);
    expect(await outcome(parties)).toBe(code);
    expect(parties.client.verified).toBe(false);
  });

  it('fails when any one bit of any message is flipped', async () => {
    for (const target of scramMessages) {
      for (let at = 0; ; at += 3) {
        const flip = flipBit(target, at, at % 7);
        const parties = scramParties(nonces);
        expect(await outcome(parties, flip.relay)).not.toBe('verified');
        expect(parties.client.verified).toBe(false);
        if (flip.isPast()) break;
      }
    }
  });

  it('fails whatever else is done to any message', async () => {
    const change = fc.record({
      target: fc.constantFrom(...scramMessages),
      at: fc.nat(200),
      remove: fc.nat(6),
      insert: fc.string({ unit: 'binary-ascii', maxLength: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ target, at, remove, insert }) => {
        let isChanged = false;
        const parties = scramParties();
        const result = await outcome(parties, (name, message) => {
          if (name !== target) return message;
          const changed = message.slice(0, at) + insert + message.slice(at + remove);
          isChanged = changed !== message;
          return changed;
        });
        expect(result === 'verified').toBe(!isChanged);
        expect(parties.client.verified).toBe(!isChanged);
      }),
      { numRuns: 300 },
    );
  });
});

/** Flips `bit` of character `at` of the `target`; at its end, appends one instead and is past. */
function flipBit(target: ScramMessage, at: number, bit: number) {
  let isPast = false;
  const relay = (name: ScramMessage, message: string): string => {
    if (name !== target) return message;
    isPast = at >= message.length;
    const bytes = Buffer.from(isPast ? `${message}A` : message, 'latin1');
    if (!isPast) bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
    return bytes.toString('latin1');
  };
  return { relay, isPast: () => isPast };
}

describe('an exchange out of order', () => {
  const refusal = expect.objectContaining({ code: 'verification_failed' });

  it('fails where the server is used a second time, even for a first message', async () => {
    const { client, server } = scramParties();
    const first = client.first();
    const final = await client.final(server.first(first));
    server.final(final);
    expect(() => server.final(final)).toThrow(refusal);
    expect(() => server.first(first)).toThrow(refusal);
  });

  it('fails for good where a first message comes twice', async () => {
    const { client, server } = scramParties();
    const first = client.first();
    const final = await client.final(server.first(first));
    expect(() => server.first(first)).toThrow(refusal);
    expect(() => server.final(final)).toThrow(refusal);
  });

  it('fails for good where the final message comes first', () => {
    const { client, server } = scramParties();
    expect(() => server.final('c=,r=,p=')).toThrow(refusal);
    expect(() => server.first(client.first())).toThrow(refusal);
  });

  it('gives no second guess: after a wrong proof the right one is refused too', async () => {
    const { client, server } = scramParties();
    const final = await client.final(server.first(client.first()));
    const wrong = final.replace(/p=.*$/, `p=${Buffer.alloc(32).toString('base64')}`);
    expect(() => server.final(wrong)).toThrow(expect.objectContaining({ code: 'access_token_rejected' }));
    expect(() => server.final(final)).toThrow(refusal);
  });

  it('fails at the client for messages that come twice, early or at once', async () => {
    const twice = scramParties().client;
    twice.first();
    expect(() => twice.first()).toThrow(refusal);
    const early = scramParties().client;
    await expect(early.final('r=x')).rejects.toThrow(refusal);
    const { client, server } = scramParties();
    const serverFirst = server.first(client.first());
    const both = await Promise.allSettled([client.final(serverFirst), client.final(serverFirst)]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(() => client.verify('v=')).toThrow(refusal);
  });

  it('never verifies a replay: recorded messages fit no later exchange', async () => {
    const recorded = new Map<ScramMessage, string>();
    await runScram(scramParties(), (name, message) => {
      recorded.set(name, message);
      return message;
    });
    const replayed = scramParties().server;
    replayed.first(recorded.get('clientFirst') ?? '');
    expect(() => replayed.final(recorded.get('clientFinal') ?? '')).toThrow(refusal);
    for (const target of ['serverFirst', 'serverFinal'] as const) {
      const parties = scramParties();
      const replay = (name: ScramMessage, message: string) =>
        name === target ? (recorded.get(name) ?? '') : message;
      expect(await outcome(parties, replay)).not.toBe('verified');
      expect(parties.client.verified).toBe(false);
    }
  });
});

describe('an unknown id', () => {
  const firstFor = (id: string) => {
    const { client, server } = scramParties({
      client: { id, nonce: nonces.client.nonce },
      server: nonces.server,
    });
    return server.first(client.first());
  };

  it('gets a salt that is stable, its own, and made with the key of the service', () => {
    expect(firstFor('unknown22222')).toBe(firstFor('unknown22222'));
    expect(firstFor('unknown22222')).not.toBe(firstFor('unknown33333'));
    const { client, server } = scramParties({
      client: { id: 'unknown22222', ...nonces.client },
      server: { fakeSaltKey: Buffer.alloc(32, 1), ...nonces.server },
    });
    expect(server.first(client.first())).not.toBe(firstFor('unknown22222'));
  });

  it('is answered in the form and length of a known one', () => {
    const shape = (message: string) => message.replace(/s=[A-Za-z0-9+/]+/, 's=');
    expect(shape(firstFor('unknown22222'))).toBe(shape(firstFor(testToken.id)));
    expect(firstFor('unknown22222')).toHaveLength(firstFor(testToken.id).length);
  });

  it('fails at the end, with the very error of a wrong proof', async () => {
    const wrong = await runScram(scramParties({ client: { secret: 'x'.repeat(43) } })).catch(
      (e: unknown) => e,
    );
    const unknown = await runScram(scramParties({ client: { id: 'unknown22222' } })).catch((e: unknown) => e);
    expect(JSON.stringify(unknown)).toBe(JSON.stringify(wrong));
    expect(wrong).toMatchObject({ code: 'access_token_rejected' });
  });
});
