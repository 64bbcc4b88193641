// The settings page: the two E2EE switches, and the settings that are typed. The values are the service's, so that a
// change from the command line or another tab shows at once. Must never open what was closed without asking first.
import type { SettingChange } from '../../shared/contracts/console/models.ts';
import { defaultSettings } from '../../shared/contracts/settings.ts';
import type { Settings } from '../../shared/contracts/settings.ts';
import {
  maxAgeMinutes,
  maxRequests,
  maxSizeMb,
  oidcAudience,
  oidcIssuer,
  retentionDays,
  TypedSetting,
} from './settings-typed.svelte.ts';
import { Task } from './task.svelte.ts';
import type { Service } from './task.svelte.ts';

export const e2ee = 'service.e2ee.require_e2ee';
export const verification = 'service.e2ee.require_e2ee_session_verification';

export type SwitchName = typeof e2ee | typeof verification;

/** What is called without E2EE or verification once a switch is off: decides what the question before it says. */
export type Opening = 'plain_calls' | 'unverified_sessions' | 'unverified_plain_calls' | 'nothing_yet';

export class SettingsState {
  /** The switch that a person wants to turn off and has not confirmed yet. */
  confirming = $state<SwitchName | null>(null);
  readonly task = new Task();
  readonly days: TypedSetting<typeof retentionDays>;
  readonly size: TypedSetting<typeof maxSizeMb>;
  readonly issuer: TypedSetting<typeof oidcIssuer>;
  readonly audience: TypedSetting<typeof oidcAudience>;
  readonly deviceMinutes: TypedSetting<typeof maxAgeMinutes>;
  readonly deviceRequests: TypedSetting<typeof maxRequests>;
  readonly #service: Service;
  /** Told of each change that a person made here, with what it implied. */
  readonly #onChanged: (changes: readonly SettingChange[]) => void;

  constructor(service: Service, onChanged: (changes: readonly SettingChange[]) => void) {
    this.#service = service;
    this.#onChanged = onChanged;
    this.days = new TypedSetting(service, retentionDays, onChanged);
    this.size = new TypedSetting(service, maxSizeMb, onChanged);
    this.issuer = new TypedSetting(service, oidcIssuer, onChanged);
    this.audience = new TypedSetting(service, oidcAudience, onChanged);
    this.deviceMinutes = new TypedSetting(service, maxAgeMinutes, onChanged);
    this.deviceRequests = new TypedSetting(service, maxRequests, onChanged);
  }

  get settings(): Readonly<Settings> | undefined {
    return this.#service.topic('settings');
  }

  /** Turns a switch on at once; turning it off asks first. */
  async toggle(name: SwitchName): Promise<void> {
    const present = this.settings?.[name];
    if (present === undefined || this.task.busy) return;
    this.task.clear();
    if (present) this.confirming = name;
    else await this.#turnOn(name);
  }

  /** What turning the switch off would open. */
  opening(name: SwitchName): Opening {
    const settings = this.settings ?? defaultSettings;
    if (name === verification) return settings[e2ee] ? 'unverified_sessions' : 'unverified_plain_calls';
    return settings[verification] ? 'nothing_yet' : 'plain_calls';
  }

  /** Turns the switch off that was asked about. Rejects with a GatehouseError. */
  async confirm(password: string): Promise<void> {
    const name = this.confirming;
    if (name === null) return;
    const answer = await this.#service.call('settings.set', { name, value: false, password });
    this.confirming = null;
    this.#onChanged(answer.changes);
  }

  cancel(): void {
    this.confirming = null;
  }

  async #turnOn(name: SwitchName): Promise<void> {
    const args = { name, value: true };
    const answer = await this.task.run(() => this.#service.call('settings.set', args));
    if (answer !== undefined) this.#onChanged(answer.changes);
  }
}
