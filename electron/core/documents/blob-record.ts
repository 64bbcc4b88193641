// What the service keeps of one encrypted version, beside its ciphertext: which document it is of, and its key. The
// file is as secret as the document (0600, in the data folder), and the key leaves it only in an answer to
// `documents.get`.
import * as v from 'valibot';
import { fileIdentitySchema } from './file-identity.ts';

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));

export const blobRecordSchema = v.strictObject({
  v: v.literal(1),
  /** Random; tells nothing of the content. */
  blob: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)),
  /** Id of the collection. */
  collection: v.string(),
  /** Of the document, in NFC. */
  name: v.string(),
  /** SHA-256 of the content, lower-case hex. */
  version: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  size: whole,
  ciphertextLength: whole,
  /** 32 bytes, base64url. */
  key: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)),
  /** When it was made, in milliseconds since the epoch. */
  at: whole,
  /** The file that it was read from, as it was then; null where it may have been written since unseen. */
  identity: v.nullable(fileIdentitySchema),
});
export type BlobRecord = Readonly<v.InferOutput<typeof blobRecordSchema>>;

/** What one document is called inside the service. */
export interface DocumentKey {
  readonly collection: string;
  readonly name: string;
}

/** @throws where `bytes` are no record of `blob` */
export function parseBlobRecord(blob: string, bytes: Buffer): BlobRecord {
  const record = v.parse(blobRecordSchema, JSON.parse(bytes.toString('utf8')));
  if (record.blob !== blob) throw new Error('The record is of another blob.');
  return record;
}
