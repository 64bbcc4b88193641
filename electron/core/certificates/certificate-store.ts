// The end-to-end certificate of a service in its data folder: made at first start, renewed and imported by
// command, followed by a running service. All of it under one lock between processes. A certificate is made
// where there is none at all, or when asked for; it must never be made because one could not be read.
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { withFolderLock } from '../../../shared/storage/folder-lock.ts';
import { watchFolder } from '../../../shared/storage/watch-folder.ts';
import { openIdentity } from '../secrets/identity.ts';
import type { Secrets } from '../secrets/secrets-file.ts';
import {
  certificateFileNames,
  readFingerprint,
  readPair,
  replacementSteps,
  settleReplacement,
} from './certificate-files.ts';
import type { CertificateImport } from './import.ts';
import { assertValidAt } from './service-certificate.ts';
import type { ServiceCertificate } from './service-certificate.ts';

export interface CertificateReplacement {
  /** Lower-case hex SHA-256; null where there was none, or none that can be read. */
  readonly oldFingerprint: string | null;
  readonly newFingerprint: string;
}

/** Told what is about to be replaced, with nothing changed yet; where it throws, nothing is. */
export type OnReplace = (replacement: CertificateReplacement) => Promise<void>;

export interface CertificateListener {
  /** The pair has been replaced: new sessions take this one. */
  readonly onChange: (certificate: ServiceCertificate) => void;
  /** The pair on disk is of no use; the last good one goes on serving. Told once for each problem. */
  readonly onProblem: (problem: GatehouseError) => void;
}

/** The certificate that a running service serves. */
export class CertificateStore {
  readonly #dataFolder: string;
  readonly #secrets: Secrets;
  #current: ServiceCertificate;
  #reload: (() => Promise<void>) | null = null;

  private constructor(dataFolder: string, secrets: Secrets, current: ServiceCertificate) {
    this.#dataFolder = dataFolder;
    this.#secrets = secrets;
    this.#current = current;
  }

  /**
   * Loads the pair, or makes one where neither file is there: then `created` is true, and is to be said loudly.
   * @throws GatehouseError `certificate_missing`, `certificate_key_missing`, `certificate_corrupt`,
   *   `certificate_key_corrupt`, `certificate_key_mismatch`, `certificate_expired`, `data_folder_locked`,
   *   `storage_failed`, those of secrets.json
   */
  static async open(
    dataFolder: string,
    secrets: Secrets,
  ): Promise<{ readonly store: CertificateStore; readonly created: boolean }> {
    const { certificate, created } = await loadOrCreate(dataFolder, secrets);
    return { store: new CertificateStore(dataFolder, secrets, certificate), created };
  }

  current(): ServiceCertificate {
    return this.#current;
  }

  /** Follows the files; a renewed pair is there within a second. Returns the unsubscribe. */
  watch({ onChange, onProblem }: CertificateListener): () => void {
    let watching = true;
    const look = async (): Promise<void> => {
      const certificate = await this.#load();
      if (!watching || certificate.sha256 === this.#current.sha256) return;
      this.#current = certificate;
      onChange(certificate);
    };
    const reload = oneAtATime(look);
    this.#reload = reload;
    const concerns = (name: string) => certificateFileNames.some((known) => known === name);
    const unwatch = watchFolder(this.#dataFolder, reload, { concerns, onProblem });
    return () => {
      watching = false;
      this.#reload = null;
      unwatch();
    };
  }

  /** Takes up what is there now, without waiting for the watch. @throws GatehouseError as the watch reports */
  async refresh(): Promise<void> {
    await this.#reload?.();
  }

  async #load(): Promise<ServiceCertificate> {
    const pair = await withCertificateLock(this.#dataFolder, () => readPair(this.#dataFolder, this.#secrets));
    if (pair === null) {
      const message = `e2ee.pem and e2ee.key are gone from ${this.#dataFolder}. The certificate goes on serving until the service stops; restore both files from a backup before that.`;
      throw new GatehouseError('certificate_missing', message);
    }
    assertValidAt(Date.now(), pair);
    return pair;
  }
}

/** As `CertificateStore.open`, once. */
export async function loadOrCreate(
  dataFolder: string,
  secrets: Secrets,
): Promise<{ readonly certificate: ServiceCertificate; readonly created: boolean }> {
  return withCertificateLock(dataFolder, async () => {
    const pair = await readPair(dataFolder, secrets);
    const certificate = pair ?? (await issue(secrets));
    if (pair === null) await replace(dataFolder, secrets, certificate);
    assertValidAt(Date.now(), certificate);
    return { certificate, created: pair === null };
  });
}

/**
 * Replaces the pair by a new self-signed one, whatever state the old one is in.
 * @throws GatehouseError `data_folder_locked`, `storage_failed`, those of secrets.json
 */
export async function renewCertificate(
  dataFolder: string,
  secrets: Secrets,
  onReplace?: OnReplace,
): Promise<CertificateReplacement> {
  return replaceLocked(dataFolder, secrets, await issue(secrets), onReplace);
}

/**
 * Replaces the pair, or puts the first one there. Nothing is changed where it fails.
 * @throws GatehouseError `certificate_import_failed`, `certificate_key_mismatch`, `certificate_expired`,
 *   `certificate_unsupported`, and as `renewCertificate`
 */
export async function importCertificate(
  dataFolder: string,
  secrets: Secrets,
  source: CertificateImport,
  onReplace?: OnReplace,
): Promise<CertificateReplacement> {
  const { readImport } = await import('./import.ts');
  return replaceLocked(dataFolder, secrets, readImport(source, Date.now()), onReplace);
}

async function replaceLocked(
  dataFolder: string,
  secrets: Secrets,
  next: ServiceCertificate,
  onReplace?: OnReplace,
): Promise<CertificateReplacement> {
  return withCertificateLock(dataFolder, async () => {
    await settleReplacement(dataFolder, (await secrets.read()).keyPasswords);
    const replacement = { oldFingerprint: await readFingerprint(dataFolder), newFingerprint: next.sha256 };
    await onReplace?.(replacement);
    await replace(dataFolder, secrets, next);
    return replacement;
  });
}

async function replace(dataFolder: string, secrets: Secrets, next: ServiceCertificate): Promise<void> {
  const { encryptPrivateKey } = await import('./key-encryption.ts');
  for (const step of replacementSteps(dataFolder, secrets, next, encryptPrivateKey)) await step();
}

/** The X.509 library takes long to load, and few starts need it. */
async function issue(secrets: Secrets): Promise<ServiceCertificate> {
  const { issueCertificate } = await import('./issue.ts');
  const { identityKey } = await secrets.read();
  return issueCertificate(openIdentity(identityKey).serviceId);
}

/** Calls of `work` one after the other, so that what was read last is what stays. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let turn: Promise<unknown> = Promise.resolve();
  return () => {
    const run = turn.then(work);
    turn = run.catch(() => undefined);
    return run;
  };
}

function withCertificateLock<T>(dataFolder: string, change: () => Promise<T>): Promise<T> {
  return withFolderLock(dataFolder, 'certificate', change);
}
