// The pair of files e2ee.pem and e2ee.key: how it is read, and how it is replaced so that a stop at any
// moment leaves the old pair or the new one, never a mixture. Whoever calls holds the certificate lock.
// It must never make a certificate, and never remove a pair but by putting a whole one in its place.
//
// A replacement, step by step; each step is durable before the next begins:
//   1. secrets.json gains the new key's password   (a stop here or before: the old pair)
//   2. e2ee.next.key is written                    (a stop: the old pair; the next reader removes it)
//   3. e2ee.next.pem is written                    (from here on: the new pair; the next reader finishes it)
//   4. e2ee.next.key becomes e2ee.key
//   5. e2ee.next.pem becomes e2ee.pem
//   6. secrets.json drops the passwords of other keys
import { X509Certificate, createPrivateKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { certificateSha256 } from '../../../shared/e2ee/fingerprint.ts';
import {
  readFileIfThere,
  removeFileIfThere,
  renameDurably,
  writeFileAtomic,
} from '../../../shared/storage/atomic-file.ts';
import type { Secrets } from '../secrets/secrets-file.ts';
import { pemBlocks } from './pem.ts';
import { ServiceCertificate, mismatchError } from './service-certificate.ts';

export const certificateFileNames = ['e2ee.pem', 'e2ee.key', 'e2ee.next.pem', 'e2ee.next.key'] as const;
type CertificateFileName = (typeof certificateFileNames)[number];
type KeyPasswords = Readonly<Record<string, string>>;

const keyPasswordBytes = 32;
const howToReplace =
  'Restore it from a backup, or make a new pair with renew-e2ee-certificate (the clients then need the new fingerprint).';

/**
 * The pair on disk, after finishing or undoing an interrupted replacement; null where neither file is there.
 * Validity in time is not looked at.
 * @throws GatehouseError `certificate_missing`, `certificate_key_missing`, `certificate_corrupt`,
 *   `certificate_key_corrupt`, `certificate_key_mismatch`, `storage_failed`, those of secrets.json
 */
export async function readPair(folder: string, secrets: Secrets): Promise<ServiceCertificate | null> {
  const { keyPasswords } = await secrets.read();
  await settleReplacement(folder, keyPasswords);
  const [pem, key] = [await read(folder, 'e2ee.pem'), await read(folder, 'e2ee.key')];
  if (pem === null && key === null) return null;
  if (pem === null) throw absentError(folder, 'certificate_missing', 'e2ee.pem', 'e2ee.key');
  if (key === null) throw absentError(folder, 'certificate_key_missing', 'e2ee.key', 'e2ee.pem');
  const pair = openPair(pem, key, keyPasswords);
  await dropOtherPasswords(secrets, pair.sha256);
  return pair;
}

/** The fingerprint in e2ee.pem whether or not its key is of any use; null where it cannot be told. */
export async function readFingerprint(folder: string): Promise<string | null> {
  const pem = await read(folder, 'e2ee.pem');
  const leaf = pem === null ? undefined : parseCertificates(pem)?.[0];
  return leaf === undefined ? null : certificateSha256(leaf.raw);
}

/** The steps of the table above, to be run in order, for a pair that has been checked. */
export function replacementSteps(
  folder: string,
  secrets: Secrets,
  next: ServiceCertificate,
  encrypt: (key: KeyObject, password: string) => string,
): readonly (() => Promise<void>)[] {
  const made = randomBytes(keyPasswordBytes).toString('base64url');
  return [
    () =>
      secrets.update((payload) => {
        // The same certificate again keeps its password: the key on disk may be encrypted with it.
        const password = payload.keyPasswords[next.sha256] ?? made;
        return { ...payload, keyPasswords: { ...payload.keyPasswords, [next.sha256]: password } };
      }),
    async () => {
      const password = (await secrets.read()).keyPasswords[next.sha256] ?? '';
      const key = encrypt(createPrivateKey(next.tlsCredentials().key), password);
      await writeFileAtomic(join(folder, 'e2ee.next.key'), key);
    },
    () => writeFileAtomic(join(folder, 'e2ee.next.pem'), next.chainPem),
    () => promote(folder, 'e2ee.next.key', 'e2ee.key'),
    () => promote(folder, 'e2ee.next.pem', 'e2ee.pem'),
    () => dropOtherPasswords(secrets, next.sha256),
  ];
}

/**
 * Finishes an interrupted replacement from step 3 on, undoes it before. Where the new files do not open
 * (they were tampered with) and the old pair does, the old pair stays.
 */
export async function settleReplacement(folder: string, keyPasswords: KeyPasswords): Promise<void> {
  const [nextPem, nextKey] = [await read(folder, 'e2ee.next.pem'), await read(folder, 'e2ee.next.key')];
  if (nextPem === null) {
    if (nextKey !== null) await removeFileIfThere(join(folder, 'e2ee.next.key'));
    return;
  }
  const [pem, key] = [await read(folder, 'e2ee.pem'), await read(folder, 'e2ee.key')];
  if (opens(nextPem, nextKey ?? key, keyPasswords)) {
    if (nextKey !== null) await promote(folder, 'e2ee.next.key', 'e2ee.key');
    await promote(folder, 'e2ee.next.pem', 'e2ee.pem');
  } else if (opens(pem, key, keyPasswords)) {
    await removeFileIfThere(join(folder, 'e2ee.next.pem'));
    await removeFileIfThere(join(folder, 'e2ee.next.key'));
  }
}

function opens(pem: Buffer | null, key: Buffer | null, keyPasswords: KeyPasswords): boolean {
  if (pem === null || key === null) return false;
  try {
    openPair(pem, key, keyPasswords);
    return true;
  } catch {
    return false;
  }
}

function openPair(pem: Buffer, key: Buffer, keyPasswords: KeyPasswords): ServiceCertificate {
  const [leaf, ...chain] = parseCertificates(pem) ?? [];
  if (leaf === undefined) {
    throw new GatehouseError('certificate_corrupt', `e2ee.pem is damaged or half-written. ${howToReplace}`);
  }
  const own = keyPasswords[certificateSha256(leaf.raw)];
  const privateKey = own === undefined ? null : decryptKey(key, own);
  if (privateKey !== null) return new ServiceCertificate(leaf, chain, privateKey);
  // Another certificate's password opens the key: both files are sound, and do not belong together.
  if (Object.values(keyPasswords).some((password) => decryptKey(key, password) !== null))
    throw mismatchError();
  const message = `e2ee.key is damaged, half-written, or not encrypted with the password in secrets.json. ${howToReplace} A key of your own goes through import-e2ee-certificate.`;
  throw new GatehouseError('certificate_key_corrupt', message);
}

/** All certificates of the file, or null where one of them is not whole or there is none. */
function parseCertificates(pem: Buffer): readonly X509Certificate[] | null {
  const blocks = pemBlocks(pem.toString('latin1'));
  if (blocks === null || blocks.length === 0 || blocks.some(({ label }) => label !== 'CERTIFICATE'))
    return null;
  try {
    return blocks.map(({ text }) => new X509Certificate(text));
  } catch {
    return null;
  }
}

function decryptKey(key: Buffer, password: string): KeyObject | null {
  const blocks = pemBlocks(key.toString('latin1'));
  const [block] = blocks ?? [];
  if (blocks?.length !== 1 || block?.label !== 'ENCRYPTED PRIVATE KEY') return null;
  try {
    return createPrivateKey({ key: block.text, passphrase: password });
  } catch {
    return null;
  }
}

async function dropOtherPasswords(secrets: Secrets, sha256: string): Promise<void> {
  const { keyPasswords } = await secrets.read();
  if (Object.keys(keyPasswords).every((fingerprint) => fingerprint === sha256)) return;
  await secrets.update((payload) => {
    const own = payload.keyPasswords[sha256];
    return { ...payload, keyPasswords: own === undefined ? payload.keyPasswords : { [sha256]: own } };
  });
}

function read(folder: string, name: CertificateFileName): Promise<Buffer | null> {
  return readFileIfThere(join(folder, name));
}

function promote(folder: string, from: CertificateFileName, to: CertificateFileName): Promise<void> {
  return renameDurably(join(folder, from), join(folder, to));
}

function absentError(
  folder: string,
  code: 'certificate_missing' | 'certificate_key_missing',
  absent: string,
  present: string,
): GatehouseError {
  const message = `${join(folder, absent)} is missing although ${present} is there; nothing has been changed. ${howToReplace}`;
  return new GatehouseError(code, message, { details: { folder } });
}
