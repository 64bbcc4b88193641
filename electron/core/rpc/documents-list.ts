// `documents.list`: a page of the documents of a collection, by name, or of those whose name has a text in it.
import { documentsListArgs, maxPageLength } from '../../../shared/contracts/documents.ts';
import { documentsRpc } from './documents-call.ts';

export const documentsList = documentsRpc({
  name: 'documents.list',
  takesStream: false,
  idempotent: true,
  schema: documentsListArgs,
  takes: `{"collection", "search"?, "cursor"?, "limit"? up to ${maxPageLength}}`,
  run: async ({ args, documents, call }) => ({ json: await documents.list(args, call.signal) }),
});
