// Document collections: published and removed; what is in them, its versions, and who fetched what.
import type { Documents } from '../documents/documents.ts';
import { done } from './call-context.ts';
import type { CallsOf, ConsoleParts, Handlers } from './call-context.ts';
import { describeFolder } from './follow-devices.ts';

export function documentHandlers({
  installation,
  audit,
  expected,
}: ConsoleParts): Handlers<CallsOf<'documents'>> {
  const documents = (): Documents => installation.service.data.documents;
  return {
    'documents.publish': async ({ name, folder, allowUpload }, { session: { actor } }) => {
      const subject = name.normalize('NFC');
      const value = describeFolder(folder, allowUpload);
      const undo = expected.expect(subject, 'published');
      return audit
        .around({ action: 'collection.published', actor, subject, value }, () =>
          documents().publish({ name, folder, allowUpload }),
        )
        .catch((error: unknown) => {
          undo();
          throw error;
        });
    },
    'documents.remove': async ({ name }, { session: { actor } }) => {
      const subject = name.normalize('NFC');
      const old =
        documents()
          .collections()
          .find((each) => each.name === subject)?.folder ?? null;
      const undo = expected.expect(subject, 'removed');
      await audit
        .around({ action: 'collection.removed', actor, subject, old }, () => documents().remove(name))
        .catch((error: unknown) => {
          undo();
          throw error;
        });
      return done;
    },
    'documents.list': ({ collection, search, cursor, limit }, { signal }) =>
      documents().list({ collection, search, cursor, limit }, signal),
    'documents.versions': async ({ collection, document: name }) => ({
      versions: await documents().versionViews({ collection, name }),
    }),
    'documents.fetches': (query) => documents().fetches(query),
  };
}
