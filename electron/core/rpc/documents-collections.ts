// `documents.collections`: what is published, by name. Takes nothing.
import * as v from 'valibot';
import type { CollectionsAnswer } from '../../../shared/contracts/documents.ts';
import { documentsRpc } from './documents-call.ts';

export const documentsCollections = documentsRpc({
  name: 'documents.collections',
  takesStream: false,
  idempotent: true,
  schema: v.strictObject({}),
  takes: 'nothing',
  run: ({ documents }) => {
    const collections = documents.collections().map(({ name, allowUpload }) => ({ name, allowUpload }));
    const answer: CollectionsAnswer = { collections };
    return Promise.resolve({ json: answer });
  },
});
