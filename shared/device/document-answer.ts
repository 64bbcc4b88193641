// The answer to `documents.get` as an app needs it: checked by hand, because an app has no schema library. It came inside
// a session, so it is the agent's word; a form that is none is an error all the same.
import { GatehouseError } from '../contracts/errors.ts';
import type { DocumentAnswer } from '../contracts/documents.ts';
import { fromBase64url } from './bytes.ts';
import type { DocumentKey } from './document-download.ts';

const keyLength = 32;

export interface DocumentToDownload extends DocumentKey {
  readonly name: string;
}

/** @throws GatehouseError `blob_not_authentic` where `answer` is no answer to `documents.get` */
export function documentToDownload(answer: unknown): DocumentToDownload {
  const { name, version, size, blob, key } = Object(answer) as Partial<Record<keyof DocumentAnswer, unknown>>;
  const bytes = typeof key === 'string' ? fromBase64url(key) : null;
  if (
    typeof name === 'string' &&
    isVersion(version) &&
    typeof size === 'number' &&
    typeof blob === 'string' &&
    bytes?.length === keyLength
  ) {
    return { name, version, length: size, blob, key: bytes };
  }
  throw new GatehouseError('blob_not_authentic', 'The agent answered without what a download needs.');
}

function isVersion(version: unknown): version is string {
  return typeof version === 'string' && /^[0-9a-f]{64}$/.test(version);
}
