// The document RPCs as they cross an end-to-end session: arguments, answers and limits, alike for TLS clients and
// device sessions. Sizes are bytes, times milliseconds since the epoch, keys and blob ids base64url.
// A version is the SHA-256 of a document's content in lower-case hex. A key is in the answer to `documents.get` alone.
import * as v from 'valibot';

/** Longest name of a document in UTF-8, and of one part of it between two `/`. */
export const maxDocumentNameLength = 1024;
export const maxDocumentPartLength = 255;
export const maxCollectionNameLength = 64;
/** Entries of one page of `documents.list`. */
export const maxPageLength = 1000;
export const defaultPageLength = 200;
/** Of one document that is taken by `documents.put`. */
export const maxUploadLength = 4 * 1024 ** 3;
/** Of the content that travels inside the JSON of one `documents.put`, before base64. */
export const maxUploadPartLength = 512 * 1024;

const collection = v.pipe(v.string(), v.minLength(1), v.maxLength(maxCollectionNameLength));
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(maxDocumentNameLength));
const version = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const length = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));

export const documentsListArgs = v.strictObject({
  collection,
  /** Part of a name, whatever its case and Unicode form; all where absent. */
  search: v.optional(v.pipe(v.string(), v.maxLength(256))),
  /** `next` of the page before. */
  cursor: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(4096)))),
  limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(maxPageLength))),
});
export type DocumentsListArgs = v.InferOutput<typeof documentsListArgs>;

export const documentsVersionsArgs = v.strictObject({ collection, name });
export type DocumentsVersionsArgs = v.InferOutput<typeof documentsVersionsArgs>;

export const documentsGetArgs = v.strictObject({
  collection,
  name,
  /** What the folder holds now where absent. */
  version: v.optional(version),
  /** TLS clients only: answers with the content itself, from byte `from` on, in place of a blob and its key. */
  inline: v.optional(v.boolean()),
  from: v.optional(length),
});
export type DocumentsGetArgs = v.InferOutput<typeof documentsGetArgs>;

export const documentsPutArgs = v.strictObject({
  collection,
  name,
  /** The version that is to be replaced; null: there is no such document yet. What is there now must be that. */
  expected: v.nullable(version),
  /** Where the content does not come as a streamed body: all of it, or one part. base64url. */
  content: v.optional(v.pipe(v.string(), v.maxLength(Math.ceil((maxUploadPartLength * 4) / 3) + 4))),
  /** Of a document in parts: `upload` of the answer before (none with the first part), and where this part begins. */
  upload: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22,64}$/))),
  offset: v.optional(length),
  /** Length of the whole, and its hash where the caller knows it: it is checked before anything is replaced. */
  size: v.optional(length),
  version: v.optional(version),
});
export type DocumentsPutArgs = v.InferOutput<typeof documentsPutArgs>;

/** Answer to `documents.collections`. The folder's place on the premises is not told. */
export interface CollectionsAnswer {
  readonly collections: readonly { readonly name: string; readonly allowUpload: boolean }[];
}

export interface DocumentEntry {
  /** Within its collection as it is on disk, with `/` between folders. */
  readonly name: string;
  readonly size: number;
  readonly modifiedAt: number;
}

/** Answer to `documents.list`, by name. */
export interface ListAnswer {
  readonly documents: readonly DocumentEntry[];
  /** Cursor of the next page; null at the end. */
  readonly next: string | null;
}

export interface DocumentVersion {
  readonly version: string;
  readonly size: number;
  /** Whether it is what the folder holds now. */
  readonly current: boolean;
  /** Whether `documents.get` can answer with it. */
  readonly available: boolean;
  /** When it was served or taken first; null where it never was. */
  readonly at: number | null;
}

/** Answer to `documents.versions`: the current one first, then the newest. */
export interface VersionsAnswer {
  readonly name: string;
  readonly versions: readonly DocumentVersion[];
}

/** How a ciphertext is cut: `nonce prefix ‖ chunk number ‖ final flag`, each chunk with a tag behind it. */
export const chunkGeometry = v.object({
  /** Plaintext bytes of each chunk but the last. */
  plaintext: v.pipe(v.number(), v.integer(), v.minValue(1)),
  tag: v.pipe(v.number(), v.integer(), v.minValue(1)),
  count: v.pipe(v.number(), v.integer(), v.minValue(1)),
});

/** Answer to `documents.get`: where the ciphertext is, and what opens it. */
export const documentAnswer = v.object({
  name: v.string(),
  version,
  size: length,
  blob: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22,64}$/)),
  /** 32 bytes, AES-256-GCM. Of this version of this document alone. */
  key: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)),
  ciphertextLength: length,
  chunks: chunkGeometry,
});
export type DocumentAnswer = v.InferOutput<typeof documentAnswer>;

/** Answer to `documents.put`: the version that is there now, or where to go on. */
export type PutAnswer =
  | { readonly done: true; readonly name: string; readonly version: string; readonly size: number }
  | { readonly done: false; readonly upload: string; readonly offset: number };
