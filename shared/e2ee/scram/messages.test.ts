// Hostile messages, one table for each reader: every one ends the exchange with a coded error.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatehouseError } from '../../contracts/errors.ts';
import { scramParties } from '../../testing/scram-exchange.ts';
import {
  GS2_HEADER,
  readClientFinal,
  readClientFirst,
  readServerFinal,
  readServerFirst,
} from './messages.ts';

const CLIENT_NONCE = 'client-nonce-000000001';
const NONCE = `${CLIENT_NONCE}server-nonce-000000002`;
const SALT = Buffer.alloc(16, 1).toString('base64');
const HASH = Buffer.alloc(32, 2).toString('base64');
const bare = `n=abcdefgh2345,r=${CLIENT_NONCE}`;

const refusal = expect.objectContaining({ code: 'verification_failed' });

describe('readClientFirst', () => {
  it('reads the one form', () => {
    const message = `${GS2_HEADER}${bare}`;
    expect(readClientFirst(message)).toEqual({ id: 'abcdefgh2345', nonce: CLIENT_NONCE, bare });
  });

  it.each([
    ['nothing', ''],
    ['no channel binding', `n,,${bare}`],
    ['no channel binding though the client could', `y,,${bare}`],
    ['tls-unique', `p=tls-unique,,${bare}`],
    ['tls-server-end-point', `p=tls-server-end-point,,${bare}`],
    ['another case', `p=TLS-EXPORTER,,${bare}`],
    ['an authorisation identity', `p=tls-exporter,a=admin,${bare}`],
    ['no GS2 header', bare],
    ['a mandatory extension', `${GS2_HEADER}m=x,${bare}`],
    ['an optional extension', `${GS2_HEADER}${bare},x=1`],
    ['no name', `${GS2_HEADER}r=${CLIENT_NONCE}`],
    ['an empty name', `${GS2_HEADER}n=,r=${CLIENT_NONCE}`],
    ['two names', `${GS2_HEADER}n=a,n=b,r=${CLIENT_NONCE}`],
    ['a name with a bare equals sign', `${GS2_HEADER}n=a=b,r=${CLIENT_NONCE}`],
    ['a name with a lower-case escape', `${GS2_HEADER}n=a=2cb,r=${CLIENT_NONCE}`],
    ['a name that ends in an escape', `${GS2_HEADER}n=a=2,r=${CLIENT_NONCE}`],
    ['a name with a space', `${GS2_HEADER}n=a b,r=${CLIENT_NONCE}`],
    ['a name with a NUL', `${GS2_HEADER}n=a\0,r=${CLIENT_NONCE}`],
    ['a name beyond ASCII', `${GS2_HEADER}n=ä,r=${CLIENT_NONCE}`],
    ['no nonce', `${GS2_HEADER}n=a`],
    ['a short nonce', `${GS2_HEADER}n=a,r=${'x'.repeat(17)}`],
    ['a line break after it', `${GS2_HEADER}${bare}\n`],
    ['a comma after it', `${GS2_HEADER}${bare},`],
    ['more than 1 KiB', `${GS2_HEADER}n=a,r=${'x'.repeat(1024)}`],
  ])('refuses %s', (_name, message) => {
    expect(() => readClientFirst(message)).toThrow(refusal);
    const { server } = scramParties();
    expect(() => server.first(message)).toThrow(refusal);
    expect(() => server.first(`${GS2_HEADER}${bare}`)).toThrow(refusal);
  });
});

