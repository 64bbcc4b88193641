// The chunked AEAD of streamed answers and encrypted documents: the STREAM construction (Hoang, Reyhanitabar, Rogaway,
// Vizár 2015) over AES-256-GCM with 64 KiB chunks. Each chunk is bound to its index and to being the last one, so cut,
// swapped and added chunks do not decrypt. A key must never be used for two streams: the nonces would be the same.
import { GatehouseError } from '../contracts/errors.ts';
import { concat, plain, u32, u8, type Bytes } from './bytes.ts';
import { gcmNonceLength, gcmTagLength, openGcm, sealGcm, type Key } from './primitives.ts';

/** Of plaintext, in bytes. Every chunk but the last has exactly this. */
export const chunkLength = 64 * 1024;
export const sealedChunkLength = chunkLength + gcmTagLength;
const maxChunks = 2 ** 32;
const noncePrefix = new Uint8Array(7);

/** A key for one stream alone, and what each of its chunks is bound to. */
export interface ChunkCipher {
  readonly key: Key;
  readonly context: Bytes;
}

export type ByteSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** `source` for `for await`, which takes both at run time; the compiler sometimes loses the element type of a union. */
export function eachOf(source: ByteSource): AsyncIterable<Uint8Array> {
  return source as AsyncIterable<Uint8Array>;
}

/** How many chunks `length` bytes of plaintext make; an empty one makes one empty chunk. */
export function chunkCount(length: number): number {
  return Math.max(1, Math.ceil(length / chunkLength));
}

/** Bytes of ciphertext of `length` bytes of plaintext. */
export function sealedLength(length: number): number {
  return length + chunkCount(length) * gcmTagLength;
}

/** Where the chunk that holds byte `offset` of the plaintext begins in the ciphertext, and its index. */
export function chunkAt(offset: number): { readonly index: number; readonly sealedOffset: number } {
  const index = Math.floor(offset / chunkLength);
  return { index, sealedOffset: index * sealedChunkLength };
}

/** @throws GatehouseError `limit_exceeded` beyond 2^32 chunks, `internal` for a chunk of a wrong length */
export async function sealChunk(
  cipher: ChunkCipher,
  index: number,
  final: boolean,
  plaintext: Uint8Array,
): Promise<Bytes> {
  if (index >= maxChunks) throw new GatehouseError('limit_exceeded', 'The stream is too long to encrypt.');
  if (plaintext.length > chunkLength || (!final && plaintext.length !== chunkLength)) {
    throw new GatehouseError('internal', 'A chunk of an encrypted stream has a wrong length.');
  }
  const [nonce, data] = chunkPlace(cipher, index, final);
  const sealed = await sealGcm(cipher.key, nonce, data, plain(plaintext));
  if (sealed === null) throw new GatehouseError('internal', 'A chunk has a nonce of a wrong length.');
  return sealed;
}

/**
 * Opens the chunks of one stream, and writes where each stands into the same few bytes: WebCrypto copies them before it
 * returns, and what came too late would only fail to open. Whatever seals has fresh ones.
 */
class ChunkOpener {
  readonly #key: Key;
  readonly #nonce = new Uint8Array(gcmNonceLength);
  readonly #data: Bytes;
  /** Index and last mark, where they stand in `#data`. */
  readonly #at: DataView;

  constructor({ key, context }: ChunkCipher) {
    this.#key = key;
    this.#data = concat(context, new Uint8Array(gcmNonceLength - noncePrefix.length));
    this.#at = new DataView(this.#data.buffer, context.length);
  }

