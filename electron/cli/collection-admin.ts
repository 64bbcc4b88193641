// What `gatehouse service collection …` does. Works on the data folder, whether or not a service runs on it; a running one
// follows within a second.
import { Collections, collectionView } from '../core/documents/collections.ts';
import type { CollectionView } from '../../shared/contracts/console/documents.ts';
import { printNote, printResult } from './output.ts';
import { resolvePath } from './paths.ts';
import type { DataOptions } from './service-options.ts';

export type AddOptions = DataOptions & { readonly allowUpload?: boolean };

export async function listCollections(options: DataOptions): Promise<void> {
  const collections = (await Collections.open(resolvePath(options.data))).all();
  const views = await Promise.all(collections.map((each) => collectionView(each)));
  const rows = views.map((view) => ({ ...shown(view), problem: view.problem }));
  const width = Math.max(0, ...rows.map(({ name }) => name.length));
  const lines = rows.map(({ name, folder, allowUpload, problem }) => {
    const state = problem === null ? '' : `  CANNOT BE READ [${problem.code}]`;
    return `${name.padEnd(width)}  ${allowUpload ? 'uploads  ' : 'read only'}  ${folder}${state}`;
  });
  const none = [
    'Nothing is published yet. Publish a folder with: gatehouse service collection add NAME FOLDER',
  ];
  printResult({ collections: rows }, lines.length === 0 ? none : lines, options);
}

export async function addCollection(name: string, folder: string, options: AddOptions): Promise<void> {
  const collections = await Collections.open(resolvePath(options.data));
  const added = await collections.add({
    name,
    folder: resolvePath(folder),
    allowUpload: options.allowUpload === true,
  });
  printResult(shown(added), [`Published ${added.folder} as "${added.name}".`], options);
  if (options.json !== true) {
    printNote(
      'Confirmed devices and clients with an access token can read every plain file in it, and in its folders.',
    );
  }
}

export async function removeCollection(name: string, options: DataOptions): Promise<void> {
  const collections = await Collections.open(resolvePath(options.data));
  const removed = await collections.remove(name);
  printResult(
    shown(removed),
    [`"${removed.name}" is published no longer. ${removed.folder} stays as it is.`],
    options,
  );
}

function shown(view: Omit<CollectionView, 'problem'>): Omit<CollectionView, 'problem' | 'publishedAt'> & {
  readonly publishedAt: string;
} {
  const { name, folder, allowUpload, publishedAt } = view;
  return { name, folder, allowUpload, publishedAt: new Date(publishedAt).toISOString() };
}
