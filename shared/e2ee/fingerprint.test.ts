// The hash and the comparison of certificate fingerprints.
import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeTestCertificate } from '../testing/test-certificate.ts';
import { certificateSha256, sameFingerprint } from './fingerprint.ts';

const A = 'ab'.repeat(32);

describe('certificate fingerprints', () => {
  it('are what node:crypto and openssl call fingerprint256', () => {
    const { cert, der } = makeTestCertificate();
    const theirs = new X509Certificate(cert).fingerprint256;
    expect(sameFingerprint(certificateSha256(der), theirs)).toBe(true);
  });

  it('are compared by their bytes, however they are written', () => {
    expect(sameFingerprint(A, `SHA256:${A.toUpperCase()}`)).toBe(true);
  });

  it('differ where any single bit differs', () => {
    fc.assert(
      fc.property(fc.nat(255), (bit) => {
        const bytes = Buffer.from(A, 'hex');
        const index = bit >> 3;
        bytes[index] = (bytes[index] ?? 0) ^ (1 << (bit & 7));
        expect(sameFingerprint(A, bytes.toString('hex'))).toBe(false);
      }),
    );
  });

  it.each([
    ['', A],
    [A, ''],
    [A.slice(2), A],
    [A, A.slice(2)],
  ])('are never compared in part (%j, %j)', (a, b) => {
    expect(() => sameFingerprint(a, b)).toThrow(expect.objectContaining({ code: 'fingerprint_invalid' }));
  });
});
