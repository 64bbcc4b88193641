// What the kernel says about processes, from /proc: which are left, what their arguments show, what memory they take.
// It must never signal a process.
import { readFileSync, readdirSync } from 'node:fs';

export interface RunningProcess {
  readonly pid: number;
  /** Arguments, joined by spaces. */
  readonly commandLine: string;
}

/** Living processes that have `NAME=value` of `variable` in their environment; zombies have none. */
export function processesWith(variable: string): RunningProcess[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .filter((pid) => readProc(pid, 'environ').split('\0').includes(variable))
    .map((pid) => ({
      pid: Number(pid),
      commandLine: readProc(pid, 'cmdline').replaceAll('\0', ' ').trim(),
    }));
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readProc(String(pid), 'status'));
  if (match === null) throw new Error(`There is no process ${pid} to measure.`);
  return Number(match[1]) * 1024;
}

/** The most resident memory that it has had so far, in bytes; 0 where it has ended. */
export function peakResidentBytes(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readProc(String(pid), 'status'))?.[1] ?? 0) * 1024;
}

/** Empty where the process is gone, or somebody else's. */
function readProc(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
