// Makes the self-signed certificate of a service: ECDSA P-256, with the extensions that BoringSSL wants to
// see (subjectAltName, keyUsage). It must never write a file, nor reuse a key.
import 'reflect-metadata';
import { KeyObject, X509Certificate, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { ServiceCertificate } from './service-certificate.ts';

const commonName = 'end-to-end-encrypted-gatehouse-service';
const signing = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** Clients' clocks may be this much behind, in milliseconds. */
const backdatedMs = 5 * 60_000;
const validDays = 2 * 365;
const consoleDays = 397;
const dayMs = 86_400_000;

/** A new key and certificate for the service `serviceId`, valid for two years. */
export function issueCertificate(serviceId: string): Promise<ServiceCertificate> {
  const names = ['gatehouse-service', `${serviceId}.service.gatehouse`];
  return selfSigned({
    commonName,
    days: validDays,
    names: names.map((value) => ({ type: 'dns', value }) as const),
  });
}

/**
 * A new key and certificate for the console in a browser, valid for 397 days: browsers trust none for longer.
 * @param hosts names and IP addresses that it is reached by
 */
export function issueConsoleCertificate(hosts: readonly string[]): Promise<ServiceCertificate> {
  const names = hosts.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }) as const);
  return selfSigned({ commonName: 'gatehouse-console', days: consoleDays, names });
}

interface SelfSigned {
  readonly commonName: string;
  readonly days: number;
  readonly names: readonly { readonly type: 'dns' | 'ip'; readonly value: string }[];
}

async function selfSigned({ commonName, days, names }: SelfSigned): Promise<ServiceCertificate> {
  const keys = await webcrypto.subtle.generateKey(signing, true, ['sign', 'verify']);
  const now = Date.now();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    name: `CN=${commonName}`,
    notBefore: new Date(now - backdatedMs),
    notAfter: new Date(now + days * dayMs),
    signingAlgorithm: signing,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign, true),
      new SubjectAlternativeNameExtension([...names]),
      await SubjectKeyIdentifierExtension.create(keys.publicKey, false),
    ],
  });
  const leaf = new X509Certificate(Buffer.from(certificate.rawData));
  return new ServiceCertificate(leaf, [], KeyObject.from(keys.privateKey));
}

/** 128 bits in hex, positive and without leading zero byte (RFC 5280 section 4.1.2.2). */
function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}
