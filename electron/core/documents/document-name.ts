// Names of documents: parts between `/`, from strangers. Must never let a name through that could mean anything but a
// path below the folder of its collection: no `..`, no root, no hidden file, nothing that Windows reads differently.
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { maxDocumentNameLength, maxDocumentPartLength } from '../../../shared/contracts/documents.ts';

/** Folders within folders. */
export const maxDepth = 32;

/** What Windows takes for a device, whatever its extension. */
const windowsDevice = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)/i;
/** Separators, streams and wildcards of Windows, and what it drops at the end of a name. */
const windowsMeaning = /[\\:*?"<>|]|[. ]$/;
const control = /[\p{Cc}\u2028\u2029]/u;

/**
 * The parts of a document's name. Hidden names (those that begin with a dot) are no documents.
 * @throws GatehouseError `document_name_invalid`
 */
export function parseDocumentName(name: string, platform: NodeJS.Platform = process.platform): string[] {
  const parts = name.split('/');
  const valid =
    name.isWellFormed() &&
    Buffer.byteLength(name) <= maxDocumentNameLength &&
    parts.length <= maxDepth &&
    parts.every((part) => isPart(part, platform));
  if (!valid) throw invalid('A document is named by its path below the folder of its collection.');
  return parts;
}

/**
 * As `parseDocumentName`, for a document that may be made: in NFC, and such that every system can hold it.
 * @throws GatehouseError `document_name_invalid`
 */
export function parseNewDocumentName(name: string): string[] {
  const parts = parseDocumentName(name.normalize('NFC'), 'win32');
  if (parts.some((part) => control.test(part))) {
    throw invalid('The name of a new document has no control characters.');
  }
  return parts;
}

/** Whether an entry of a folder can be a document, or a folder with some. */
export function isPart(part: string, platform: NodeJS.Platform = process.platform): boolean {
  if (part === '' || part.startsWith('.') || part.includes('\0') || part.includes('/')) return false;
  // Longer ones exist nowhere; NTFS counts UTF-16, so that a longer one in UTF-8 may exist there.
  if (part.length > maxDocumentPartLength) return false;
  return platform !== 'win32' || !(windowsMeaning.test(part) || windowsDevice.test(part));
}

/** What two names have in common that differ in nothing but their Unicode form. */
export function sameName(name: string): string {
  return name.normalize('NFC');
}

function invalid(message: string): GatehouseError {
  return new GatehouseError('document_name_invalid', `${message} This name cannot be one.`);
}
