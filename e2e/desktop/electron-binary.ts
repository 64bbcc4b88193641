// Whether a real Electron is here: read from the path.txt of its package. The package itself must never be loaded in a
// test, because that would try to download the binary.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../support/home.ts';

const electronPackage = join(repository, 'node_modules/electron');

/** Null where there is none. */
export function electronBinary(): string | null {
  const pathFile = join(electronPackage, 'path.txt');
  if (!existsSync(pathFile)) return null;
  const binary = join(electronPackage, 'dist', readFileSync(pathFile, 'utf8').trim());
  return existsSync(binary) ? binary : null;
}

/** What a run prints: which of the two its specs ran on. */
export function ranOn(binary: string | null): string {
  return binary === null
    ? 'Desktop specs: on the stand-in for Electron (no Electron binary here). What it does not cover: e2e/desktop/stand-in/register.ts'
    : `Desktop specs: on the real Electron ${binary}; what only the stand-in can steer is skipped.`;
}
