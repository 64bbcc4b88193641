// Files that a person picks or drops to import a certificate: told apart by what is in them (PEM with a certificate,
// PEM with a key alone, anything else taken as PKCS#12), bounded, and made base64 for the call. Must never keep more
// than the two files, and holds no password.
import { GatehouseError } from '../../shared/contracts/errors.ts';

/** Largest file that the service looks at, in bytes. */
export const maxImportBytes = 1024 * 1024;
const maxFiles = 2;
/** `String.fromCharCode` takes its bytes as arguments: so many at a time. */
const chunkBytes = 8192;

/** What a browser's File has that is needed here. */
export interface PickedFile {
  readonly name: string;
  readonly size: number;
  arrayBuffer(): Promise<ArrayBuffer>;
}

export type ImportKind = 'pem' | 'key' | 'pkcs12';

export interface ImportFile {
  readonly name: string;
  readonly kind: ImportKind;
  readonly size: number;
  readonly base64: string;
  /** Whether a passphrase opens it: known for PEM, always possible for PKCS#12. */
  readonly encrypted: boolean;
}

export interface ImportFiles {
  readonly certificate: ImportFile | null;
  readonly key: ImportFile | null;
}

/** Adds `picked` to what was chosen before. @throws GatehouseError `certificate_import_failed` */
export async function addFiles(before: ImportFiles, picked: readonly PickedFile[]): Promise<ImportFiles> {
  if (picked.length > maxFiles) throw refused('too_many', { files: picked.length });
  let files = before;
  for (const one of picked) {
    const read = await readFile(one);
    files = read.kind === 'key' ? { ...files, key: read } : withCertificate(files, read);
  }
  return files;
}

function withCertificate(files: ImportFiles, certificate: ImportFile): ImportFiles {
  // A PKCS#12 file has its key inside.
  return { certificate, key: certificate.kind === 'pkcs12' ? null : files.key };
}

async function readFile(file: PickedFile): Promise<ImportFile> {
  if (file.size > maxImportBytes) throw refused('too_large', { file: file.name });
  if (file.size === 0) throw refused('empty', { file: file.name });
  const bytes = new Uint8Array(await file.arrayBuffer());
  const text = latin1(bytes);
  const kind = kindOf(text);
  const encrypted = kind === 'pkcs12' || text.includes('ENCRYPTED');
  return { name: file.name, kind, size: bytes.length, base64: btoa(text), encrypted };
}

function kindOf(text: string): ImportKind {
  if (text.includes('-----BEGIN CERTIFICATE-----')) return 'pem';
  if (/-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----/.test(text)) return 'key';
  return text.includes('-----BEGIN ') ? 'pem' : 'pkcs12';
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += chunkBytes)
    text += String.fromCharCode(...bytes.subarray(start, start + chunkBytes));
  return text;
}

function refused(reason: string, facts: Record<string, string | number>): GatehouseError {
  return new GatehouseError('certificate_import_failed', messages[reason] ?? reason, {
    details: { ...facts, reason: `file_${reason}` },
  });
}

const messages: Readonly<Record<string, string>> = {
  too_many: 'Choose at most two files: the certificate, and its key.',
  too_large: 'A certificate file has at most 1 MiB.',
  empty: 'The file is empty.',
};
