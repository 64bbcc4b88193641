// Holds every import in the sources against the table of DESIGN.md (import-table.ts) and says what breaks it.
// What it does not know (a folder, a package, a computed name) is a violation, never a pass.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, posix } from 'node:path';
import { beside, openToAll, rooms, rows, topLevel, type Row } from './import-table.ts';
import { importsOf } from './imports-of.ts';

export interface SourceFile {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** The folders of code that the table is about. */
const checked = topLevel.filter((folder) => folder !== 'build');

/** All `.ts` and `.svelte` files of the checked folders. */
export function readSources(root: string): SourceFile[] {
  return checked.flatMap((folder) => filesIn(root, folder)).map((path) => ({ path, text: read(root, path) }));
}

function read(root: string, path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function filesIn(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(ts|svelte)$/.test(entry.name))
    .map((entry) => posix.join(entry.parentPath.slice(root.length).replace(/^\//, ''), entry.name))
    .sort();
}

/** A sentence for each import that the table does not have: file, line, the import, the rule. */
export function violations(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const row = rowOf(path);
    if (row === undefined) return [`${path}: its folder has no row in the table.`];
    return importsOf(path, text).flatMap(({ specifier, line }) => {
      const reason = specifier === undefined ? computed : objection(path, row, specifier);
      return reason === undefined ? [] : [`${path}:${line} imports ${quoted(specifier)}: ${reason}`];
    });
  });
}

const computed = 'a computed name cannot be checked; write it as a plain string.';

function quoted(specifier: string | undefined): string {
  return specifier === undefined ? 'a computed name' : `'${specifier}'`;
}

function objection(path: string, row: Row, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return objectionToFile(path, row, specifier);
  if (isBuiltin(specifier)) return objectionToNode(row, specifier);
  return objectionToPackage(path, row, packageOf(specifier));
}

function objectionToFile(path: string, row: Row, specifier: string): string | undefined {
  const target = posix.join(posix.dirname(path), specifier);
  if (isTest(target)) return 'no file may import a test.';
  if (target === openToAll) return undefined;
  const to = target.startsWith('out/') ? 'out' : rowOf(target)?.from;
  if (to === undefined) return `${target} lies in no folder of the table.`;
  if (to === row.from || row.folders.includes(to)) return undefined;
  if (isTest(path) && beside.folders.includes(to)) return undefined;
  return `${row.from} may not import ${to}; ${allowed(row.folders, 'no other folder')}.`;
}

function objectionToNode(row: Row, specifier: string): string | undefined {
  if (!specifier.startsWith('node:')) return `write it as 'node:${specifier}'.`;
  return row.node ? undefined : `${row.from} may not import node:*.`;
}

function objectionToPackage(path: string, row: Row, name: string): string | undefined {
  const room = rooms.find((entry) => path.startsWith(`${entry.in}/`));
  const packages = [...row.packages, ...(room?.packages ?? []), ...(isTest(path) ? beside.packages : [])];
  if (packages.includes(name)) return undefined;
  const home = rooms.find((entry) => entry.packages.includes(name) && entry.in.startsWith(`${row.from}/`));
  if (home !== undefined) return `${name} belongs in ${home.in} alone.`;
  if (!isKnown(name)) return `the table does not know the package ${name}.`;
  return `${row.from} may not import ${name}; ${allowed(packages, 'no package')}.`;
}

function allowed(names: readonly string[], none: string): string {
  return `it may import ${names.length === 0 ? none : names.join(', ')}`;
}

function isKnown(name: string): boolean {
  return [...rows, ...rooms, beside].some((entry) => entry.packages.includes(name));
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts');
}

/** The row with the deepest folder that holds `path`. */
function rowOf(path: string): Row | undefined {
  const holding = rows.filter((row) => path.startsWith(`${row.from}/`));
  return holding.sort((a, b) => b.from.length - a.from.length)[0];
}

/** `@scope/name/file` and `name/file` without the file. */
function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}

/** Dependencies that no file imports and that `exempt` does not name. A type package counts with its package. */
export function unusedDependencies(
  dependencies: readonly string[],
  files: readonly SourceFile[],
  exempt: readonly string[],
): string[] {
  const imported = new Set(['node']);
  for (const { path, text } of files) {
    for (const { specifier } of importsOf(path, text))
      if (specifier !== undefined) imported.add(packageOf(specifier));
  }
  return dependencies.filter(
    (name) => !exempt.includes(name) && !imported.has(name.replace(/^@types\//, '')),
  );
}
