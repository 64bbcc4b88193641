// Which temporary files of uploads lie in published folders: noted before they are made, so that what a killed process
// left there is removed at the next start. Must never remove anything but such a file.
import { randomBytes } from 'node:crypto';
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import {
  ensurePrivateFolder,
  readFileIfThere,
  removeFileIfThere,
  writeFileAtomic,
} from '../../../shared/storage/atomic-file.ts';
import { enterFolders } from './document-path.ts';
import type { PublishedFolder } from './published-folder.ts';

const entrySchema = v.strictObject({
  v: v.literal(1),
  /** Of the collection. */
  folder: v.string(),
  /** Folders below it, as they are on disk. */
  folders: v.array(v.string()),
});

/** Hidden, so no document. */
const temporaryName = (id: string): string => `.gatehouse-upload-${id}.tmp`;

export interface JournalEntry {
  readonly temporary: string;
  /** Once the temporary file is gone. */
  remove(): Promise<void>;
}

export class UploadJournal {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Removes what earlier uploads left. @throws GatehouseError `storage_failed` */
  static async open(folder: string): Promise<UploadJournal> {
    await ensurePrivateFolder(folder);
    for (const name of await readdir(folder)) {
      const id = /^([A-Za-z0-9_-]{32})\.json$/.exec(name)?.[1];
      if (id !== undefined) await sweep(join(folder, name), id);
    }
    return new UploadJournal(folder);
  }

  /** @throws GatehouseError `storage_failed` */
  async add(folder: string, folders: readonly string[]): Promise<JournalEntry> {
    const id = randomBytes(24).toString('base64url');
    const path = join(this.#folder, `${id}.json`);
    await writeFileAtomic(path, `${JSON.stringify({ v: 1, folder, folders })}\n`);
    return { temporary: temporaryName(id), remove: () => removeFileIfThere(path) };
  }
}

/** What cannot be removed now (a disk that is not there) is tried again at the next start. */
async function sweep(path: string, id: string): Promise<void> {
  try {
    const bytes = await readFileIfThere(path);
    const { folder, folders } = v.parse(entrySchema, JSON.parse(String(bytes)));
    const below = await enterFolders(folder, folders);
    await unlinkIfFile(below.folder, temporaryName(id)).finally(() => below.folder.close());
    await removeFileIfThere(path);
  } catch {
    // It stays noted.
  }
}

async function unlinkIfFile(folder: PublishedFolder, name: string): Promise<void> {
  if ((await folder.look(name))?.isFile() === true) await unlink(join(folder.path, name));
}
