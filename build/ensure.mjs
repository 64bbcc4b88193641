// Run before every npm script: installs the packages of the lock file where they are missing, and builds out/
// where a source has changed. `--packages` stops after the packages, `--build` builds in any case, `--clean` does and
// leaves nothing of older builds.
// Must run on Node 20 without node_modules, cost little when there is nothing to do, and never write to stdout.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildOutput, outputIsCurrent, sourceStamp } from './built-output.mjs';
import { withFolderLock } from './folder-lock.mjs';
import { installPackages, packagesAreCurrent } from './packages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const flags = new Set(process.argv.slice(2));

function say(text) {
  process.stderr.write(`gatehouse: ${text}\n`);
}

/** Does `work` alone among all processes on this checkout, unless `isDone()` by the time its turn comes. */
async function once(isDone, work) {
  const onWait = (pid) =>
    say(`waiting for another build of this checkout${pid ? ` (process ${pid})` : ''} …`);
  await withFolderLock(join(root, 'out', '.lock'), onWait, async () => {
    if (!isDone()) await work();
  });
}

async function ensurePackages() {
  const isDone = () => packagesAreCurrent(root);
  if (isDone()) return;
  await once(isDone, async () => {
    say('installing the packages of package-lock.json (npm ci) …');
    await installPackages(root);
  });
}

async function ensureOutput() {
  const isDone = () => outputIsCurrent(root, sourceStamp(root));
  const clean = flags.has('--clean');
  const forced = clean || flags.has('--build');
  if (!forced && isDone()) return;
  await once(
    () => !forced && isDone(),
    async () => {
      const started = performance.now();
      // Taken before the build reads anything: a source changed meanwhile makes the next run build again.
      await buildOutput(root, sourceStamp(root), { clean });
      say(`built out/ in ${Math.round(performance.now() - started)} ms`);
    },
  );
}

try {
  await ensurePackages();
  if (!flags.has('--packages')) await ensureOutput();
} catch (error) {
  say(error.message);
  process.exitCode = error.exitCode ?? 1;
}