describe('readServerFirst', () => {
  const read = (message: string) => readServerFirst(message, CLIENT_NONCE);

  it('reads the one form', () => {
    expect(read(`r=${NONCE},s=${SALT},i=4096`)).toMatchObject({ nonce: NONCE, iterations: 4096 });
    expect(read(`r=${NONCE},s=${SALT},i=100000`).iterations).toBe(100_000);
  });

  it.each([
    ['nothing', ''],
    ['a nonce of its own', `r=${'z'.repeat(44)},s=${SALT},i=4096`],
    ["the client's nonce alone", `r=${CLIENT_NONCE},s=${SALT},i=4096`],
    ['a nonce extended by 17 characters', `r=${CLIENT_NONCE}${'x'.repeat(17)},s=${SALT},i=4096`],
    ["the client's nonce last", `r=${'x'.repeat(20)}${CLIENT_NONCE},s=${SALT},i=4096`],
    ['a mandatory extension', `m=x,r=${NONCE},s=${SALT},i=4096`],
    ['an optional extension', `r=${NONCE},s=${SALT},i=4096,x=1`],
    ['another order', `s=${SALT},r=${NONCE},i=4096`],
    ['an empty salt', `r=${NONCE},s=,i=4096`],
    ['a salt of 65 bytes', `r=${NONCE},s=${Buffer.alloc(65).toString('base64')},i=4096`],
    ['a salt that is no base64', `r=${NONCE},s=????,i=4096`],
    ['a salt in base64url', `r=${NONCE},s=-_-_,i=4096`],
    ['a salt without padding', `r=${NONCE},s=${SALT.replaceAll('=', '')},i=4096`],
    ['4,095 iterations', `r=${NONCE},s=${SALT},i=4095`],
    ['100,001 iterations', `r=${NONCE},s=${SALT},i=100001`],
    ['one iteration', `r=${NONCE},s=${SALT},i=1`],
    ['4 billion iterations', `r=${NONCE},s=${SALT},i=4294967296`],
    ['iterations with a leading zero', `r=${NONCE},s=${SALT},i=04096`],
    ['iterations in hex', `r=${NONCE},s=${SALT},i=0x1000`],
    ['iterations with an exponent', `r=${NONCE},s=${SALT},i=5e3`],
    ['negative iterations', `r=${NONCE},s=${SALT},i=-4096`],
    ['no iterations', `r=${NONCE},s=${SALT},i=`],
    ['more than 1 KiB', `r=${NONCE}${'x'.repeat(1024)},s=${SALT},i=4096`],
  ])('refuses %s', async (_name, message) => {
    expect(() => read(message)).toThrow(refusal);
    const { client } = scramParties({ client: { nonce: CLIENT_NONCE } });
    client.first();
    await expect(client.final(message)).rejects.toThrow(refusal);
    await expect(client.final(`r=${NONCE},s=${SALT},i=4096`)).rejects.toThrow(refusal);
  });

  it('takes an error in its place as a rejected token', async () => {
    const { client } = scramParties();
    client.first();
    await expect(client.final('e=unknown-user')).rejects.toMatchObject({ code: 'access_token_rejected' });
  });
});

describe('readClientFinal', () => {
  it('reads the one form', () => {
    const withoutProof = `c=YQ==,r=${NONCE}`;
    const final = readClientFinal(`${withoutProof},p=${HASH}`);
    expect(final).toEqual({ binding: 'YQ==', nonce: NONCE, proof: Buffer.alloc(32, 2), withoutProof });
  });

  it.each([
    ['nothing', ''],
    ['no proof', `c=YQ==,r=${NONCE}`],
    ['an empty proof', `c=YQ==,r=${NONCE},p=`],
    ['a proof of 31 bytes', `c=YQ==,r=${NONCE},p=${Buffer.alloc(31).toString('base64')}`],
    ['a proof of 33 bytes', `c=YQ==,r=${NONCE},p=${Buffer.alloc(33).toString('base64')}`],
    ['a proof with spare bits set', `c=YQ==,r=${NONCE},p=${HASH.slice(0, 42)}J=`],
    ['a proof with text behind it', `c=YQ==,r=${NONCE},p=${HASH}AAAA`],
    ['an extension before the proof', `c=YQ==,r=${NONCE},x=1,p=${HASH}`],
    ['two proofs', `c=YQ==,r=${NONCE},p=${HASH},p=${HASH}`],
    ['another order', `r=${NONCE},c=YQ==,p=${HASH}`],
  ])('refuses %s', (_name, message) => {
    expect(() => readClientFinal(message)).toThrow(refusal);
  });

  it.each([
    ['the binding of an exchange without one', (message: string) => message.replace(/c=[^,]*/, 'c=biws')],
    ['an empty binding', (message: string) => message.replace(/c=[^,]*/, 'c=')],
    [
      'the GS2 header alone',
      (m: string) => m.replace(/c=[^,]*/, `c=${Buffer.from(GS2_HEADER).toString('base64')}`),
    ],
    ['a longer nonce', (message: string) => message.replace(',p=', 'x,p=')],
    ['a shorter nonce', (message: string) => message.replace(/.,p=/, ',p=')],
  ])('is refused by the server with %s', async (_name, change) => {
    const { client, server } = scramParties();
    const final = await client.final(server.first(client.first()));
    expect(() => server.final(change(final))).toThrow(refusal);
  });
});

