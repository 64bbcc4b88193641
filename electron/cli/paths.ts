// Paths that a person types, and the folders where things are by default.
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * A path as the person meant it: relative to where they called. npm runs scripts in the project's
 * folder and keeps the caller's in INIT_CWD.
 */
export function resolvePath(path: string): string {
  const caller = process.env.npm_lifecycle_event === 'gatehouse' ? process.env.INIT_CWD : undefined;
  return resolve(caller ?? process.cwd(), path);
}

/** `~/.gatehouse/<name>`; GATEHOUSE_HOME stands in for `~/.gatehouse`. */
export function defaultFolder(name: 'service' | 'relay' | 'client' | 'trial'): string {
  return join(process.env.GATEHOUSE_HOME ?? join(homedir(), '.gatehouse'), name);
}
