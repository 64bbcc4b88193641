// The certificate of the console in a browser, with its key, in one file of the data folder (0600): made when there
// is none, when it is about to expire, and when the console is reached by other names. It has nothing to do with
// the certificate that clients of the service check.
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { issueConsoleCertificate } from '../core/certificates/issue.ts';
import { readFileIfThere, writeFileAtomic } from '../../shared/storage/atomic-file.ts';
import { assertPrivate } from '../../shared/storage/private-file.ts';

const fileName = 'console-tls.pem';
/** One that expires sooner is made anew, in milliseconds. */
const renewBeforeMs = 30 * 86_400_000;

export interface ConsoleCertificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the certificate, 64 lower-case hex digits. */
  readonly sha256: string;
}

/** @param hosts that it is reached by @throws GatehouseError `storage_failed`, `file_too_open` */
export async function openConsoleCertificate(
  dataFolder: string,
  hosts: readonly string[],
): Promise<ConsoleCertificate> {
  const path = join(dataFolder, fileName);
  const bytes = await readFileIfThere(path);
  if (bytes !== null) {
    await assertPrivate(path);
    const there = parse(bytes.toString('utf8'), hosts);
    if (there !== null) return there;
  }
  const made = await issueConsoleCertificate(hosts);
  const { cert, key } = made.tlsCredentials();
  await writeFileAtomic(path, `${key}${cert}`);
  return { cert, key, sha256: made.sha256 };
}

/** Null where another one has to be made. */
function parse(pem: string, hosts: readonly string[]): ConsoleCertificate | null {
  try {
    const certificate = new X509Certificate(pem);
    const reached = hosts.every((host) => certificate.checkHost(host) ?? certificate.checkIP(host));
    if (!reached || certificate.validToDate.getTime() < Date.now() + renewBeforeMs) return null;
    return { cert: pem, key: pem, sha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase() };
  } catch {
    return null;
  }
}
