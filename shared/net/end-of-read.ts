// The end of a socket's read, as a moment to write at: what the octets of one read provoke leaves in one write, without
// the detour by the next tick, which a relay would pay for every message that it hands on.
// Nothing may wait here for longer than the read that is going on: it is one call, and has no await in it.

let reads = 0;
let tasks: (() => void)[] = [];

/** Hands one read's octets to `take`; then, even where it throws, what was put off until the read's end is run. */
export function duringRead(take: (octets: Buffer) => void, octets: Buffer): void {
  reads += 1;
  try {
    take(octets);
  } finally {
    reads -= 1;
    if (reads === 0 && tasks.length > 0) runTasks();
  }
}

/** Runs `task` once at the end of the read that is going on, else in the next tick. */
export function atEndOfRead(task: () => void): void {
  if (reads > 0) tasks.push(task);
  else process.nextTick(task);
}

function runTasks(): void {
  const due = tasks;
  tasks = [];
  for (const task of due) task();
}
