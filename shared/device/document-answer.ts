// Asks for a document, waits until the agent has prepared it, and reads the answer to `documents.get` as an app needs it:
// checked by hand, because an app has no schema library. It came inside a session, so it is the agent's word; a form that
// is none is an error all the same.
import { GatehouseError } from '../contracts/errors.ts';
import type { DocumentAnswer } from '../contracts/documents.ts';
import { fromBase64url } from './bytes.ts';
import type { DocumentKey } from './document-download.ts';
import { isAgentError } from './payload.ts';
import { oncePrepared, type PreparingOptions } from './preparing.ts';
import type { Session } from './session.ts';

const keyLength = 32;

export interface DocumentToDownload extends DocumentKey {
  readonly name: string;
}

export interface WantedDocument {
  readonly collection: string;
  readonly name: string;
  /** Default: the current one. */
  readonly version?: string;
}

/**
 * Where a document's ciphertext is, and its key, once the agent has it ready.
 * @throws GatehouseError as `Session.request`; `blob_not_authentic` where the answer is none; `cancelled`
 */
export async function askForDocument(
  session: Pick<Session, 'request'>,
  wanted: WantedDocument,
  { onPreparing, signal }: Pick<PreparingOptions, 'onPreparing' | 'signal'> = {},
): Promise<DocumentToDownload> {
  const options = { idempotent: true, ...(signal && { signal }) };
  const ask = (): Promise<unknown> => session.request('documents.get', wanted, options);
  return documentToDownload(await oncePrepared(ask, { onPreparing, signal, believes: isAgentError }));
}

/** @throws GatehouseError `blob_not_authentic` where `answer` is no answer to `documents.get` */
function documentToDownload(answer: unknown): DocumentToDownload {
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
