// Blobs are cached in segments, each a file of its own: a header with the blob's whole length and a checksum, then the
// bytes. The checksum is bound to the segment's name; it finds a damaged disk and a swapped file, not an attacker,
// from whom the ciphertext's own AEAD protects.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** Bytes of a segment; the last one of a blob may be shorter. */
export const segmentLength = 1024 * 1024;
const magic = 0x47484231;
const headerLength = 16;
export const maxSegmentFileLength = segmentLength + headerLength;

export interface Segment {
  /** Of the whole blob, in bytes. */
  readonly blobLength: number;
  readonly bytes: Buffer;
}

/** A name that depends on all three, and on nothing that a file system could take for a path. */
export function segmentName(serviceId: string, blob: string, index: number): string {
  return `${createHash('sha256').update(`${serviceId}/${blob}/${index}`).digest('hex')}.segment`;
}

export function isSegmentName(name: string): boolean {
  return /^[0-9a-f]{64}\.segment$/.test(name);
}

/** What is written: the header, then `bytes` as they are. */
export function segmentHeader(name: string, { blobLength, bytes }: Segment): Buffer {
  const header = Buffer.alloc(headerLength);
  header.writeUInt32BE(magic, 0);
  header.writeBigUInt64BE(BigInt(blobLength), 4);
  header.writeUInt32BE(checksum(name, header, bytes), 12);
  return header;
}

/** Null for a file that is damaged, or belongs elsewhere. */
export function readSegment(name: string, file: Buffer): Segment | null {
  if (file.length < headerLength || file.readUInt32BE(0) !== magic) return null;
  const blobLength = Number(file.readBigUInt64BE(4));
  const bytes = file.subarray(headerLength);
  if (file.readUInt32BE(12) !== checksum(name, file, bytes)) return null;
  return { blobLength, bytes };
}

function checksum(name: string, header: Buffer, bytes: Buffer): number {
  return crc32(bytes, crc32(header.subarray(0, 12), crc32(name)));
}
