// Where an installation stands, as a pure state machine: events in, states out. What is done about them is
// installation.ts. A state that an event does not belong to stays as it is.
import type { GatehouseError } from '../../shared/contracts/errors.ts';
import type { ConsolePhase } from '../../shared/contracts/console/models.ts';

export interface InstallationState {
  readonly phase: ConsolePhase;
  /** Why it failed; null in every other phase. */
  readonly problem: GatehouseError | null;
}

export type InstallationEvent =
  /** The data folder was looked at. */
  | { readonly kind: 'found'; readonly secrets: boolean }
  | { readonly kind: 'set_up' }
  | { readonly kind: 'unlocked' }
  | { readonly kind: 'started' }
  | { readonly kind: 'failed'; readonly problem: GatehouseError }
  | { readonly kind: 'stopped' };

export const initialState: InstallationState = { phase: 'first_run', problem: null };

type Moves = Partial<Record<ConsolePhase, ConsolePhase>>;

/** Where each event leads from which phase; from every other phase it leads nowhere. */
const moves: Readonly<Record<InstallationEvent['kind'] | 'found_nothing', Moves>> = {
  found: { first_run: 'locked' },
  found_nothing: {},
  set_up: { first_run: 'locked', failed: 'locked' },
  unlocked: { locked: 'starting', failed: 'starting' },
  started: { starting: 'serving' },
  failed: { first_run: 'failed', locked: 'failed', starting: 'failed', failed: 'failed' },
  stopped: { locked: 'locked', starting: 'locked', serving: 'locked', failed: 'locked' },
};

/** The state after `event`. */
export function nextState(state: InstallationState, event: InstallationEvent): InstallationState {
  const kind = event.kind === 'found' && !event.secrets ? 'found_nothing' : event.kind;
  const phase = moves[kind][state.phase];
  if (phase === undefined) return state;
  return { phase, problem: event.kind === 'failed' ? event.problem : null };
}
