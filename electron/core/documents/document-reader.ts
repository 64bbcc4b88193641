// Reads an open document from its beginning to its end, a block at a time, and notices where it is not the same file
// all the while. Must never hand on more than one block at a time, or read on for a caller that is gone.
import { createHash } from 'node:crypto';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { identityOf, sameIdentity } from './file-identity.ts';
import type { OpenedDocument } from './published-folder.ts';

/** Read at once, in bytes: sixteen chunks of a ciphertext. */
export const blockLength = 1024 * 1024;

/** The file is not what it was when it was opened: to be tried again. */
export class Changed extends Error {}

/** SHA-256 of the content, lower-case hex. @throws what `blocks` does */
export async function hashOf(blocks: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for await (const block of blocks) hash.update(block);
  return hash.digest('hex');
}

/** The whole content; each block is good until the next one. @throws Changed */
export async function* blocksOf(opened: OpenedDocument, signal: AbortSignal): AsyncGenerator<Buffer> {
  const { file, identity } = opened;
  const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(blockLength, identity.size)));
  let at = 0;
  while (at < identity.size) {
    if (signal.aborted)
      throw new GatehouseError('shutting_down', 'The service is stopping. Try again shortly.');
    const length = await fill(opened, buffer, at, Math.min(buffer.length, identity.size - at));
    yield buffer.subarray(0, length);
    at += length;
  }
  const after = identityOf(await file.stat({ bigint: true }));
  if (!sameIdentity(identity, after)) throw new Changed('The document changed while it was read.');
}

/** A block in full: chunks of a ciphertext have one length. */
async function fill({ file }: OpenedDocument, buffer: Buffer, from: number, length: number): Promise<number> {
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, from + filled);
    if (bytesRead === 0) throw new Changed('The document became shorter while it was read.');
    filled += bytesRead;
  }
  return filled;
}
