// One thing that a person starts and waits for: whether it runs, and why it failed. A second start while the first
// runs does nothing, so that a double click never does a thing twice. Must never swallow a failure: it is in
// `problem` until the next start or `clear`.
import { asGatehouseError } from '../../shared/contracts/errors.ts';
import type { GatehouseError } from '../../shared/contracts/errors.ts';
import type { ConsoleModel } from './console.svelte.ts';

/** What a page's state needs of the console: its calls and its topics. */
export type Service = Pick<ConsoleModel, 'call' | 'topic'>;

export class Task {
  busy = $state(false);
  problem = $state.raw<GatehouseError | null>(null);

  /** Runs `work`; answers its result, or undefined where it failed or another run is under way. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (this.busy) return undefined;
    this.busy = true;
    this.problem = null;
    try {
      return await work();
    } catch (error) {
      this.problem = asGatehouseError(error);
      return undefined;
    } finally {
      this.busy = false;
    }
  }

  clear(): void {
    this.problem = null;
  }
}
