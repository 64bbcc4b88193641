// Two requests held against each other: one is marked, another is chosen, and both are read. Must keep no more than the
// mark when the comparison is closed.
import { asGatehouseError } from '../../shared/contracts/errors.ts';
import type { GatehouseError } from '../../shared/contracts/errors.ts';
import type { RequestDetail } from '../../shared/contracts/console/models.ts';
import type { ConsoleClient } from '../api/client.ts';
import { compareRequests } from './requests-compare.ts';
import type { ComparedFact } from './requests-compare.ts';

export interface Pair {
  readonly left: RequestDetail;
  readonly right: RequestDetail;
  readonly facts: readonly ComparedFact[];
}

export class RequestsComparison {
  markedId = $state<number | null>(null);
  open = $state(false);
  pair = $state.raw<Pair | null>(null);
  problem = $state.raw<GatehouseError | null>(null);
  onlyDifferences = $state(false);
  readonly #client: Pick<ConsoleClient, 'call'>;

  constructor(client: Pick<ConsoleClient, 'call'>) {
    this.#client = client;
  }

  mark(id: number | null): void {
    this.markedId = id === this.markedId ? null : id;
  }

  /** With the marked one on the left. */
  async compareWith(id: number): Promise<void> {
    const { markedId } = this;
    if (markedId === null || markedId === id) return;
    this.open = true;
    this.pair = null;
    this.problem = null;
    try {
      const read = (one: number) => this.#client.call('requests.detail', { id: one });
      const [left, right] = await Promise.all([read(markedId), read(id)]);
      this.pair = { left, right, facts: compareRequests(left, right) };
    } catch (error) {
      this.problem = asGatehouseError(error);
    }
  }
}
