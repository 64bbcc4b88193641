// Compiles the console's messages (renderer/messages) into renderer/i18n/compiled, where the renderer, the type check
// and the tests import them. Usage: node build/messages.mjs. Must reach for nothing outside the checkout, and leaves
// the files alone where no message has changed.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile } from '@inlang/paraglide-js';

const root = fileURLToPath(new URL('..', import.meta.url));
const project = join(root, 'renderer/project.inlang');
const outdir = join(root, 'renderer/i18n/compiled');
const stampFile = join(outdir, '.stamp');

function stamp() {
  const digest = createHash('sha256');
  digest.update(readFileSync(join(root, 'node_modules/@inlang/paraglide-js/package.json')));
  digest.update(readFileSync(join(project, 'settings.json')));
  const folder = join(root, 'renderer/messages');
  for (const name of readdirSync(folder, { recursive: true }).sort()) {
    if (name.endsWith('.json')) digest.update(name).update(readFileSync(join(folder, name)));
  }
  return digest.digest('hex');
}

const wanted = stamp();
if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== wanted) {
  const strategy = ['globalVariable', 'baseLocale'];
  await compile({ project, outdir, strategy, emitTsDeclarations: true, isServer: 'false' });
  mkdirSync(outdir, { recursive: true });
  writeFileSync(stampFile, wanted);
}
// The compiler leaves a timer behind that would keep this process for half a minute.
process.exit(0);
