// How much memory buffers hold after a garbage collection: for tests that a limit on memory is kept.
// Must be compared with generous margins only, since the runner and other tests allocate too.
import { memoryUsage } from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of all live ArrayBuffers. */
export function heldByBuffers(): number {
  collect();
  collect();
  return memoryUsage().arrayBuffers;
}

/** Bytes of all live objects and ArrayBuffers. */
export function heldInAll(): number {
  const buffers = heldByBuffers();
  return buffers + memoryUsage().heapUsed;
}
