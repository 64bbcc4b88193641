// Files of a folder, for tests that ask whether any was changed, is too open, or holds what it must not.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

export interface FoundFile {
  /** Relative to the folder that was walked. */
  readonly name: string;
  /** Permission bits. */
  readonly mode: number;
  readonly isFolder: boolean;
  readonly content: Buffer;
}

/** Everything in `folder` and below; a file that goes away meanwhile is left out. */
export function filesBelow(folder: string): FoundFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const path = join(entry.parentPath, entry.name);
    if (!existsSync(path)) return [];
    const isFolder = entry.isDirectory();
    const content = isFolder ? Buffer.alloc(0) : readFileSync(path);
    return [{ name: relative(folder, path), mode: statSync(path).mode & 0o777, isFolder, content }];
  });
}

/** Name, mode and digest of everything in `folder`. */
export function digestOf(folder: string): Record<string, string> {
  const files = filesBelow(folder).map(({ name, mode, content }) => [
    name,
    `${mode.toString(8)} ${createHash('sha256').update(content).digest('hex')}`,
  ]);
  return Object.fromEntries(files) as Record<string, string>;
}
