// Refuses files with secrets that other people on the machine can read.
// It must never repair a mode silently: whoever could read the secret may have done so.
import { stat } from 'node:fs/promises';
import { GatehouseError } from '../contracts/errors.ts';
import { storageError } from './atomic-file.ts';

/**
 * Checks that neither group nor others have any access to `path`. Windows has no such bits: no check.
 * @throws GatehouseError `file_too_open`; `storage_failed` where there is no such file
 */
export async function assertPrivate(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  let mode: number;
  try {
    ({ mode } = await stat(path));
  } catch (error) {
    throw storageError('checked', path, error);
  }
  if ((mode & 0o077) === 0) return;
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  const message = `${path} holds a secret and others can get at it (mode ${octal}). Run: chmod 600 ${path}`;
  throw new GatehouseError('file_too_open', message, { details: { path, mode: octal } });
}
