// How a long-running command ends: on SIGTERM or SIGINT it drains and exits 0; a second signal ends it at once.
import { printError } from './output.ts';
import type { OutputOptions } from './output.ts';

export interface Stoppable {
  /** Stops taking work, lets what runs finish within its own bound, and frees everything. */
  stop(): Promise<void>;
}

/** Resolves once a signal has come and `running` has stopped. */
export function runUntilSignal(running: Stoppable, options: OutputOptions): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    const onSignal = (): void => {
      if (stopping) process.exit(1);
      stopping = true;
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
