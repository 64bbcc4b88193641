// The words for whether the service is reached. Pure but for the language.
import type { Connectivity } from '../../../shared/contracts/console/models.ts';
import * as m from '../../i18n/compiled/messages.js';
import type { Reach } from '../../state/connectivity.svelte.ts';
import { formatDuration, formatRelative } from '../../ui/format.ts';

export interface ReachWords {
  readonly mark: 'ok' | 'warn' | 'bad' | 'off' | 'busy';
  readonly title: string;
  readonly more: string;
}

/** `unknown`: the console itself does not reach its service, so that nothing may be said. */
export function describeReach(view: Connectivity, reach: Reach | 'unknown', now: number): ReachWords {
  switch (reach) {
    case 'online':
      return { mark: 'ok', title: m.connectivity_reach_online(), more: lastAnswer(view, now) };
    case 'unmeasured':
      return { mark: 'warn', title: m.connectivity_reach_unmeasured(), more: lastAnswer(view, now) };
    case 'connecting': {
      const attempt = view.link.state === 'connecting' ? view.link.attempt : 1;
      const more = m.connectivity_reach_connecting_more({ attempt });
      return { mark: 'busy', title: m.connectivity_reach_connecting(), more };
    }
    case 'offline':
      return {
        mark: 'bad',
        title: m.connectivity_reach_offline(),
        more: m.connectivity_reach_offline_more(),
      };
    case 'stopped':
      return {
        mark: 'off',
        title: m.connectivity_reach_stopped(),
        more: m.connectivity_reach_stopped_more(),
      };
    case 'unknown':
      return {
        mark: 'off',
        title: m.connectivity_reach_unknown(),
        more: m.connectivity_reach_unknown_more(),
      };
  }
}

function lastAnswer({ measured, link }: Connectivity, now: number): string {
  const since = link.state === 'online' ? link.since : 0;
  if (measured === null || measured.at < since) return m.connectivity_reach_never_more();
  return m.connectivity_reach_online_more({
    ago: formatRelative(measured.at, now),
    time: formatDuration(measured.latencyMs),
  });
}
