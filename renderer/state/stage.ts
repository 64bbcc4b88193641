// What the whole window shows, from where the service stands and who has signed in. Pure.
import type { ConsoleState } from '../../shared/contracts/console/models.ts';

export type Stage = 'connecting' | 'first_run' | 'unlock' | 'console';

/** `holding`: the first run is under way or its result has not been read yet, whatever the service says meanwhile. */
export function stageOf(state: ConsoleState | undefined, holding: boolean): Stage {
  if (holding) return 'first_run';
  if (state === undefined) return 'connecting';
  if (state.phase === 'first_run') return 'first_run';
  return state.phase === 'serving' && state.signedIn ? 'console' : 'unlock';
}
