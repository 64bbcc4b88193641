// Files that are either the old one or the new one, whatever happens in between: power loss,
// kill -9, a full disk. Modes are never wider than asked for. This file must never leave a
// half-written file under a name that somebody reads, nor put file contents into an error.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { GatehouseError } from '../contracts/errors.ts';

/** No file of ours that is read whole comes near this; a larger one is refused unread. */
const defaultMaxBytes = 1024 * 1024;

export interface WriteOptions {
  /** Permission bits; default 0600. */
  readonly mode?: number;
}

/**
 * Replaces `path` durably: temporary file in the same folder, sync, rename, sync of the folder.
 * When it resolves, the new content survives power loss; when it rejects, the old file is untouched.
 * @throws GatehouseError `storage_failed`
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  { mode = 0o600 }: WriteOptions = {},
): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    await writeNewFile(temporary, data, mode);
    await renameDurably(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw storageError('written', path, error);
  }
}

/** A name that no listing of ours takes for content: it begins with a dot, and is never reused. */
export function temporaryPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(8).toString('hex')}.tmp`);
}

/** Creates `path`, which must not exist, and syncs it. Throws raw system errors: for this folder alone. */
export async function writeNewFile(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    // open() applies the umask to the mode; the mode asked for is the one that is wanted.
    await file.chmod(mode);
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Renames within one folder so that it survives power loss. @throws GatehouseError `storage_failed` */
export async function renameDurably(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
    await syncFolder(dirname(to));
  } catch (error) {
    throw storageError('replaced', to, error);
  }
}

/** Removes `path` durably; a file that is not there is fine. @throws GatehouseError `storage_failed` */
export async function removeFileIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
    await syncFolder(dirname(path));
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw storageError('removed', path, error);
  }
}

/**
 * The whole file, or null where there is none.
 * @throws GatehouseError `storage_failed`, also for a file larger than `maxBytes`
 */
export async function readFileIfThere(path: string, maxBytes = defaultMaxBytes): Promise<Buffer | null> {
  let file: FileHandle | undefined;
  try {
    // Without O_NONBLOCK a named pipe put in the file's place would block for ever.
    file = await open(path, constants.O_RDONLY | nonBlocking);
    return await readBounded(file, path, maxBytes);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return null;
    throw storageError('read', path, error);
  } finally {
    await file?.close();
  }
}

const nonBlocking = process.platform === 'win32' ? 0 : constants.O_NONBLOCK;

async function readBounded(file: FileHandle, path: string, maxBytes: number): Promise<Buffer> {
  const status = await file.stat();
  if (!status.isFile())
    throw new GatehouseError('storage_failed', `${path} is not a plain file. Move it away.`);
  // The size is only a hint: the file may grow while it is read.
  const buffer = Buffer.alloc(Math.min(status.size, maxBytes) + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
  }
  if (length <= maxBytes) return readBounded(file, path, maxBytes);
  const message = `${path} is larger than the ${String(maxBytes)} bytes that such a file may have. Check that it is the right file.`;
  throw new GatehouseError('storage_failed', message, { details: { path, maxBytes } });
}

/** Makes the folder (and those above it), and sees to it that its mode is 0700. @throws GatehouseError `storage_failed` */
export async function ensurePrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const folder = await open(path, constants.O_RDONLY);
    try {
      const { mode } = await folder.stat();
      if ((mode & 0o777) !== 0o700 && process.platform !== 'win32') await folder.chmod(0o700);
    } finally {
      await folder.close();
    }
  } catch (error) {
    throw storageError('made private', path, error);
  }
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot sync a folder; its rename is journalled.
  if (process.platform === 'win32') return;
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

const advice: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full. Free some space and try again.',
  EDQUOT: 'The disk quota is used up. Free some space and try again.',
  EROFS: 'The file system is read-only. Mount it writable, or choose another data folder.',
  EACCES: 'Permission is denied. Run as the owner of the data folder, or correct its permissions.',
  EPERM: 'Permission is denied. Run as the owner of the data folder, or correct its permissions.',
  EMFILE: 'Too many files are open. Raise the limit (ulimit -n) and try again.',
  ENFILE: 'Too many files are open on this machine. Try again later.',
  EIO: 'The disk reports an error. Check it, and keep a copy of the data folder.',
  ENOENT: 'The folder is not there. Check the path.',
  ENOTDIR: 'A part of the path is a file, not a folder. Check the path.',
  EISDIR: 'A folder stands where a file should be. Move it away.',
  EEXIST: 'A file stands where a folder should be. Move it away.',
};

/** `error` as `storage_failed` that names the path and says what to do; GatehouseErrors pass unchanged. */
export function storageError(doing: string, path: string, error: unknown): GatehouseError {
  if (error instanceof GatehouseError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const next = advice[code] ?? 'Check the disk and the permissions of the folder, and try again.';
  const message = `${path} could not be ${doing} (${code}). ${next}`;
  return new GatehouseError('storage_failed', message, { cause: error, details: { path, systemCode: code } });
}
