// `documents.put`: a new version of a document, where its collection takes uploads. The content is the streamed body
// beside the arguments, or base64url in them, whole or in parts. What is there must be the version that the caller
// expects (null: nothing), so that nobody's change is lost.
import type { Readable } from 'node:stream';
import { documentsPutArgs, maxUploadPartLength } from '../../../shared/contracts/documents.ts';
import type { DocumentsPutArgs, PutAnswer } from '../../../shared/contracts/documents.ts';
import type { Documents } from '../documents/documents.ts';
import type { Recipient } from '../documents/fetch-log.ts';
import { documentsRpc } from './documents-call.ts';
import type { DocumentsCall } from './documents-call.ts';
import { badRequest } from './rpc.ts';

const takes =
  '{"collection", "name", "expected": version or null, "size"?, "version"?} with a streamed body or "content" in base64url; "upload" and "offset" for parts';

export const documentsPut = documentsRpc({
  name: 'documents.put',
  takesStream: true,
  idempotent: false,
  schema: documentsPutArgs,
  takes,
  run: async (called) => ({ json: await put(called) }),
});

async function put({
  args,
  documents,
  recipient,
  call,
}: DocumentsCall<DocumentsPutArgs>): Promise<PutAnswer> {
  const { body } = call;
  if ((body === null) === (args.content === undefined)) throw badRequest(`documents.put takes ${takes}.`);
  if (body !== null) return putStream(documents, args, recipient, body);
  const bytes = decode(args.content ?? '');
  if (args.upload !== undefined) {
    return answerTo(args, await documents.uploads.part(args.upload, recipient, args.offset ?? -1, bytes));
  }
  if ((args.offset ?? 0) !== 0) throw badRequest('The first part of a document begins at byte 0.');
  return putFirst(documents, args, recipient, bytes);
}

async function putStream(
  documents: Documents,
  args: DocumentsPutArgs,
  recipient: Recipient,
  body: Readable,
): Promise<PutAnswer> {
  if (args.upload !== undefined) throw badRequest('Parts of a document come as "content".');
  const { upload, target } = await documents.beginUpload(announcedBy(args));
  try {
    for await (const chunk of body) await upload.write(chunk as Buffer);
    return answerTo(args, await documents.uploads.finish(upload, target, recipient));
  } finally {
    await upload.discard();
  }
}

async function putFirst(
  documents: Documents,
  args: DocumentsPutArgs,
  recipient: Recipient,
  bytes: Buffer,
): Promise<PutAnswer> {
  const { upload, target } = await documents.beginUpload(announcedBy(args));
  try {
    await upload.write(bytes);
    const isWhole = args.size === undefined || args.size === bytes.length;
    if (isWhole) return answerTo(args, await documents.uploads.finish(upload, target, recipient));
    return answerTo(args, documents.uploads.keep(upload, target, recipient));
  } catch (error) {
    await upload.discard();
    throw error;
  }
}

function announcedBy({ collection, name, expected, size, version }: DocumentsPutArgs): {
  collection: string;
  name: string;
  expected: string | null;
  size: number | null;
  version: string | null;
} {
  return { collection, name, expected, size: size ?? null, version: version ?? null };
}

function answerTo(
  { name }: DocumentsPutArgs,
  result:
    { readonly version: string; readonly size: number } | { readonly id: string; readonly offset: number },
): PutAnswer {
  if ('version' in result) return { done: true, name: name.normalize('NFC'), ...result };
  return { done: false, upload: result.id, offset: result.offset };
}

function decode(content: string): Buffer {
  const bytes = Buffer.from(content, 'base64url');
  if (bytes.length <= maxUploadPartLength && bytes.toString('base64url') === content) return bytes;
  throw badRequest(`"content" is base64url, without padding, of up to ${maxUploadPartLength} bytes.`);
}
