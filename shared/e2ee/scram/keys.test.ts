// The key schedule against published and independently computed values.
import { describe, expect, it } from 'vitest';
import {
  SCRAM_ISSUED,
  clientProof,
  deriveScramClientKeys,
  deriveScramKeys,
  sameBytes,
  serverSignature,
} from './keys.ts';
import { authMessage, bindingAttribute } from './messages.ts';

// RFC 7677 section 3: SCRAM-SHA-256 without channel binding.
const rfc7677 = {
  password: 'pencil',
  salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
  iterations: 4096,
  clientFirstBare: 'n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  nonce: 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  proof: 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  signature: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};

describe('the SCRAM-SHA-256 key schedule', () => {
  it("gives RFC 7677's proof and server signature for its example", async () => {
    const { password, salt, iterations, clientFirstBare, serverFirst, nonce } = rfc7677;
    const keys = await deriveScramClientKeys(password, salt, iterations);
    const auth = authMessage(
      clientFirstBare,
      serverFirst,
      `c=${bindingAttribute('n,,', Buffer.alloc(0))},r=${nonce}`,
    );
    expect(clientProof(keys, auth).toString('base64')).toBe(rfc7677.proof);
    expect(serverSignature(keys.serverKey, auth).toString('base64')).toBe(rfc7677.signature);
  });

  it('gives the service the same keys as the client, and not the client key', async () => {
    const { password, salt, iterations } = rfc7677;
    const { clientKey, ...shared } = await deriveScramClientKeys(password, salt, iterations);
    expect(deriveScramKeys(password, salt, iterations)).toEqual(shared);
    expect(clientKey).toHaveLength(32);
  });

  it.each([
    ['an empty secret', '', 16, 4096],
    ['a secret with a space', 'a b', 16, 4096],
    ['a secret beyond ASCII', 'pässwort', 16, 4096],
    ['an empty salt', 'secret', 0, 4096],
    ['a salt of 65 bytes', 'secret', 65, 4096],
    ['4,095 iterations', 'secret', 16, 4095],
    ['100,001 iterations', 'secret', 16, 100_001],
    ['half an iteration', 'secret', 16, 4096.5],
    ['NaN iterations', 'secret', 16, Number.NaN],
  ])('refuses %s', async (_name, secret, saltBytes, iterations) => {
    const salt = Buffer.alloc(saltBytes, 1);
    const refusal = expect.objectContaining({ code: 'internal' });
    expect(() => deriveScramKeys(secret, salt, iterations)).toThrow(refusal);
    await expect(deriveScramClientKeys(secret, salt, iterations)).rejects.toThrow(refusal);
  });

  it('issues what it accepts', () => {
    const salt = Buffer.alloc(SCRAM_ISSUED.saltBytes, 1);
    expect(deriveScramKeys('secret', salt, SCRAM_ISSUED.iterations).storedKey).toHaveLength(32);
  });

  it('calls bytes of different lengths different', () => {
    expect(sameBytes(Buffer.alloc(31), Buffer.alloc(32))).toBe(false);
    expect(sameBytes(Buffer.alloc(32), Buffer.alloc(32))).toBe(true);
  });
});
