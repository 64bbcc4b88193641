// What the keyboard and the palette can do on the sessions page.
import CircleX from '@lucide/svelte/icons/circle-x';
import * as m from '../../i18n/compiled/messages.js';
import type { Action } from '../../state/actions.svelte.ts';
import type { ConsoleModel } from '../../state/console.svelte.ts';
import type { SessionsState } from '../../state/sessions.svelte.ts';

export function sessionActions(console: ConsoleModel, sessions: SessionsState): Action[] {
  const endable = (): boolean => !console.offline && sessions.selected?.ended === false;
  const end = (): void => {
    const { selected } = sessions;
    if (selected !== null && !selected.ended) sessions.askToEnd(selected.session);
  };
  return [
    {
      id: 'sessions.down',
      group: 'page',
      title: m.sessions_key_down,
      keys: ['j', 'down'],
      run: () => sessions.move(1),
    },
    {
      id: 'sessions.up',
      group: 'page',
      title: m.sessions_key_up,
      keys: ['k', 'up'],
      run: () => sessions.move(-1),
    },
    {
      id: 'sessions.end',
      group: 'page',
      title: m.sessions_key_end,
      keys: ['delete'],
      icon: CircleX,
      run: end,
      enabled: endable,
    },
    {
      id: 'sessions.close',
      group: 'page',
      title: m.sessions_key_close,
      keys: ['escape'],
      run: () => sessions.select(null),
      enabled: () => sessions.selectedId !== null && sessions.ending === null,
    },
  ];
}
