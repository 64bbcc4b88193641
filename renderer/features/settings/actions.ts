// What the keyboard and the palette can do on the settings page.
import KeyRound from '@lucide/svelte/icons/key-round';
import LockKeyhole from '@lucide/svelte/icons/lock-keyhole';
import ShieldCheck from '@lucide/svelte/icons/shield-check';
import Square from '@lucide/svelte/icons/square';
import * as m from '../../i18n/compiled/messages.js';
import type { Action } from '../../state/actions.svelte.ts';
import type { ConsoleModel } from '../../state/console.svelte.ts';
import type { CaptureForm } from '../../state/settings-capture.svelte.ts';
import { e2ee, verification } from '../../state/settings.svelte.ts';
import type { SettingsState } from '../../state/settings.svelte.ts';

interface Does {
  readonly password: () => void;
}

export function settingActions(
  console: ConsoleModel,
  settings: SettingsState,
  capture: CaptureForm,
  does: Does,
): Action[] {
  const enabled = (): boolean => !console.offline;
  const page = (facts: Omit<Action, 'group'>): Action => ({ group: 'page', enabled, ...facts });
  return [
    page({
      id: 'settings.e2ee',
      title: m.settings_key_e2ee,
      keys: ['e'],
      icon: LockKeyhole,
      run: () => void settings.toggle(e2ee),
    }),
    page({
      id: 'settings.verification',
      title: m.settings_key_verification,
      keys: ['v'],
      icon: ShieldCheck,
      run: () => void settings.toggle(verification),
    }),
    page({
      id: 'settings.capture_stop',
      title: m.settings_key_capture_stop,
      icon: Square,
      run: () => void capture.stop(),
      enabled: () => enabled() && capture.secondsLeft(Date.now()) !== null,
    }),
    page({ id: 'settings.password', title: m.settings_key_password, icon: KeyRound, run: does.password }),
  ];
}
