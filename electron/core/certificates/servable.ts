// Which imported certificates a service can serve, on OpenSSL and on BoringSSL (Electron) alike. What
// BoringSSL would only refuse at the first handshake is refused here, at import, with the reason.
// A certificate without subjectAltName is fine: clients know it by its fingerprint, not by a name.
import 'reflect-metadata';
import type { KeyObject } from 'node:crypto';
import { KeyUsageFlags, KeyUsagesExtension, X509Certificate as ParsedCertificate } from '@peculiar/x509';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { assertValidAt } from './service-certificate.ts';
import type { ServiceCertificate } from './service-certificate.ts';

const rsaBits = { min: 2048, max: 4096 };
/** BoringSSL takes odd exponents of at most 33 bits. */
const rsaExponent = { min: 3n, max: 2n ** 33n - 1n };
const curves: readonly (string | undefined)[] = ['prime256v1', 'secp384r1'];
/** Of the issuer's signature, whether RSA PKCS#1, RSA-PSS or ECDSA. */
const signatureHashes: readonly (string | undefined)[] = ['SHA-256', 'SHA-384', 'SHA-512'];

/** @throws GatehouseError `certificate_unsupported` with what is wrong with the key */
export function assertServableKey(key: KeyObject): void {
  const { modulusLength = 0, publicExponent = 0n, namedCurve } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'rsa':
      if (modulusLength < rsaBits.min || modulusLength > rsaBits.max) {
        throw unsupported(`its RSA key has ${String(modulusLength)} bits`);
      }
      if (publicExponent < rsaExponent.min || publicExponent > rsaExponent.max || publicExponent % 2n === 0n) {
        throw unsupported('its RSA key has an unusual public exponent');
      }
      return;
    case 'ec':
      if (!curves.includes(namedCurve)) throw unsupported(`its key is on the curve ${namedCurve ?? 'of its own'}`);
      return;
    default:
      throw unsupported(`its key is of the type ${key.asymmetricKeyType ?? 'unknown'}`);
  }
}

/** @throws GatehouseError `certificate_unsupported`, `certificate_expired` */
export function assertServable(certificate: ServiceCertificate, now: number): void {
  const { leaf, notBefore, notAfter } = certificate;
  if (Number.isNaN(notBefore.getTime()) || Number.isNaN(notAfter.getTime())) {
    throw unsupported('its validity time cannot be read');
  }
  assertValidAt(now, certificate);
  const parsed = parse(leaf.raw);
  if (!signatureHashes.includes(parsed.signatureHash)) {
    throw unsupported(`it is signed with ${leaf.signatureAlgorithm ?? 'an unknown algorithm'}`);
  }
  if (parsed.keyUsages !== null && (parsed.keyUsages & KeyUsageFlags.digitalSignature) === 0) {
    throw unsupported('its keyUsage does not allow digitalSignature, which TLS 1.3 needs');
  }
}

interface ParsedFields {
  readonly signatureHash: string | undefined;
  /** Bits of the keyUsage extension; null where the certificate has none. */
  readonly keyUsages: number | null;
}

function parse(der: Buffer): ParsedFields {
  try {
    const certificate = new ParsedCertificate(der);
    // The declared type promises a hash even where an algorithm (Ed25519) has none.
    const algorithm: { hash?: { name: string } } = certificate.signatureAlgorithm;
    const keyUsages = certificate.getExtension(KeyUsagesExtension)?.usages ?? null;
    return { signatureHash: algorithm.hash?.name, keyUsages };
  } catch (error) {
    throw unsupported('its fields cannot be read', error);
  }
}

function unsupported(why: string, cause?: unknown): GatehouseError {
  const message = `The certificate cannot be served: ${why}. Use one with an RSA key of 2048 to 4096 bits or an EC key on P-256 or P-384, signed with SHA-256 or stronger.`;
  return new GatehouseError('certificate_unsupported', message, { cause });
}
