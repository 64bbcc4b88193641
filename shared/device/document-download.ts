// Downloads of encrypted documents: ciphertext from the relay, in ranges of whole chunks, decrypted as it comes. After a
// broken connection it goes on from the first chunk that is missing. Every byte handed out is authentic.
import { GatehouseError } from '../contracts/errors.ts';
import { blobStart, decryptBlob, type BlobFacts } from './blobs.ts';
import type { Bytes } from './bytes.ts';
import type { RelayApi } from './relay-api.ts';

/** What `documents.get` answers inside a session. */
export interface DocumentKey extends BlobFacts {
  readonly blob: string;
  /** 32 bytes. A secret. */
  readonly key: Uint8Array;
}

export interface DownloadOptions {
  /** Of the plaintext: where an earlier download stopped. */
  readonly offset?: number;
  /**
   * Each part is good until the next one is asked for, and empty then. For an app that is done with a part by then: a
   * browser downloads about a quarter faster where it gets the memory back at once.
   */
  readonly lent?: boolean;
  readonly signal?: AbortSignal;
}

/** Broken connections in a row, without a byte between them. */
const maxFruitless = 3;

/** @throws GatehouseError `blob_not_authentic`, `range_invalid`, `cancelled`, or what its last attempt ended with */
export async function* downloadDocument(
  api: RelayApi,
  document: DocumentKey,
  { offset = 0, lent = false, signal }: DownloadOptions = {},
): AsyncGenerator<Bytes> {
  let at = offset;
  for (let fruitless = 0; ; fruitless += 1) {
    try {
      const { sealedOffset } = blobStart(document, at);
      const body = await api.blob(document.blob, sealedOffset, signal);
      for await (const bytes of decryptBlob(document.key, document, body, { offset: at, lent })) {
        at += bytes.length;
        fruitless = 0;
        yield bytes;
      }
      return;
    } catch (error) {
      if (!isBroken(error) || fruitless >= maxFruitless) throw error;
    }
  }
}

function isBroken(error: unknown): boolean {
  if (!(error instanceof GatehouseError)) return false;
  return error.code === 'relay_unreachable' || error.code === 'truncated' || error.code === 'timeout';
}
