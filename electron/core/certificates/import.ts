// Reads a certificate and key that an administrator brings, from PEM or PKCS#12, and checks that a service
// can serve them. Strangers' bytes: sizes and iterations are bounded, and every failure has a code. It must
// never write anything, nor put a key or passphrase into an error.
import { X509Certificate, createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import forge from 'node-forge';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { IterationBudget, MalformedError, childAt, spendFor } from './password-based-encryption.ts';
import { pemBlocks } from './pem.ts';
import type { PemBlock } from './pem.ts';
import { openPkcs12 } from './pkcs12.ts';
import { assertServable, assertServableKey } from './servable.ts';
import { ServiceCertificate, mismatchError } from './service-certificate.ts';

/** Largest file that is parsed, in bytes: read no more than this and one. */
export const maxImportBytes = 1024 * 1024;
const maxChain = 10;

export type CertificateImport =
  | {
      /** Certificate, chain, and the key unless `key` has it. */
      readonly pem: Buffer;
      /** PEM of the private key alone. */
      readonly key?: Buffer;
      /** Of an encrypted key. */
      readonly passphrase?: string;
    }
  | { readonly pkcs12: Buffer; readonly passphrase?: string };

interface Parts {
  readonly certificates: readonly X509Certificate[];
  readonly keys: readonly KeyObject[];
}

/**
 * @param now milliseconds since the epoch.
 * @throws GatehouseError `certificate_import_failed`, `certificate_key_mismatch`, `certificate_expired`,
 *   `certificate_unsupported`
 */
export function readImport(source: CertificateImport, now: number): ServiceCertificate {
  const parts = 'pkcs12' in source ? readPkcs12(source.pkcs12, source.passphrase ?? '') : readPem(source);
  if (parts.certificates.length === 0) throw importError('There is no certificate in the file.');
  if (parts.keys.length === 0)
    throw importError('There is no private key in the file. Give the key as well.');
  const certificate = matchParts(parts);
  assertServable(certificate, now);
  return certificate;
}

/** The key and the certificate that belong together, with the certificates above it. */
function matchParts({ certificates, keys }: Parts): ServiceCertificate {
  for (const key of keys) {
    assertServableKey(key);
    const leaf = certificates.find((certificate) => belongsTo(certificate, key));
    if (leaf !== undefined) return new ServiceCertificate(leaf, chainAbove(leaf, certificates), key);
  }
  throw mismatchError();
}

/** In the order in which TLS sends them; certificates that do not belong to the chain are left out. */
function chainAbove(leaf: X509Certificate, all: readonly X509Certificate[]): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let current = leaf;
  while (chain.length < maxChain && !current.checkIssued(current)) {
    const below = current;
    const issuer = all.find((one) => one !== leaf && !chain.includes(one) && below.checkIssued(one));
    if (issuer === undefined) break;
    chain.push(issuer);
    current = issuer;
  }
  return chain;
}

function belongsTo(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.checkPrivateKey(key);
  } catch {
    return false;
  }
}

function readPkcs12(data: Buffer, passphrase: string): Parts {
  assertSize(data);
  try {
    const { certificates, keys } = openPkcs12(data, passphrase);
    return {
      certificates: certificates.map((der) => parseCertificate(der)),
      keys: keys.map((key) => parseKey(() => createPrivateKey({ key, format: 'der', type: 'pkcs8' }))),
    };
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw importError(
      `The PKCS#12 file cannot be opened: ${error.message}. Check the file and its passphrase.`,
    );
  }
}

function readPem({ pem, key, passphrase }: Extract<CertificateImport, { pem: Buffer }>): Parts {
  const own = blocksOf(pem);
  const blocks = key === undefined ? own : [...own, ...blocksOf(key)];
  const certificates = blocks.filter(({ label }) => label === 'CERTIFICATE' || label === 'X509 CERTIFICATE');
  const keys = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const budget = new IterationBudget();
  return {
    certificates: certificates.map(({ text }) => parseCertificate(text)),
    keys: keys.map((block) => readPemKey(block, passphrase, budget)),
  };
}

function blocksOf(pem: Buffer): readonly PemBlock[] {
  assertSize(pem);
  const blocks = pemBlocks(pem.toString('latin1'));
  if (blocks === null) throw importError('A PEM block of the file is cut off or damaged.');
  if (blocks.length > 0) return blocks;
  throw importError('The file is not PEM. Where it is PKCS#12 (.p12, .pfx), import it as that.');
}

function readPemKey(block: PemBlock, passphrase: string | undefined, budget: IterationBudget): KeyObject {
  const encrypted = block.label === 'ENCRYPTED PRIVATE KEY' || block.text.includes('Proc-Type: 4,ENCRYPTED');
  if (encrypted && passphrase === undefined) {
    throw importError('The private key is encrypted. Give its passphrase as well.');
  }
  if (block.label === 'ENCRYPTED PRIVATE KEY') assertAffordable(block, budget);
  const secret = passphrase === undefined ? {} : { passphrase };
  return parseKey(() => createPrivateKey({ key: block.text, ...secret }));
}

/** OpenSSL would spend any number of iterations that the file asks for. */
function assertAffordable(block: PemBlock, budget: IterationBudget): void {
  try {
    const base64 = block.text.replace(/-----[^-]*-----/g, '');
    const info = forge.asn1.fromDer(Buffer.from(base64, 'base64').toString('latin1'));
    spendFor(childAt(info, 0), budget);
  } catch (error) {
    const why = error instanceof MalformedError ? error.message : 'it is damaged';
    throw importError(`The encrypted private key cannot be opened: ${why}.`);
  }
}

function parseCertificate(data: Buffer | string): X509Certificate {
  try {
    return new X509Certificate(data);
  } catch {
    throw importError('A certificate in the file cannot be parsed.');
  }
}

function parseKey(parse: () => KeyObject): KeyObject {
  try {
    return parse();
  } catch {
    // The parser's text is left out: it differs between OpenSSL and BoringSSL.
    throw importError(
      'The private key cannot be read: its passphrase is wrong, or it is damaged or of an unknown kind.',
    );
  }
}

function assertSize(data: Buffer): void {
  if (data.length > maxImportBytes)
    throw importError('The file is larger than 1 MiB, which no certificate is.');
}

function importError(message: string): GatehouseError {
  return new GatehouseError('certificate_import_failed', `${message} Nothing has been changed.`);
}
