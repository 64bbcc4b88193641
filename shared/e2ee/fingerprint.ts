// The hash behind a certificate's fingerprint, and the comparison that all trust in a service rests on.
// Reading and writing fingerprints as text is in contracts/fingerprint.ts.
// Must never compare anything but whole SHA-256 values.
import { createHash, timingSafeEqual } from 'node:crypto';
import { parseFingerprint } from '../contracts/fingerprint.ts';

/** SHA-256 of a certificate's DER, as 64 lower-case hex digits. */
export function certificateSha256(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('hex');
}

/**
 * True where both texts name the same 32 bytes, in whatever form they are written. The time does not depend
 * on where they differ. Throws `fingerprint_invalid` where one is no fingerprint.
 */
export function sameFingerprint(a: string, b: string): boolean {
  return timingSafeEqual(bytesOf(a), bytesOf(b));
}

function bytesOf(fingerprint: string): Buffer {
  return Buffer.from(parseFingerprint(fingerprint), 'hex');
}
