// Which imported certificates a service can serve, on OpenSSL and on BoringSSL (Electron) alike. What
// BoringSSL would only refuse at the first handshake is refused here, at import, with the reason.
// A certificate without subjectAltName is fine: clients know it by its fingerprint, not by a name.
import 'reflect-metadata';
import type { AsymmetricKeyDetails, KeyObject } from 'node:crypto';
import { KeyUsageFlags, KeyUsagesExtension, X509Certificate as ParsedCertificate } from '@peculiar/x509';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { assertValidAt } from './service-certificate.ts';
import type { ServiceCertificate } from './service-certificate.ts';

const rsaBits = { min: 2048, max: 4096 };
/** BoringSSL takes odd exponents of at most 33 bits. */
const rsaExponent = { min: 3n, max: 2n ** 33n - 1n };
const curves: readonly (string | undefined)[] = ['prime256v1', 'secp384r1'];
/**
 * How the SubjectPublicKeyInfo of P-256 and P-384 begins (RFC 5480): the curve by its name and an uncompressed
 * point. OpenSSL also takes curves spelt out and compressed points.
 */
const ecPublicKeyStarts = [
  Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex'),
  Buffer.from('3076301006072a8648ce3d020106052b8104002203620004', 'hex'),
];
/** Of the issuer's signature, whether RSA PKCS#1, RSA-PSS or ECDSA. */
const signatureHashes: readonly (string | undefined)[] = ['SHA-256', 'SHA-384', 'SHA-512'];

/** @throws GatehouseError `certificate_unsupported` with what is wrong with the key */
export function assertServableKey(key: KeyObject): void {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      assertServableRsa(key.asymmetricKeyDetails ?? {});
      return;
    case 'ec': {
      const curve = key.asymmetricKeyDetails?.namedCurve;
      if (!curves.includes(curve)) throw unsupported(`its key is on the curve ${curve ?? 'of its own'}`);
      return;
    }
    default:
      throw unsupported(`its key is of the type ${key.asymmetricKeyType ?? 'unknown'}`);
  }
}

function assertServableRsa({ modulusLength = 0, publicExponent = 0n }: AsymmetricKeyDetails): void {
  if (modulusLength < rsaBits.min || modulusLength > rsaBits.max) {
    throw unsupported(`its RSA key has ${String(modulusLength)} bits`);
  }
  if (publicExponent < rsaExponent.min || publicExponent > rsaExponent.max || publicExponent % 2n === 0n) {
    throw unsupported('its RSA key has an unusual public exponent');
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
  const { publicKey } = parsed;
  const plain = ecPublicKeyStarts.some((start) => publicKey.subarray(0, start.length).equals(start));
  if (leaf.publicKey.asymmetricKeyType === 'ec' && !plain) {
    throw unsupported('its EC key does not name its curve or has a compressed point');
  }
  if (parsed.keyUsages !== null && (parsed.keyUsages & KeyUsageFlags.digitalSignature) === 0) {
    throw unsupported('its keyUsage does not allow digitalSignature, which TLS 1.3 needs');
  }
}

interface ParsedFields {
  readonly signatureHash: string | undefined;
  /** Bits of the keyUsage extension; null where the certificate has none. */
  readonly keyUsages: number | null;
  /** SubjectPublicKeyInfo, DER as it stands in the certificate. */
  readonly publicKey: Buffer;
}

function parse(der: Buffer): ParsedFields {
  try {
    const certificate = new ParsedCertificate(der);
    // The declared type promises a hash even where an algorithm (Ed25519) has none.
    const algorithm: { hash?: { name: string } } = certificate.signatureAlgorithm;
    const keyUsages = certificate.getExtension(KeyUsagesExtension)?.usages ?? null;
    const publicKey = Buffer.from(certificate.publicKey.rawData);
    return { signatureHash: algorithm.hash?.name, keyUsages, publicKey };
  } catch (error) {
    throw unsupported('its fields cannot be read', error);
  }
}

function unsupported(why: string, cause?: unknown): GatehouseError {
  const message = `The certificate cannot be served: ${why}. Use one with an RSA key of 2048 to 4096 bits or an EC key on P-256 or P-384, signed with SHA-256 or stronger.`;
  return new GatehouseError('certificate_unsupported', message, { cause });
}
