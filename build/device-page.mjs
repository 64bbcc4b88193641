// Bundles the session protocol with its vectors for a page of the tests. Usage: node build/device-page.mjs FILE.
// It builds what a browser runs, so a node:* that crept in fails here: the platform is the browser.
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const file = process.argv[2];
if (file === undefined) throw new Error('Name the file to write: node build/device-page.mjs FILE');

const bundle = await rolldown({
  input: fileURLToPath(new URL('../shared/testing/device-page.ts', import.meta.url)),
  platform: 'browser',
  tsconfig: false,
  onLog: (level, log, handle) => handle(log.code === 'UNRESOLVED_IMPORT' ? 'error' : level, log),
});
await bundle.write({ file, format: 'esm' });
await bundle.close();
