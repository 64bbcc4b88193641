// Encrypted documents: one fresh key for each run over one version, and chunks that are bound to the version and its
// length. The key travels inside sessions alone; the ciphertext may lie anywhere.
import { GatehouseError } from '../contracts/errors.ts';
import { concat, field, plain, u64, type Bytes } from './bytes.ts';
import {
  chunkAt,
  chunkCount,
  chunkLength,
  decryptChunks,
  eachOf,
  encryptChunks,
  sealedChunkLength,
  sealedLength,
  type ByteSource,
  type ChunkCipher,
} from './chunks.ts';
import { giveBack } from './memory.ts';
import { aesKey, aesKeyLength, randomBytes } from './primitives.ts';

const blobLabel = 'gatehouse blob v1';
/** Chunks that are encrypted or decrypted at once: WebCrypto works beside us. */
const chunksAhead = 8;

/** What the chunks of a blob are bound to. */
export interface BlobFacts {
  /** The version's content hash, as the document RPCs write it. */
  readonly version: string;
  /** Of the plaintext, in bytes. */
  readonly length: number;
}

/** 32 random bytes. A run that starts again must take another key. */
export function newBlobKey(): Bytes {
  return randomBytes(aesKeyLength);
}

/** @throws GatehouseError `blob_not_authentic` where `key` has not 32 bytes */
export async function blobCipher(key: Uint8Array, { version, length }: BlobFacts): Promise<ChunkCipher> {
  const imported = await aesKey(new Uint8Array(key));
  if (imported === null) {
    throw new GatehouseError('blob_not_authentic', 'The key of an encrypted document has 32 bytes.');
  }
  return { key: imported, context: concat(field(blobLabel), field(version), u64(length)) };
}

/**
 * The ciphertext of a snapshot.
 * @throws GatehouseError `document_changing` where `source` has not exactly `facts.length` bytes
 */
export async function* encryptBlob(
  key: Uint8Array,
  facts: BlobFacts,
  source: ByteSource,
): AsyncGenerator<Bytes> {
  yield* encryptChunks(await blobCipher(key, facts), exactly(facts.length, source), chunksAhead);
}

interface Decrypting {
  /** Of the plaintext. */
  readonly offset?: number;
  /** Whether each part is good only until the next one is asked for. */
  readonly lent?: boolean;
}

/**
 * The plaintext from `offset` on, of ciphertext that begins at `blobStart(offset)`.
 * @throws GatehouseError `truncated`, `blob_not_authentic`, `range_invalid`
 */
export async function* decryptBlob(
  key: Uint8Array,
  facts: BlobFacts,
  source: ByteSource,
  { offset = 0, lent = false }: Decrypting = {},
): AsyncGenerator<Bytes> {
  const start = blobStart(facts, offset);
  let skip = offset - start.index * chunkLength;
  let at = start.index * chunkLength;
  const cipher = await blobCipher(key, facts);
  const options = { code: 'blob_not_authentic', firstIndex: start.index, ahead: chunksAhead } as const;
  const all = untruncated(sealedLength(facts.length) - start.sealedOffset, source);
  for await (const chunk of decryptChunks(cipher, all, options)) {
    at += chunk.length;
    yield plain(chunk.subarray(skip));
    skip = 0;
    if (lent) giveBack(chunk);
  }
  if (at !== facts.length) throw new GatehouseError('blob_not_authentic', 'The document has another length.');
}

/** The byte of the ciphertext at which to begin for byte `offset` of the plaintext. @throws `range_invalid` */
export function blobStart(
  { length }: BlobFacts,
  offset: number,
): { readonly index: number; readonly sealedOffset: number } {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > length) {
    throw new GatehouseError('range_invalid', 'The document has no such range of bytes.');
  }
  const last = chunkCount(length) - 1;
  const start = chunkAt(offset);
  return start.index <= last ? start : { index: last, sealedOffset: last * sealedChunkLength };
}

export { sealedLength as blobLength };

async function* exactly(length: number, source: ByteSource): AsyncGenerator<Uint8Array> {
  let left = length;
  for await (const bytes of eachOf(source)) {
    left -= bytes.length;
    if (left < 0) throw changed();
    yield bytes;
  }
  if (left !== 0) throw changed();
}

/** A blob's length is known, so a source that ends too early is told from one that was changed. */
async function* untruncated(length: number, source: ByteSource): AsyncGenerator<Uint8Array> {
  let left = length;
  for await (const bytes of eachOf(source)) {
    left -= bytes.length;
    yield bytes;
  }
  if (left > 0) throw new GatehouseError('truncated', 'The document broke off before its end. Try again.');
}

function changed(): GatehouseError {
  return new GatehouseError('document_changing', 'The document changed while it was encrypted. Try again.');
}
