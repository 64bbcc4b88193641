// Reads the body of an answer, a part at a time. Where parts are many and nobody keeps them, they are read into memory that
// is used again: fresh memory for each costs a browser more than decrypting them.
import type { Bytes } from './bytes.ts';
import { sealedChunkLength } from './chunks.ts';

export interface BodyReader {
  /** The next part, or null behind the last one. */
  read(): Promise<Bytes | null>;
  cancel(): void;
}

/** Whole chunks, in bytes: where so many have come, none of them has to be put together. */
const reusedLength = 4 * sealedChunkLength;

export function bodyReader(body: Response['body']): BodyReader {
  const reader = body?.getReader();
  return {
    read: async () => ((await reader?.read())?.value as Bytes | undefined) ?? null,
    cancel: () => cancel(reader),
  };
}

/** A part is good until the next one is asked for. Not every browser, and not every `fetch`, can read so. */
export function reusingBodyReader(body: Response['body']): BodyReader {
  const reader = byteReader(body);
  if (reader === null) return bodyReader(body);
  let memory = new ArrayBuffer(reusedLength);
  return {
    read: async () => {
      const { done, value } = await reader.read(new Uint8Array(memory));
      if (done) return null;
      memory = value.buffer;
      return value;
    },
    cancel: () => cancel(reader),
  };
}

function byteReader(body: Response['body']): ReadableStreamBYOBReader | null {
  try {
    return body?.getReader({ mode: 'byob' }) ?? null;
  } catch {
    return null;
  }
}

/** What was read to its end, or has failed, needs no cancelling: an error here tells nothing new. */
function cancel(reader: { cancel(): Promise<void> } | undefined): void {
  reader?.cancel().catch(() => {});
}
