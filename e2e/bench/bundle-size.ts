// What of the built page a browser fetches: at first (the frame and what it imports), and in all (every page beside it).
// Read from the built files, whose folder may hold those of older builds.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

export interface BundleSize {
  /** KiB, each file through gzip by itself at its best, as a server would send them. */
  readonly firstKib: number;
  readonly allKib: number;
  /** Of the largest file, not packed. */
  readonly largestKib: number;
}

const statics = /(?:\bfrom|\bimport)\s*["']\.\/([\w.-]+\.(?:js|css))["']/g;
const any = /["'](?:\.\/|assets\/)([\w.-]+\.(?:js|css))["']/g;

/** @param folder with index.html and assets */
export function bundleSize(folder: string): BundleSize {
  const read = (name: string) => readFileSync(join(folder, 'assets', name));
  const entries = namesIn(readFileSync(join(folder, 'index.html'), 'utf8'), /assets\/([\w.-]+\.(?:js|css))/g);
  const reach = (pattern: RegExp) => {
    const found = new Set<string>(entries);
    for (const name of found) {
      if (!name.endsWith('.js')) continue;
      for (const next of namesIn(read(name).toString('utf8'), pattern)) {
        if (existsSync(join(folder, 'assets', next))) found.add(next);
      }
    }
    return [...found];
  };
  const packed = (names: readonly string[]) =>
    names.reduce((sum, name) => sum + gzipSync(read(name), { level: 9 }).length, 0) / 1024;
  const all = reach(any);
  return {
    firstKib: packed(reach(statics)),
    allKib: packed(all),
    largestKib: Math.max(...all.map((name) => read(name).length)) / 1024,
  };
}

function namesIn(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, name = '']) => name);
}
