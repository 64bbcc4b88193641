// The one bundler step: every program of Gatehouse from its TypeScript entry to plain JavaScript.
// Usage: node build/bundle.mjs FOLDER (build/ensure.mjs calls it). Everything lands flat in FOLDER, because a program
// finds its siblings by `new URL('./inspector-worker.mjs', import.meta.url)`. It must never bundle native code.
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** One line a program: the name of its file in FOLDER without `.mjs`, and its entry. */
const programs = {
  gatehouse: 'electron/cli/main.ts',
  'inspector-worker': 'electron/core/inspector/worker.ts',
  'inspector-reader': 'electron/core/inspector/reader/reader.ts',
  desktop: 'electron/desktop/main.ts',
  'built-in-relay': 'electron/cli/built-in-relay.ts',
};

/** Electron loads a sandboxed preload as one CommonJS file. */
const preload = 'electron/preload/preload.ts';

/**
 * Loaded from node_modules at run time: native, looked for by `ws` and allowed to be absent, or (oidc-provider) for
 * trials from a checkout alone and not made to be bundled.
 */
const external = ['better-sqlite3', 'bufferutil', 'utf-8-validate', 'electron', 'oidc-provider'];

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = process.argv[2];
if (folder === undefined) throw new Error('Name the folder to build into: node build/bundle.mjs FOLDER');

const bundle = await rolldown({
  input: Object.fromEntries(Object.entries(programs).filter(([, entry]) => existsSync(join(root, entry)))),
  cwd: root,
  platform: 'node',
  external,
  tsconfig: false,
});
await bundle.write({
  dir: folder,
  format: 'esm',
  sourcemap: true,
  entryFileNames: '[name].mjs',
  chunkFileNames: 'chunk-[name]-[hash].mjs',
});
await bundle.close();

if (existsSync(join(root, preload))) {
  const preloadBundle = await rolldown({
    input: join(root, preload),
    cwd: root,
    external: ['electron'],
    tsconfig: false,
  });
  await preloadBundle.write({ file: join(folder, 'preload.cjs'), format: 'cjs', sourcemap: true });
  await preloadBundle.close();
}

/** The example page of device sessions, for browsers: three files, served by `gatehouse relay --trial-app`. */
const example = join(root, 'shared/device/example');
if (existsSync(join(example, 'app.ts'))) {
  const page = await rolldown({
    input: join(example, 'app.ts'),
    cwd: root,
    platform: 'browser',
    tsconfig: false,
  });
  const file = join(folder, 'trial-app/app.js');
  await page.write({ file, format: 'esm', sourcemap: true, codeSplitting: false });
  await page.close();
  for (const name of ['index.html', 'style.css'])
    cpSync(join(example, name), join(folder, 'trial-app', name));
}

/** Read by the desktop at run time. */
cpSync(join(root, 'build/icons/run-time'), join(folder, 'icons'), { recursive: true });
