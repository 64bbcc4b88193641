// The words of fetches and versions. Pure but for the language.
import type { DocumentFetch } from '../../../shared/contracts/console/documents.ts';
import * as m from '../../i18n/compiled/messages.js';

/** Hex digits of a version that tell it from the others of a document at a glance. */
const shortLength = 12;

export const kindWords: Readonly<Record<DocumentFetch['kind'], () => string>> = {
  fetched: m.documents_fetched,
  uploaded: m.documents_uploaded,
};

export function shortVersion(version: string): string {
  return version.slice(0, shortLength);
}

/** The device's own name where one fetched it. */
export function viaOf({ via, deviceName }: Pick<DocumentFetch, 'via' | 'deviceName'>): string {
  return via === 'device' ? (deviceName ?? m.documents_fetch_device()) : m.documents_fetch_tls();
}
