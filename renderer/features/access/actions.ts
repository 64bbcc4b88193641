// What the keyboard and the palette can do on the access page.
import Plus from '@lucide/svelte/icons/plus';
import * as m from '../../i18n/compiled/messages.js';
import type { AccessState } from '../../state/access.svelte.ts';
import type { Action } from '../../state/actions.svelte.ts';
import type { ConsoleModel } from '../../state/console.svelte.ts';

interface Does {
  readonly create: () => void;
  readonly search: () => void;
}

export function accessActions(console: ConsoleModel, access: AccessState, does: Does): Action[] {
  const page = (facts: Omit<Action, 'group'>): Action => ({ group: 'page', ...facts });
  const revokable = (): boolean => !console.offline && access.selected?.status === 'active';
  const revoke = (): void => {
    if (access.selected !== null) access.askToRevoke(access.selected);
  };
  return [
    page({
      id: 'access.create',
      title: m.access_key_create,
      keys: ['n'],
      icon: Plus,
      run: does.create,
      enabled: () => !console.offline,
    }),
    page({ id: 'access.filter', title: m.access_key_filter, keys: ['/'], run: does.search }),
    page({ id: 'access.down', title: m.access_key_down, keys: ['j', 'down'], run: () => access.move(1) }),
    page({ id: 'access.up', title: m.access_key_up, keys: ['k', 'up'], run: () => access.move(-1) }),
    page({
      id: 'access.revoke',
      title: m.access_key_revoke,
      keys: ['delete'],
      run: revoke,
      enabled: revokable,
    }),
  ];
}
