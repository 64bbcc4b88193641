// Electron's own program: is it there, and fetching it where it is not. Its npm package loads it at first use, so
// nothing here may load that package: whether it is there is read from the package's path.txt.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Given up after so long without a byte, in milliseconds. */
const quietMs = 10_000;
const lookMs = 500;
const mebibyte = 1024 * 1024;

/** Whether a window can be shown. */
export function hasDisplay(env, platform) {
  if (platform === 'darwin' || platform === 'win32') return true;
  return Boolean(env.DISPLAY) || Boolean(env.WAYLAND_DISPLAY);
}

/** The path of the program, or null where it is not there. */
export function electronBinary(packageFolder, env = process.env) {
  try {
    const name = readFileSync(join(packageFolder, 'path.txt'), 'utf8').trim();
    const path = join(env.ELECTRON_OVERRIDE_DIST_PATH || join(packageFolder, 'dist'), name);
    return name !== '' && existsSync(path) ? path : null;
  } catch {
    return null;
  }
}

/** Fetches it with the package's own installer; null once it is there, else why not, for a person. */
export async function fetchElectron(packageFolder, say, patienceMs = quietMs) {
  const installer = join(packageFolder, 'install.js');
  if (!existsSync(installer)) return 'its npm package is not installed';
  // The download lands here first: its growth is the progress.
  const download = mkdtempSync(join(tmpdir(), 'gatehouse-electron-'));
  try {
    return await install(installer, [download, join(packageFolder, 'dist')], say, patienceMs);
  } finally {
    rmSync(download, { recursive: true, force: true });
  }
}

function install(installer, folders, say, patienceMs) {
  const child = spawn(process.execPath, [installer], {
    stdio: 'ignore',
    env: { ...process.env, TMPDIR: folders[0], TEMP: folders[0], TMP: folders[0] },
  });
  return new Promise((resolve) => {
    let bytes = 0;
    let grownAt = Date.now();
    let given = null;
    const timer = setInterval(() => {
      const now = folders.reduce((sum, folder) => sum + bytesBelow(folder), 0);
      if (now > bytes) {
        say(`fetching Electron: ${Math.round(now / mebibyte)} MiB`);
        [bytes, grownAt] = [now, Date.now()];
      } else if (Date.now() - grownAt > patienceMs) {
        given = `nothing of it has come for ${patienceMs / 1000} s`;
        child.kill('SIGKILL');
      }
    }, lookMs);
    const end = (reason) => {
      clearInterval(timer);
      resolve(given ?? reason);
    };
    child.once('error', () => end('its installer does not start'));
    child.once('exit', (code) => end(code === 0 ? null : 'it cannot be fetched'));
  });
}

/** Files come and go while they are counted. */
function bytesBelow(folder) {
  try {
    const names = readdirSync(folder, { recursive: true });
    return names.reduce((sum, name) => sum + sizeOf(join(folder, name)), 0);
  } catch {
    return 0;
  }
}

function sizeOf(path) {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isFile() === true ? stats.size : 0;
}
