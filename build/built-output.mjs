// Is out/ made from the sources as they are now, and making it where it is not.
// Must run on Node 20 without node_modules. A reader of out/ must never meet half a build: files are made aside
// and renamed in, chunks (named by their content) before the entries that load them, the stamp last.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { pinnedNode, run } from './packages.mjs';

/** What a build depends on: folders with everything in them but tests, and single files. */
const sources = [
  'shared',
  'electron',
  'renderer',
  ...['bundle', 'messages', 'renderer', 'renderer-config'].map((name) => `build/${name}.mjs`),
  'build/icons/run-time',
  'package.json',
  'node_modules/.package-lock.json',
];

/** Made by the build itself, inside a source folder. */
const made = 'renderer/i18n/compiled';

/** A chunk of an earlier build stays this long: a program that is running may still load it. */
const oldChunkLifetimeMs = 24 * 60 * 60 * 1000;
const leftover = /^chunk-|^\.staging-|^renderer\/assets\//;

/** Named by their content. */
const hashed = /^chunk-|^renderer\/assets\//;

/** A digest of names, sizes and times of all sources. Reads no source file: it runs before every command. */
export function sourceStamp(root) {
  const digest = createHash('sha256');
  for (const source of sources) addToDigest(root, source, digest);
  return digest.digest('hex');
}

function addToDigest(root, path, digest) {
  const stats = statSync(join(root, path), { throwIfNoEntry: false });
  if (stats === undefined || path.endsWith('.test.ts') || path === made) return;
  if (!stats.isDirectory()) {
    digest.update(`${path}\n${stats.mtimeMs}\n${stats.size}\n`);
    return;
  }
  for (const name of readdirSync(join(root, path)).sort()) addToDigest(root, `${path}/${name}`, digest);
}

export function outputIsCurrent(root, stamp) {
  const out = join(root, 'out');
  if (!existsSync(join(out, 'gatehouse.mjs'))) return false;
  try {
    return readFileSync(join(out, '.built'), 'utf8') === stamp;
  } catch {
    return false;
  }
}

/**
 * Builds into out/. `clean`: afterwards nothing of older builds is in it, not even what a running program may still load;
 * for packing. Throws an Error for a person; out/ is then as it was.
 */
export async function buildOutput(root, stamp, { clean = false } = {}) {
  const out = join(root, 'out');
  const staging = join(out, `.staging-${process.pid}`);
  let published = [];
  mkdirSync(staging, { recursive: true });
  try {
    await step(root, ['build/messages.mjs']);
    await Promise.all([
      step(root, ['build/bundle.mjs', staging]),
      step(root, ['build/renderer.mjs', join(staging, 'renderer')]),
    ]);
    writeFileSync(join(staging, '.built'), stamp);
    published = publish(staging, out);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  if (clean) removeAllBut(published, out);
  else removeLeftovers(out);
}

async function step(root, args) {
  const exitCode = await run(pinnedNode(root), args, { cwd: root });
  if (exitCode !== 0) throw new Error(`The build failed in ${args[0]}; its message is above.`);
}

function publish(staging, out) {
  const order = (path) => (path === '.built' ? 2 : hashed.test(path) ? 0 : 1);
  const paths = filesIn(staging).sort((a, b) => order(a) - order(b));
  for (const path of paths) {
    mkdirSync(join(out, dirname(path)), { recursive: true });
    renameSync(join(staging, path), join(out, path));
  }
  return paths;
}

function removeAllBut(published, out) {
  const kept = new Set(published);
  for (const path of filesIn(out)) {
    if (!kept.has(path) && !path.startsWith('.lock/')) rmSync(join(out, path));
  }
}

/** Paths below `folder`, with forward slashes. */
function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
}

function removeLeftovers(out) {
  const oldest = Date.now() - oldChunkLifetimeMs;
  const assets = join(out, 'renderer/assets');
  const hashedAssets = existsSync(assets) ? readdirSync(assets) : [];
  const names = [...readdirSync(out), ...hashedAssets.map((name) => `renderer/assets/${name}`)];
  for (const name of names) {
    const stats = statSync(join(out, name), { throwIfNoEntry: false });
    if (!leftover.test(name) || stats === undefined || stats.mtimeMs > oldest) continue;
    rmSync(join(out, name), { recursive: true, force: true });
  }
}
