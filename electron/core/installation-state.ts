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

/** The state after `event`. */
export function nextState(state: InstallationState, event: InstallationEvent): InstallationState {
  const { phase } = state;
  switch (event.kind) {
    case 'found':
      return phase === 'first_run' ? at(event.secrets ? 'locked' : 'first_run') : state;
    case 'set_up':
      return phase === 'first_run' || phase === 'failed' ? at('locked') : state;
    case 'unlocked':
      return phase === 'locked' || phase === 'failed' ? at('starting') : state;
    case 'started':
      return phase === 'starting' ? at('serving') : state;
    case 'failed':
      return phase === 'serving' ? state : { phase: 'failed', problem: event.problem };
    case 'stopped':
      return phase === 'first_run' ? state : at('locked');
  }
}

function at(phase: ConsolePhase): InstallationState {
  return { phase, problem: null };
}
