// Small files that a person names on the command line.
import { open } from 'node:fs/promises';
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
      const { bytesRead, buffer } = await file.read(Buffer.alloc(maxFileLength + 1), 0, maxFileLength + 1, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    const message = `${resolved} cannot be read. Check the path and who may read it.`;
    throw new GatehouseError('storage_failed', message, { cause });
  }
}

export async function readTextFile(path: string): Promise<string> {
  return (await readSmallFile(path)).toString('utf8');
}