  /** Null where the chunk is not authentic at this place. */
  open(index: number, final: boolean, sealed: Uint8Array): Promise<Bytes | null> {
    const isWhole = sealed.length === sealedChunkLength;
    if (index >= maxChunks || sealed.length > sealedChunkLength || !(final || isWhole)) return notAuthentic;
    this.#at.setUint32(0, index);
    this.#at.setUint8(4, final ? 1 : 0);
    this.#nonce.set(this.#data.subarray(this.#at.byteOffset), noncePrefix.length);
    return openGcm(this.#key, this.#nonce, this.#data, plain(sealed));
  }
}

const notAuthentic = Promise.resolve(null);

/**
 * The ciphertext of `source`, a chunk at a time. Empty plaintext makes one empty chunk. `ahead` chunks are worked on at
 * once, which is faster where nobody waits for each.
 */
export function encryptChunks(cipher: ChunkCipher, source: ByteSource, ahead = 1): AsyncGenerator<Bytes> {
  const pieces = inChunks(source, chunkLength);
  return inOrder(pieces, ahead, ({ index, final, bytes }) => sealChunk(cipher, index, final, bytes));
}

interface DecryptOptions {
  /** For what is not authentic. */
  readonly code: 'ANSWER_NOT_AUTHENTIC' | 'blob_not_authentic';
  /** Of the chunk that `source` begins with. */
  readonly firstIndex?: number;
  readonly ahead?: number;
}

/**
 * The plaintext of `source`, a chunk at a time: each is authentic when it is handed out, and the stream is whole only when
 * this ends without an error.
 * @throws GatehouseError `truncated` where chunks are missing at the end, `code` where one is not authentic
 */
export function decryptChunks(
  cipher: ChunkCipher,
  source: ByteSource,
  { code, firstIndex = 0, ahead = 1 }: DecryptOptions,
): AsyncGenerator<Bytes> {
  const opener = new ChunkOpener(cipher);
  const open = async ({ index, final, bytes }: Piece): Promise<Bytes> => {
    const at = firstIndex + index;
    const plaintext = await opener.open(at, final, bytes);
    if (plaintext === null) throw await refusal(opener, at, final, bytes, code);
    return plaintext;
  };
  return inOrder(inChunks(source, sealedChunkLength), ahead, open);
}

/**
 * What `work` makes of each piece, in order, with up to `ahead` of them under way. Where `pieces` breaks off, what came
 * before is still handed out; where a piece fails, nothing behind it is.
 */
async function* inOrder(
  pieces: AsyncGenerator<Piece, undefined>,
  ahead: number,
  work: (piece: Piece) => Promise<Bytes>,
): AsyncGenerator<Bytes> {
  const under: Promise<Bytes>[] = [];
  try {
    for (;;) {
      const next = await pieces.next().catch((error: unknown) => ({ done: true, value: { error } }) as const);
      if (next.done === true) {
        for (const made of under) yield await made;
        if (next.value !== undefined) throw next.value.error;
        return;
      }
      const made = work(next.value);
      // It fails where it is awaited; one behind a failed one is never awaited.
      made.catch(() => {});
      under.push(made);
      const first = under.length >= ahead ? under.shift() : undefined;
      if (first !== undefined) yield await first;
    }
  } finally {
    await pieces.return(undefined);
  }
}

/** A chunk that is authentic but not the last, where the stream ends: cut off on a chunk's edge. */
async function refusal(
  opener: ChunkOpener,
  index: number,
  final: boolean,
  sealed: Uint8Array,
  code: 'ANSWER_NOT_AUTHENTIC' | 'blob_not_authentic',
): Promise<GatehouseError> {
  const cut = final && (sealed.length === 0 || (await opener.open(index, false, sealed)) !== null);
  if (cut) return new GatehouseError('truncated', 'The encrypted stream ended before its end. Try again.');
  return new GatehouseError(code, 'A part of the encrypted stream was changed on its way. Try again.');
}

function chunkPlace({ context }: ChunkCipher, index: number, final: boolean): [Bytes, Bytes] {
  const data = concat(context, u32(index), u8(final ? 1 : 0));
  return [concat(noncePrefix, data.subarray(context.length)), data];
}

interface Piece {
  readonly index: number;
  readonly final: boolean;
  /** Good until the next piece is asked for: WebCrypto copies what it is given before it returns. */
  readonly bytes: Uint8Array;
}

/**
 * `source` cut into pieces of `length`: those that lie in one part of it where they are, the others put together in one
 * buffer. Which is the last one shows only when the source has ended, and nothing is written over that one.
 */
async function* inChunks(source: ByteSource, length: number): AsyncGenerator<Piece, undefined> {
  const buffer = new Uint8Array(length);
  let held = 0;
  let index = 0;
  for await (const bytes of eachOf(source)) {
    let rest = bytes;
    while (held + rest.length > length) {
      const more = rest.subarray(0, length - held);
      if (held > 0) buffer.set(more, held);
      yield { index, final: false, bytes: held > 0 ? buffer : more };
      index += 1;
      rest = rest.subarray(more.length);
      held = 0;
    }
    buffer.set(rest, held);
    held += rest.length;
  }
  yield { index, final: true, bytes: buffer.subarray(0, held) };
}
