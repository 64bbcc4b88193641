// How a long-running command ends: on SIGTERM or SIGINT it drains and exits 0; another signal ends it at once.
// Must not take one Ctrl-C for two: under npm the program gets it from the terminal and again from npm.
import { printError } from './output.ts';
import type { OutputOptions } from './output.ts';

export interface Stoppable {
  /** Stops taking work, lets what runs finish within its own bound, and frees everything. */
  stop(): Promise<void>;
}

/** A signal that comes so soon after the first is the same one again, in milliseconds. */
const echoMs = 500;

/** Resolves once a signal has come and `running` has stopped. */
export function runUntilSignal(running: Stoppable, options: OutputOptions): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | null = null;
    const onSignal = (): void => {
      if (firstAt !== null) {
        if (performance.now() - firstAt > echoMs) process.exit(1);
        return;
      }
      firstAt = performance.now();
      running
        .stop()
        .catch((error: unknown) => {
          printError(error, options);
        })
        .finally(resolve);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}
