// The content of a kept version as a stream, decrypted from the blob store a chunk at a time: for TLS clients, whose
// session is the encryption. Must never hand on a byte that is not authentic.
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { blobStart, decryptBlob } from '../../../shared/device/blobs.ts';
import type { BlobRecord } from './blob-record.ts';
import type { BlobStore } from './blob-store.ts';

const blockLength = 256 * 1024;

/** @throws GatehouseError `blob_unknown`; the stream fails with `blob_not_authentic` where the file was damaged */
export async function plaintextOf(store: BlobStore, record: BlobRecord, from: number): Promise<Readable> {
  const { file } = await store.read(record.blob);
  const facts = { version: record.version, length: record.size };
  const sealed = blocks(file, blobStart(facts, from).sealedOffset);
  const content = decryptBlob(Buffer.from(record.key, 'base64url'), facts, sealed, { offset: from });
  const stream = Readable.from(content, { objectMode: false, highWaterMark: blockLength });
  // Also where nobody ever reads it.
  stream.once('close', () => void file.close().catch(() => undefined));
  return stream;
}

async function* blocks(file: FileHandle, from: number): AsyncGenerator<Uint8Array> {
  for (let at = from; ;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(blockLength), 0, blockLength, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}
