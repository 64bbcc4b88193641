// `documents.get`: one version of a document. Answers with the id of its ciphertext and the key that opens it; with
// `inline`, for TLS clients, with the content itself. The key is in this answer and nowhere else.
import { documentsGetArgs } from '../../../shared/contracts/documents.ts';
import { documentsRpc } from './documents-call.ts';
import { badRequest } from './rpc.ts';

export const documentsGet = documentsRpc({
  name: 'documents.get',
  // A client that wants a stream for its answer calls with an empty one.
  takesStream: true,
  idempotent: true,
  // Its answer has the key.
  neverCaptured: true,
  schema: documentsGetArgs,
  takes: '{"collection", "name", "version"?} and, of TLS clients, {"inline": true, "from"?}',
  run: async ({ args, documents, recipient, call }) => {
    call.body?.resume();
    const { inline = false, from, ...wanted } = args;
    if (!inline && from !== undefined) throw badRequest('documents.get takes "from" with "inline" alone.');
    if (!inline) return { json: await documents.get(wanted, recipient) };
    if (recipient.via !== 'tls') {
      throw badRequest('In a device session documents come as encrypted blobs: leave "inline" out.');
    }
    return { stream: await documents.content(wanted, from ?? 0, recipient) };
  },
});
