// `documents.versions`: the versions of a document that can be had, the current one first.
import { documentsVersionsArgs } from '../../../shared/contracts/documents.ts';
import { documentsRpc } from './documents-call.ts';

export const documentsVersions = documentsRpc({
  name: 'documents.versions',
  takesStream: false,
  idempotent: true,
  schema: documentsVersionsArgs,
  takes: '{"collection", "name"}',
  run: async ({ args, documents }) => ({ json: await documents.versions(args) }),
});
