// Locks between processes on one folder, by lock files. A lock file appears with its content at once
// (link of a finished file, which fails where the name is taken), names its holder, and outlives it
// harmlessly: a lock whose holder is dead is broken. A living holder's lock is never broken.
import { createHash, randomBytes } from 'node:crypto';
import { link, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { GatehouseError } from '../contracts/errors.ts';
import { isSystemError, readFileIfThere, storageError, temporaryPath, writeNewFile } from './atomic-file.ts';
import { isAlive, ownIdentity } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';

/** How long a short change waits for others, in milliseconds. */
const lockPatienceMs = 5_000;
/** Bounds of the random pause between attempts, in milliseconds. */
const retryPause = { min: 5, max: 40 };
/** How many crashes while breaking a lock may pile up before a person has to look. */
const maxBreakDepth = 4;

/**
 * Runs `change` while no other process (nor other call in this one) holds the lock `name` of `folder`.
 * For changes of milliseconds. Not re-entrant: `change` must not take the same lock again.
 * @throws GatehouseError `data_folder_locked` after 5 s; what `change` throws
 */
export async function withFolderLock<T>(folder: string, name: string, change: () => Promise<T>): Promise<T> {
  const path = lockPath(folder, name);
  const giveUpAt = performance.now() + lockPatienceMs;
  for (;;) {
    const attempt = await tryLock(path);
    if (attempt.held) {
      try {
        return await change();
      } finally {
        await attempt.release();
      }
    }
    if (performance.now() > giveUpAt) throw lockedError(folder, path, attempt.holder);
    await delay(retryPause.min + Math.random() * (retryPause.max - retryPause.min));
  }
}

/**
 * Holds the lock `name` of `folder` until the returned function is called or the process ends, however
 * it ends.
 * @throws GatehouseError `data_folder_in_use` at once where a living process holds it
 */
export async function holdFolder(folder: string, name: string): Promise<() => Promise<void>> {
  const path = lockPath(folder, name);
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const result = await tryLock(path);
    if (result.held) return result.release;
    if (result.holder !== null) throw inUseError(folder, result.holder);
    await delay(retryPause.max);
  }
  throw inUseError(folder, null);
}

type Attempt =
  | { readonly held: true; readonly release: () => Promise<void> }
  /** The holder is null where the lock changed hands while we looked. */
  | { readonly held: false; readonly holder: ProcessIdentity | null };

async function tryLock(path: string, depth = 0): Promise<Attempt> {
  if (await createLock(path)) return { held: true, release: () => removeLock(path) };
  const content = await readFileIfThere(path);
  if (content === null) return { held: false, holder: null };
  const holder = parseHolder(content);
  if (holder !== null && (await isAlive(holder))) return { held: false, holder };
  await breakLock(path, content, depth);
  return (await createLock(path))
    ? { held: true, release: () => removeLock(path) }
    : { held: false, holder: null };
}

/**
 * Removes a dead holder's lock. Two processes must not both do it, or the slower one would remove the
 * faster one's new lock: so whoever breaks holds a lock of its own, named after this very lock's content,
 * and looks again under it.
 */
async function breakLock(path: string, content: Buffer, depth: number): Promise<void> {
  if (depth >= maxBreakDepth) return;
  const generation = createHash('sha256').update(content).digest('hex').slice(0, 16);
  const guard = await tryLock(`${path}.${generation}`, depth + 1);
  if (!guard.held) return;
  try {
    const now = await readFileIfThere(path);
    if (now?.equals(content) === true) await removeLock(path);
  } finally {
    await guard.release();
  }
}

async function createLock(path: string): Promise<boolean> {
  const content = JSON.stringify({ ...(await ownIdentity()), nonce: randomBytes(12).toString('hex') });
  const temporary = temporaryPath(path);
  try {
    await writeNewFile(temporary, content, 0o600);
    await link(temporary, path);
    return true;
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return false;
    throw storageError('locked', path, error);
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}

async function removeLock(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (!isSystemError(error, 'ENOENT')) throw storageError('unlocked', path, error);
  });
}

/** Null where the content makes no sense: that happens only after power loss, so nobody holds it. */
function parseHolder(content: Buffer): ProcessIdentity | null {
  try {
    const value = JSON.parse(content.toString('utf8')) as Partial<ProcessIdentity> | null;
    const { pid, started = null } = value ?? {};
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return null;
    return { pid, started: typeof started === 'string' ? started : null };
  } catch {
    return null;
  }
}

function lockPath(folder: string, name: string): string {
  return join(folder, `.${name}.lock`);
}

function inUseError(folder: string, holder: ProcessIdentity | null): GatehouseError {
  const who = holder === null ? 'Another process' : `Process ${String(holder.pid)}`;
  const message = `${who} already runs on ${folder}. Stop it first, or choose another data folder with --data.`;
  return new GatehouseError('data_folder_in_use', message, { details: { folder, pid: holder?.pid ?? null } });
}

function lockedError(folder: string, path: string, holder: ProcessIdentity | null): GatehouseError {
  const who = holder === null ? 'Another process' : `Process ${String(holder.pid)}`;
  const message = `${who} has been changing ${folder} for more than 5 seconds. Wait for it to end and try again; where no such process is at work, remove ${path}.`;
  return new GatehouseError('data_folder_locked', message, { details: { folder, pid: holder?.pid ?? null } });
}
