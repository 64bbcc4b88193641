// A certificate and its private key, proven to belong together. The key leaves it only as credentials for
// TLS: it is a private field, so that no log line or error can print it by accident.
import type { KeyObject, X509Certificate } from 'node:crypto';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { certificateSha256 } from '../../../shared/e2ee/fingerprint.ts';

export class ServiceCertificate {
  readonly leaf: X509Certificate;
  /** The leaf as PEM. */
  readonly pem: string;
  /** The leaf, then the certificates above it. */
  readonly chainPem: string;
  /** SHA-256 of the leaf's DER, 64 lower-case hex digits. */
  readonly sha256: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly #privateKey: KeyObject;

  /** @throws GatehouseError `certificate_key_mismatch` */
  constructor(leaf: X509Certificate, chain: readonly X509Certificate[], privateKey: KeyObject) {
    if (!leaf.checkPrivateKey(privateKey)) throw mismatchError();
    this.leaf = leaf;
    this.pem = leaf.toString();
    this.chainPem = [leaf, ...chain].map((certificate) => certificate.toString()).join('');
    this.sha256 = certificateSha256(leaf.raw);
    this.notBefore = leaf.validFromDate;
    this.notAfter = leaf.validToDate;
    this.#privateKey = privateKey;
  }

  /** For `tls.createSecureContext`; the key is decrypted PKCS#8 PEM. Keep it out of everything else. */
  tlsCredentials(): { readonly cert: string; readonly key: string } {
    return { cert: this.chainPem, key: this.#privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  }
}

/** @throws GatehouseError `certificate_expired` outside the validity time; `now` in milliseconds since the epoch */
export function assertValidAt(
  now: number,
  { notBefore, notAfter }: Pick<ServiceCertificate, 'notBefore' | 'notAfter'>,
): void {
  if (now > notAfter.getTime()) {
    const message = `The certificate expired on ${notAfter.toISOString()}. Make a new one with renew-e2ee-certificate or import one with import-e2ee-certificate, and give its fingerprint to the clients.`;
    throw new GatehouseError('certificate_expired', message);
  }
  if (now < notBefore.getTime()) {
    const message = `The certificate is not valid before ${notBefore.toISOString()}. Check the clock of this machine, or use another certificate.`;
    throw new GatehouseError('certificate_expired', message);
  }
}

export function mismatchError(): GatehouseError {
  const message =
    'The private key does not belong to the certificate. Restore the pair (e2ee.pem and e2ee.key) from one backup, give the key that belongs to the certificate, or make a new pair with renew-e2ee-certificate.';
  return new GatehouseError('certificate_key_mismatch', message);
}
