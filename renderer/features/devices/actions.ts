// What the keyboard and the palette can do on the devices page.
import CircleX from '@lucide/svelte/icons/circle-x';
import TicketPlus from '@lucide/svelte/icons/ticket-plus';
import * as m from '../../i18n/compiled/messages.js';
import type { Action } from '../../state/actions.svelte.ts';
import type { ConsoleModel } from '../../state/console.svelte.ts';
import type { DeviceQuestion, DevicesState, DeviceTab } from '../../state/devices.svelte.ts';

interface Does {
  readonly code: () => void;
  readonly search: () => void;
}

export function deviceActions(console: ConsoleModel, devices: DevicesState, does: Does): Action[] {
  const page = (facts: Omit<Action, 'group'>): Action => ({ group: 'page', ...facts });
  const online = (): boolean => !console.offline;
  const show = (id: DeviceTab, title: () => string, key: string): Action =>
    page({ id: `devices.show_${id}`, title, keys: [key], run: () => (devices.tab = id) });
  return [
    show('waiting', m.devices_key_tab_waiting, '1'),
    show('devices', m.devices_key_tab_devices, '2'),
    show('sessions', m.devices_key_tab_sessions, '3'),
    page({
      id: 'devices.code',
      title: m.devices_key_code,
      keys: ['n'],
      icon: TicketPlus,
      run: does.code,
      enabled: online,
    }),
    page({ id: 'devices.filter', title: m.devices_key_filter, keys: ['/'], run: does.search }),
    page({ id: 'devices.down', title: m.devices_key_down, keys: ['j', 'down'], run: () => devices.move(1) }),
    page({ id: 'devices.up', title: m.devices_key_up, keys: ['k', 'up'], run: () => devices.move(-1) }),
    page({
      id: 'devices.remove',
      title: m.devices_key_remove,
      keys: ['delete'],
      icon: CircleX,
      run: () => {
        const question = questionOf(devices);
        if (question !== null) devices.ask(question);
      },
      enabled: () => online() && questionOf(devices) !== null,
    }),
    page({
      id: 'devices.close',
      title: m.devices_key_close,
      keys: ['escape'],
      run: () => devices.select(null),
      enabled: () => devices.selectedId !== null && devices.question === null,
    }),
  ];
}

/** What taking the chosen one away asks; null where nothing can be. */
function questionOf(devices: DevicesState): DeviceQuestion | null {
  const { tab, selectedDevice: device, selectedSession: session } = devices;
  if (tab === 'sessions') return session === null ? null : { kind: 'end', session };
  if (device === null || device.status === 'revoked') return null;
  return { kind: tab === 'waiting' ? 'refuse' : 'revoke', device };
}
