// Bundles a page's script on top of the session protocol, for tests and bench. Usage: node build/device-page.mjs ENTRY FILE.
// It builds what a browser runs, so a node:* that crept in fails here: the platform is the browser.
import { rolldown } from 'rolldown';

const [input, file] = process.argv.slice(2);
if (input === undefined || file === undefined) {
  throw new Error('Name the script and the file to write: node build/device-page.mjs ENTRY FILE');
}

const bundle = await rolldown({
  input,
  platform: 'browser',
  tsconfig: false,
  onLog: (level, log, handle) => handle(log.code === 'UNRESOLVED_IMPORT' ? 'error' : level, log),
});
await bundle.write({ file, format: 'esm' });
await bundle.close();
