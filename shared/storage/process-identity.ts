// Names a process so that a lock left behind by a dead one can be told from a living one's.
// A pid alone is not enough: pids are reused, and after a restart of a container the same pid comes
// back. Where the system tells the start time it belongs to the name. Never kills anything.
// Bound: all processes on a data folder must share one pid namespace (one machine or container).
import { readFile } from 'node:fs/promises';

export interface ProcessIdentity {
  readonly pid: number;
  /** Boot id and start time in clock ticks since boot; null where the system does not tell (not Linux). */
  readonly started: string | null;
}

let own: Promise<ProcessIdentity> | undefined;

/** This process. */
export function ownIdentity(): Promise<ProcessIdentity> {
  own ??= startOf(process.pid).then((start) => ({ pid: process.pid, started: start?.started ?? null }));
  return own;
}

/** Whether the process that `identity` names still runs. In doubt: true. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  if (!exists(identity.pid)) return false;
  const start = await startOf(identity.pid);
  if (start === null) return true;
  // A zombie has ended (kill -9) and only waits for its parent to read its exit code.
  if (start.state === 'Z' || start.state === 'X') return false;
  return identity.started === null || identity.started === start.started;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** From proc(5), /proc/PID/stat: field 3 is the state, field 22 the start time. */
async function startOf(pid: number): Promise<{ state: string; started: string } | null> {
  try {
    const stat = await readFile(`/proc/${String(pid)}/stat`, 'latin1');
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'latin1');
    // The command name (field 2) may hold spaces and brackets; the fields resume after the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, ticks] = [fields[0], fields[19]];
    return state === undefined || ticks === undefined ? null : { state, started: `${boot.trim()}/${ticks}` };
  } catch {
    return null;
  }
}
