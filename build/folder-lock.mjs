// A lock between processes: whoever makes the folder holds it. For build steps that must not run twice at once.
// Must run on Node 20 without node_modules. It must never wait for a holder that has died: a holder that no
// longer runs, or has not touched its lock for `staleAfterMs`, loses it.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const heartbeatMs = 2_000;
const staleAfterMs = 30_000;
const pollMs = 50;

/**
 * Runs `work` while holding `folder`; waits for another holder first. `onWait(pid)` is called once when it has to.
 * The holder's event loop must stay free, for the heartbeat.
 */
export async function withFolderLock(folder, onWait, work) {
  mkdirSync(dirname(folder), { recursive: true });
  let told = false;
  while (!take(folder)) {
    if (!told) onWait(ownerOf(folder));
    told = true;
    await sleep(pollMs);
  }
  const heartbeat = setInterval(() => touch(folder), heartbeatMs);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    if (ownerOf(folder) === process.pid) rmSync(folder, { recursive: true, force: true });
  }
}

/** True where this process holds the lock now. A stale lock is broken first. */
function take(folder) {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (!isStale(folder)) return false;
    breakLock(folder, ownerOf(folder));
    return take(folder);
  }
  writeFileSync(join(folder, 'owner'), String(process.pid));
  return true;
}

function isStale(folder) {
  try {
    if (Date.now() - statSync(folder).mtimeMs > staleAfterMs) return true;
  } catch {
    return false; // released a moment ago
  }
  const owner = ownerOf(folder);
  return owner !== undefined && !isRunning(owner);
}

/** Two waiters may break at once: the second would remove the first one's new lock, so it looks and puts it back. */
function breakLock(folder, staleOwner) {
  const aside = `${folder}.stale-${process.pid}`;
  try {
    renameSync(folder, aside);
    if (ownerOf(aside) === staleOwner) rmSync(aside, { recursive: true, force: true });
    else renameSync(aside, folder);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

function ownerOf(folder) {
  try {
    return Number.parseInt(readFileSync(join(folder, 'owner'), 'utf8'), 10) || undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function touch(folder) {
  try {
    utimesSync(folder, new Date(), new Date());
  } catch {
    // Somebody took a lock that looked stale; the work is written so that this costs time, not files.
  }
}
