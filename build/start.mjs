// What `npm start` does: opens the desktop app where that can be, else says why in one line and serves the console to
// a browser. `npm start -- --browser` serves it in any case; whatever else is given goes to `gatehouse service`.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { electronBinary, fetchElectron, hasDisplay } from './electron-binary.mjs';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const electron = join(root, 'node_modules', 'electron');
const desktop = join(root, 'out', 'desktop.mjs');
const program = join(root, 'out', 'gatehouse.mjs');

function say(text) {
  process.stderr.write(`gatehouse: ${text}\n`);
}

/** The path of Electron, or why there is no desktop app. */
async function findDesktop(args) {
  if (args.includes('--browser')) return { reason: 'the browser was asked for' };
  if (!hasDisplay(process.env, process.platform)) return { reason: 'there is no display' };
  const there = electronBinary(electron);
  if (there !== null) return { path: there };
  const reason = await fetchElectron(electron, say);
  const path = electronBinary(electron);
  return path === null ? { reason: `Electron is not there: ${reason ?? 'it was not found'}` } : { path };
}

/** Ends as the app ends, and ends it with itself. */
function openDesktop(path, args) {
  const child = spawn(path, [desktop, ...args], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => {
    say(`the desktop app does not start (${error.message})`);
    process.exitCode = 1;
  });
  child.once('exit', (code) => (process.exitCode = code ?? 1));
}

/** In this very process, so that a signal for npm's child is the program's. */
async function serveBrowser(args) {
  process.argv = [process.argv[0], program, 'service', '--console', ...args];
  await import(pathToFileURL(program).href);
}

const given = process.argv.slice(2);
const rest = given.filter((arg) => arg !== '--browser');
const found = await findDesktop(given);
if (found.path !== undefined) openDesktop(found.path, rest);
else {
  say(`no desktop app (${found.reason}); the console is served to a browser instead.`);
  await serveBrowser(rest);
}
