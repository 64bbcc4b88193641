// Small files that a person names on the command line.
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { resolvePath } from './paths.ts';

/** Bytes of the largest file that any command takes. */
export const maxFileLength = 1024 * 1024;

/** Up to the limit and one byte, so that what parses it can refuse what is larger. @throws `storage_failed` */
export async function readSmallFile(path: string): Promise<Buffer> {
  const resolved = resolvePath(path);
  try {
    const file = await open(resolved, 'r');
    try {
      return await readUpTo(file, maxFileLength + 1);
    } finally {
      await file.close();
    }
  } catch (cause) {
    const message = `${resolved} cannot be read. Check the path and who may read it.`;
    throw new GatehouseError('storage_failed', message, { cause });
  }
}

/** From where the file stands, so that a pipe will do as well. */
async function readUpTo(file: FileHandle, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let read = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, read, length - read, null);
    read += bytesRead;
    if (bytesRead === 0 || read === length) return buffer.subarray(0, read);
  }
}

export async function readTextFile(path: string): Promise<string> {
  return (await readSmallFile(path)).toString('utf8');
}