describe('readServerFinal', () => {
  it('reads a signature or an error', () => {
    expect(readServerFinal(`v=${HASH}`)).toEqual({ signature: Buffer.alloc(32, 2) });
    expect(readServerFinal('e=invalid-proof')).toEqual({ error: 'invalid-proof' });
  });

  it.each([
    ['nothing', ''],
    ['an empty signature', 'v='],
    ['a signature of 31 bytes', `v=${Buffer.alloc(31).toString('base64')}`],
    ['both', `v=${HASH},e=other-error`],
    ['an extension', `v=${HASH},x=1`],
    ['an empty error', 'e='],
    ['an error with terminal escapes', 'e=\u001b[31m'],
    ['an error of 65 characters', `e=${'x'.repeat(65)}`],
  ])('refuses %s', (_name, message) => {
    expect(() => readServerFinal(message)).toThrow(refusal);
  });

  it('tells an error from a wrong signature', async () => {
    for (const [message, code] of [
      ['e=invalid-proof', 'access_token_rejected'],
      [`v=${HASH}`, 'service_not_verified'],
      ['v=x', 'verification_failed'],
    ] as const) {
      const { client, server } = scramParties();
      await client.final(server.first(client.first()));
      expect(() => {
        client.verify(message);
      }).toThrow(expect.objectContaining({ code }));
      expect(client.verified).toBe(false);
    }
  });
});

describe('any text', () => {
  it('is read or refused with verification_failed, and never anything else', () => {
    const unit = fc.constantFrom(...'nrscipvem=,,==2CDabc0123456789+/AQ \u0000ä');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 80 }), (text) => {
        for (const read of [readClientFirst, readClientFinal, readServerFinal]) {
          for (const message of [text, GS2_HEADER + text]) {
            try {
              read(message);
            } catch (error) {
              expect(error).toBeInstanceOf(GatehouseError);
              expect(error).toMatchObject({ code: 'verification_failed' });
            }
          }
        }
      }),
    );
  });
});

describe('the state machines', () => {
  it.each<[string, Parameters<typeof scramParties>[0]]>([
    ['a client without a binding', { client: { channelBinding: Buffer.alloc(0) } }],
    ['a server without a binding', { server: { channelBinding: Buffer.alloc(0) } }],
    ['a client without an id', { client: { id: '' } }],
    ['a short client nonce', { client: { nonce: 'short' } }],
    ['a client nonce with a comma', { client: { nonce: `${CLIENT_NONCE},` } }],
    ['a short server nonce', { server: { nonce: 'short' } }],
    ['a short key for salts', { server: { fakeSaltKey: Buffer.alloc(31) } }],
  ])('refuse %s', (_name, changes) => {
    expect(() => scramParties(changes)).toThrow(expect.objectContaining({ code: 'internal' }));
  });

  it('refuse a proof that is bound to something else', () => {
    const { server } = scramParties();
    const serverFirst = server.first(`${GS2_HEADER}${bare}`);
    const nonce = /^r=([^,]+)/.exec(serverFirst)?.[1] ?? '';
    const reason = 'it is bound to another TLS connection';
    expect(() => server.final(`c=biws,r=${nonce},p=${HASH}`)).toThrow(
      expect.objectContaining({ code: 'verification_failed', details: { reason } }),
    );
  });
});
