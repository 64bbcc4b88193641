// Are the npm packages of the lock file installed, and installing them where they are not.
// Must run on Node 20 without node_modules, and never write to stdout: that belongs to the program started next.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The Node that everything runs on, from the npm package `node`. */
export function pinnedNode(root) {
  return join(root, 'node_modules', '.bin', 'node');
}

/**
 * True where node_modules holds what package-lock.json says. npm writes node_modules/.package-lock.json as the last
 * step of an install, so an interrupted one is never current.
 */
export function packagesAreCurrent(root) {
  const wanted = packagesIn(join(root, 'package-lock.json'));
  const installed = packagesIn(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined || installed === undefined || !existsSync(pinnedNode(root))) return false;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = installed[path];
    if (found === undefined ? entry.optional !== true : !isSame(entry, found)) return false;
  }
  return Object.keys(installed).every((path) => path in wanted);
}

function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function isSame(wanted, found) {
  return wanted.version === found.version && wanted.integrity === found.integrity;
}

/** Runs `npm ci`, its output on stderr. Throws an Error with `exitCode` and a message for a person. */
export async function installPackages(root) {
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const exitCode = await run('npm', args, { cwd: root, env: environmentOutside(root) });
  if (exitCode !== 0) {
    throw Object.assign(
      new Error(
        `npm ci failed (exit code ${exitCode}); its own message is above. ` +
          'Check that the npm registry can be reached, then run the same command again.',
      ),
      { exitCode },
    );
  }
  if (packagesAreCurrent(root)) return;
  throw new Error(
    'npm ci ended without the packages of package-lock.json, or without the pinned Node ' +
      '(node_modules/.bin/node). If npm is set to ignore-scripts, run: npm rebuild node --ignore-scripts=false',
  );
}

/** The environment without this project's own node_modules on PATH: npm ci removes the Node that lies there. */
function environmentOutside(root) {
  const own = join(root, 'node_modules', '.bin');
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== own);
  return { ...process.env, PATH: path.join(delimiter) };
}

/** Exit code of a child whose stdout is our stderr; 127 where it cannot be started. */
export function run(program, args, options) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 2, 2] });
    child.once('error', (error) => {
      process.stderr.write(`${program} could not be started: ${error.message}\n`);
      resolve(127);
    });
    child.once('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
  });
}
