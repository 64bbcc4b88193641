// What the keyboard and the palette can do on the connectivity page.
import Activity from '@lucide/svelte/icons/activity';
import ArrowLeftRight from '@lucide/svelte/icons/arrow-left-right';
import FileKey from '@lucide/svelte/icons/file-key';
import RefreshCw from '@lucide/svelte/icons/refresh-cw';
import RotateCw from '@lucide/svelte/icons/rotate-cw';
import * as m from '../../i18n/compiled/messages.js';
import type { Action } from '../../state/actions.svelte.ts';
import type { ConsoleModel } from '../../state/console.svelte.ts';

interface Does {
  readonly measure: () => void;
  readonly retry: () => void;
  readonly renew: () => void;
  readonly import: () => void;
  readonly relay: () => void;
  /** Whether there is something to retry. */
  readonly offline: () => boolean;
}

export function connectivityActions(console: ConsoleModel, does: Does): Action[] {
  const enabled = (): boolean => !console.offline;
  const retryable = (): boolean => enabled() && does.offline();
  const page = (facts: Omit<Action, 'group'>): Action => ({ group: 'page', enabled, ...facts });
  const { measure, retry, renew, relay } = does;
  return [
    page({
      id: 'connectivity.measure',
      title: m.connectivity_key_measure,
      keys: ['m'],
      icon: Activity,
      run: measure,
    }),
    page({
      id: 'connectivity.retry',
      title: m.connectivity_key_retry,
      keys: ['t'],
      icon: RotateCw,
      run: retry,
      enabled: retryable,
    }),
    page({
      id: 'connectivity.renew',
      title: m.connectivity_key_renew,
      keys: ['n'],
      icon: RefreshCw,
      run: renew,
    }),
    page({
      id: 'connectivity.import',
      title: m.connectivity_key_import,
      keys: ['i'],
      icon: FileKey,
      run: does.import,
    }),
    page({
      id: 'connectivity.relay',
      title: m.connectivity_key_relay,
      keys: ['y'],
      icon: ArrowLeftRight,
      run: relay,
    }),
  ];
}
