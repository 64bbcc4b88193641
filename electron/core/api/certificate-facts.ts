// What a certificate says about itself, for a person.
import type { KeyObject } from 'node:crypto';
import type { CertificateView } from '../../../shared/contracts/console/models.ts';
import type { ServiceCertificate } from '../certificates/service-certificate.ts';

export type CertificateFacts = Omit<CertificateView, 'words' | 'servedSince' | 'sessionsOnOlder'>;

const curveNames: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384' };

export function certificateFacts({
  leaf,
  pem,
  sha256,
  notBefore,
  notAfter,
}: ServiceCertificate): CertificateFacts {
  return {
    fingerprint: sha256,
    subject: oneLine(leaf.subject),
    issuer: oneLine(leaf.issuer),
    serialNumber: leaf.serialNumber.toLowerCase(),
    key: keyName(leaf.publicKey),
    notBefore: notBefore.getTime(),
    notAfter: notAfter.getTime(),
    selfSigned: leaf.checkIssued(leaf) && leaf.verify(leaf.publicKey),
    pem,
  };
}

/** `EC P-256`, `RSA 3072`. */
export function keyName({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const { namedCurve, modulusLength } = asymmetricKeyDetails ?? {};
  if (asymmetricKeyType === 'ec') return `EC ${curveNames[namedCurve ?? ''] ?? namedCurve ?? ''}`.trim();
  return `${(asymmetricKeyType ?? '').toUpperCase()} ${modulusLength ?? ''}`.trim();
}

/** Node writes one attribute a line. */
function oneLine(name: string): string {
  return name.split('\n').join(', ');
}
