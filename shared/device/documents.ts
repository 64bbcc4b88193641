// A whole download for an app: out of the relay's cache into a stream of the caller's, decrypted chunk by chunk, resumed
// where the connection broke, and checked in the end against the version's hash. Nothing of it is held in memory.
// Must never report a document as whole that is not, byte for byte, the version that was asked for.
import { GatehouseError } from '../contracts/errors.ts';
import { eachOf, type ByteSource } from './chunks.ts';
import type { Bytes } from './bytes.ts';
import type { DocumentToDownload } from './document-answer.ts';
import type { DownloadOptions } from './document-download.ts';
import { RunningHash } from './running-hash.ts';

/** Who fetches: a `Device`. */
export interface Downloader {
  download(document: DocumentToDownload, options?: DownloadOptions): AsyncIterable<Bytes>;
}

/** SHA-256 as bytes come. */
export interface ContentHash {
  update(bytes: Uint8Array): void;
  /** Lower-case hex. */
  digest(): string;
}

/** `lent` is for a sink that is done with what it is given when its write has settled. */
export interface SaveOptions extends Omit<DownloadOptions, 'offset'> {
  /** What an earlier download has saved, from the document's first byte on: it goes on behind that. */
  readonly saved?: ByteSource;
  /** Told of the bytes that are there, of so many. */
  readonly onProgress?: (received: number, length: number) => void;
  /** A faster hash than that of this library, where the platform has one (Node's `createHash`). */
  readonly hash?: ContentHash;
}

/**
 * Writes a document to `sink`, and closes it where all of it has come and is right. Where it fails the sink is left open
 * with what was written, all of it authentic: save that, and go on from it, or abort the sink.
 * @throws GatehouseError `blob_not_authentic` where the document, or what was saved of it, is not the version;
 *   `cancelled`, and what the last attempt to connect ended with (`relay_unreachable`, `blob_unknown`, …)
 */
export async function saveDocument(
  device: Downloader,
  document: DocumentToDownload,
  sink: WritableStream<Uint8Array>,
  { saved = [], onProgress, hash = new RunningHash(), ...download }: SaveOptions = {},
): Promise<void> {
  let at = 0;
  for await (const bytes of eachOf(saved)) {
    hash.update(bytes);
    at += bytes.length;
  }
  if (at > document.length) throw otherContent();
  const writer = sink.getWriter();
  try {
    onProgress?.(at, document.length);
    for await (const bytes of device.download(document, { ...download, offset: at })) {
      // Before it is written: a sink may pass its memory on, to a worker for example.
      hash.update(bytes);
      const { length } = bytes;
      await writer.write(bytes);
      at += length;
      onProgress?.(at, document.length);
    }
    if (at !== document.length || hash.digest() !== document.version) throw otherContent();
    await writer.close();
  } finally {
    writer.releaseLock();
  }
}

function otherContent(): GatehouseError {
  const message = 'What has come is not the version that was asked for. Throw it away and download it again.';
  return new GatehouseError('blob_not_authentic', message);
}
