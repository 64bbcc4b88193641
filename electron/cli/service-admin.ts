// What the one-shot `gatehouse service …` commands do. Each works on the data folder, whether or not a
// service runs on it; a running one follows by watching the folder.
import {
  importCertificate as replaceByImport,
  renewCertificate as replaceByNew,
} from '../core/certificates/certificate-store.ts';
import type { CertificateReplacement } from '../core/certificates/certificate-store.ts';
import type { CertificateImport } from '../core/certificates/import.ts';
import { statusOf } from '../core/secrets/access-token-file.ts';
import { AccessTokens } from '../core/secrets/access-tokens.ts';
import { secretsPath } from '../core/secrets/service-secrets.ts';
import { unlockSecrets } from '../core/secrets/secrets-file.ts';
import type { Secrets } from '../core/secrets/secrets-file.ts';
import { SettingsStore } from '../core/settings/settings-store.ts';
import { formatFingerprintColons } from '../../shared/contracts/fingerprint.ts';
import { parseSettingName, parseSettingText } from '../../shared/contracts/settings.ts';
import { parseDuration } from './duration.ts';
import { printNote, printResult } from './output.ts';
import { resolvePath } from './paths.ts';
import { readSecretFile, readSuperadminPassword } from './password.ts';
import { readSmallFile } from './text-file.ts';
import type { DataOptions, ImportOptions, PasswordOptions } from './service-options.ts';

export async function renewCertificate(options: PasswordOptions): Promise<void> {
  const data = resolvePath(options.data);
  printReplacement(await replaceByNew(data, await unlock(options)), options);
}

export async function importCertificate(file: string, options: ImportOptions): Promise<void> {
  const source = await readImportSource(file, options);
  printReplacement(await replaceByImport(resolvePath(options.data), await unlock(options), source), options);
}

export async function getSetting(name: string | undefined, options: DataOptions): Promise<void> {
  const settings = (await SettingsStore.open(resolvePath(options.data))).all();
  if (name === undefined) {
    const lines = Object.entries(settings).map(([each, value]) => `${each} = ${String(value)}`);
    printResult(settings, lines, options);
    return;
  }
  const value = settings[parseSettingName(name)];
  printResult({ name, value }, [String(value)], options);
}

export async function setSetting(name: string, text: string, options: DataOptions): Promise<void> {
  const known = parseSettingName(name);
  const store = await SettingsStore.open(resolvePath(options.data));
  const { value, old } = await store.set(known, parseSettingText(known, text));
  printResult({ name, value }, [`${name} = ${String(value)} (was ${String(old)})`], options);
  if (name.startsWith('service.e2ee.') && value === false && old === true) printNote(openedBy(name));
}

export async function createToken(options: DataOptions & { user: string; expires?: string }): Promise<void> {
  const expiresAt = options.expires === undefined ? null : Date.now() + parseDuration(options.expires);
  const { id, token } = await new AccessTokens(resolvePath(options.data)).create(options.user, expiresAt);
  const expires = expiresAt === null ? null : new Date(expiresAt).toISOString();
  printResult({ id, token }, [token], options);
  if (options.json === true) return;
  printNote(
    `Access token ${id} for ${options.user}, ${expires === null ? 'good until revoked' : `good until ${expires}`}.`,
  );
  printNote('It is shown this once and kept nowhere. Hand it over securely, together with the fingerprint.');
}

export async function listTokens(options: DataOptions): Promise<void> {
  const { tokens, problems } = await new AccessTokens(resolvePath(options.data)).list();
  const rows = tokens.map((token) => ({
    id: token.id,
    user: token.user,
    status: statusOf(token, Date.now()),
    createdAt: new Date(token.createdAt).toISOString(),
    expiresAt: token.expiresAt === null ? null : new Date(token.expiresAt).toISOString(),
  }));
  const lines = rows.map(
    (row) => `${row.id}  ${row.status.padEnd(7)}  ${row.user}  expires ${row.expiresAt ?? 'never'}`,
  );
  const none = ['No access tokens yet. Make one with: gatehouse service token create --user NAME'];
  printResult({ tokens: rows }, lines.length === 0 ? none : lines, options);
  for (const problem of problems) printNote(`gatehouse: ${problem.message} [${problem.code}]`);
}

export async function revokeToken(id: string, options: DataOptions): Promise<void> {
  const token = await new AccessTokens(resolvePath(options.data)).revoke(id);
  const revokedAt = new Date(token.revokedAt ?? Date.now()).toISOString();
  printResult(
    { id, user: token.user, revokedAt },
    [`Revoked ${id} of ${token.user}. Its live sessions end now.`],
    options,
  );
}

async function unlock(options: PasswordOptions): Promise<Secrets> {
  const path = secretsPath(resolvePath(options.data));
  return unlockSecrets(path, await readSuperadminPassword(options, false));
}

function printReplacement(
  { oldFingerprint, newFingerprint }: CertificateReplacement,
  options: DataOptions,
): void {
  const lines = [
    `Old fingerprint  ${oldFingerprint === null ? 'none' : formatFingerprintColons(oldFingerprint)}`,
    `New fingerprint  ${formatFingerprintColons(newFingerprint)}`,
  ];
  printResult({ oldFingerprint, newFingerprint }, lines, options);
  if (options.json !== true)
    printNote(
      'A running service serves it to new sessions. Give the new fingerprint to your clients, securely.',
    );
}

async function readImportSource(file: string, options: ImportOptions): Promise<CertificateImport> {
  const content = await readSmallFile(file);
  const passphrase =
    options.passphraseFile === undefined ? {} : { passphrase: await readSecretFile(options.passphraseFile) };
  if (!content.includes('-----BEGIN')) return { pkcs12: content, ...passphrase };
  return {
    pem: content,
    ...(options.key === undefined ? {} : { key: await readSmallFile(options.key) }),
    ...passphrase,
  };
}

function openedBy(name: string): string {
  return name === 'service.e2ee.require_e2ee'
    ? 'From now on clients may call this service without end-to-end encryption: the relay can then read and change everything.'
    : 'From now on whoever the relay lets through may call this service without an access token.';
}
