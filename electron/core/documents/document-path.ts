// From the folder of a collection to the folder of one document in it, part by part.
import { PublishedFolder } from './published-folder.ts';
import type { OpenedDocument, Opening } from './published-folder.ts';

export interface Below {
  /** Open: who asked for it closes it. */
  readonly folder: PublishedFolder;
  /** As the folders on the way are called on disk. */
  readonly folders: readonly string[];
}

/** @throws GatehouseError `document_unknown`, `collection_folder_invalid`, `storage_failed` */
export async function enterFolders(
  root: string,
  parts: readonly string[],
  opening?: Opening,
): Promise<Below> {
  let folder = await PublishedFolder.open(root, opening);
  const folders: string[] = [];
  try {
    for (const part of parts) {
      const next = await folder.enter(part);
      await folder.close();
      folder = next.folder;
      folders.push(next.name);
    }
    return { folder, folders };
  } catch (error) {
    await folder.close();
    throw error;
  }
}

/** Opens one document; its name as it is on disk. @throws GatehouseError as `enterFolders` */
export async function openDocument(
  root: string,
  parts: readonly string[],
  opening?: Opening,
): Promise<OpenedDocument> {
  const { folder, folders } = await enterFolders(root, parts.slice(0, -1), opening);
  try {
    const opened = await folder.openFile(parts.at(-1) ?? '');
    return { ...opened, name: [...folders, opened.name].join('/') };
  } finally {
    await folder.close();
  }
}
