// From the folder of a collection to one document in it, part by part.
import { PublishedFolder } from './published-folder.ts';
import type { OpenedDocument, Opening } from './published-folder.ts';

export interface Below {
  readonly folder: PublishedFolder;
  /** As the folders on the way are called on disk. */
  readonly folders: readonly string[];
}

/** Runs `act` in the folder that holds a document of this name, and closes it. @throws GatehouseError `document_unknown`, `collection_folder_invalid`, `storage_failed` */
export async function inFolderOf<T>(
  root: string,
  parts: readonly string[],
  act: (below: Below, lastPart: string) => Promise<T>,
  opening?: Opening,
): Promise<T> {
  let folder = await PublishedFolder.open(root, opening);
  const folders: string[] = [];
  try {
    for (const part of parts.slice(0, -1)) {
      const next = await folder.enter(part);
      await folder.close();
      folder = next.folder;
      folders.push(next.name);
    }
    return await act({ folder, folders }, parts.at(-1) ?? '');
  } finally {
    await folder.close();
  }
}

/** Opens one document; its name as it is on disk. @throws GatehouseError as `inFolderOf` */
export function openDocument(
  root: string,
  parts: readonly string[],
  opening?: Opening,
): Promise<OpenedDocument> {
  const act = async ({ folder, folders }: Below, last: string): Promise<OpenedDocument> => {
    const opened = await folder.openFile(last);
    return { ...opened, name: [...folders, opened.name].join('/') };
  };
  return inFolderOf(root, parts, act, opening);
}
