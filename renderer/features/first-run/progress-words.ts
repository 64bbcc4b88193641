// What the service is doing while it is being set up, from the phase that it tells.
import type { ConsolePhase } from '../../../shared/contracts/console/models.ts';
import * as m from '../../i18n/compiled/messages.js';

export function progressWords(phase: ConsolePhase | undefined): string {
  if (phase === 'starting' || phase === 'locked') return m.shell_progress_starting();
  return phase === 'serving' ? m.shell_progress_serving() : m.shell_progress_keys();
}
