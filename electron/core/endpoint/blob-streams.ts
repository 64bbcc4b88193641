// Streams of kind `blob`: the relay asks for bytes of one ciphertext by its random id, and gets them. There is nothing
// to verify: without the key, which is in no such stream, they are noise. Each failure ends its own stream alone.
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as v from 'valibot';
import { blobRequestFrame } from '../../../shared/contracts/device-api.ts';
import type { BlobAnswerFrame, BlobRequestFrame } from '../../../shared/contracts/device-api.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { ErrorCode } from '../../../shared/contracts/errors.ts';
import { encodePrefixed } from '../../../shared/net/prefixed.ts';
import { StreamDuplex } from '../../../shared/net/stream-duplex.ts';
import type { Documents } from '../documents/documents.ts';
import type { StreamServer } from './stream-acceptor.ts';

/** Length of the first frame, in bytes: an id and two numbers. */
const maxFrameLength = 1024;
const prefixLength = 2;
const frameTimeoutMs = 10_000;
/** Read from the disk at once, in bytes. */
const blockLength = 256 * 1024;

/** Streams at the same time. */
const maxStreams = 256;

/** What the acceptor takes for streams of kind `blob`. */
export function blobStreams(documents: Documents): StreamServer {
  let running = 0;
  return (stream, _clientId, rest) => {
    const connection = new StreamDuplex(stream, rest);
    connection.on('error', () => undefined);
    if (running >= maxStreams) {
      refuse(connection, refusal('limit_exceeded'));
      return;
    }
    running += 1;
    void serveBlob(connection, documents).finally(() => (running -= 1));
  };
}

/** Serves one stream to its end; never throws. */
async function serveBlob(connection: Duplex, documents: Documents): Promise<void> {
  let file: FileHandle | null = null;
  let answered = false;
  try {
    const frame = await readFrame(connection);
    const blob = await documents.readBlob(frame.blob);
    ({ file } = blob);
    const range = rangeOf(frame, blob.length);
    answer(connection, { v: 1, ok: true, length: blob.length });
    answered = true;
    await pipeline(
      Readable.from(bytesOf(file, range), { objectMode: false, highWaterMark: blockLength }),
      connection,
    );
  } catch (error) {
    // Once bytes have been sent, only a reset says that they are not all.
    if (!answered && !connection.destroyed) refuse(connection, error);
    else connection.destroy();
  } finally {
    await file?.close().catch(() => undefined);
  }
}

interface Range {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/** @throws GatehouseError `range_invalid` */
function rangeOf({ from, to }: BlobRequestFrame, length: number): Range {
  const end = Math.min(to ?? length, length);
  if (from > length || end < from) throw refusal('range_invalid');
  return { from, to: end };
}

async function* bytesOf(file: FileHandle, { from, to }: Range): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to;) {
    const wanted = Math.min(blockLength, to - at);
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
    if (bytesRead === 0) throw new GatehouseError('truncated', 'The blob is shorter than it was.');
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** The first frame; a peer sends nothing behind it. @throws GatehouseError `header_malformed`, `header_timeout` */
async function readFrame(connection: Duplex): Promise<BlobRequestFrame> {
  const timer = setTimeout(() => {
    connection.destroy(
      new GatehouseError('header_timeout', 'The request for a blob did not arrive in time.'),
    );
  }, frameTimeoutMs);
  try {
    return parseFrame(await readPrefix(connection));
  } finally {
    clearTimeout(timer);
  }
}

async function readPrefix(connection: Duplex): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of connection.iterator({ destroyOnReturn: false })) {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    const length = bytes.length < prefixLength ? 0 : bytes.readUInt16BE(0);
    if (length > maxFrameLength || bytes.length > prefixLength + maxFrameLength) break;
    if (bytes.length >= prefixLength && bytes.length >= prefixLength + length) {
      return bytes.subarray(prefixLength, prefixLength + length);
    }
  }
  throw refusal('header_malformed');
}

function parseFrame(bytes: Buffer): BlobRequestFrame {
  try {
    return v.parse(blobRequestFrame, JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    throw refusal('header_malformed');
  }
}

function refuse(connection: Duplex, error: unknown): void {
  const code = error instanceof GatehouseError ? error.code : 'internal';
  answer(connection, { v: 1, ok: false, code });
  connection.end();
}

function answer(connection: Duplex, frame: BlobAnswerFrame): void {
  connection.write(encodePrefixed(frame));
}

function refusal(code: ErrorCode): GatehouseError {
  return new GatehouseError(code, 'The blob cannot be had.');
}
