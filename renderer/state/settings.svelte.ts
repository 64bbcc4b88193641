// The settings page: the two E2EE switches and the sizes of the request log. The values are the service's, so that a
// change from the command line or another tab shows at once. Must never open what was closed without asking first.
import type { SettingChange } from '../../shared/contracts/console/models.ts';
import { defaultSettings, parseSettingText } from '../../shared/contracts/settings.ts';
import type { Settings } from '../../shared/contracts/settings.ts';
import { Task } from './task.svelte.ts';
import type { Service } from './task.svelte.ts';

export const e2ee = 'service.e2ee.require_e2ee';
export const verification = 'service.e2ee.require_e2ee_session_verification';
export const retentionDays = 'service.inspector.retention_days';
export const maxSizeMb = 'service.inspector.max_size_mb';

export type SwitchName = typeof e2ee | typeof verification;
export type NumberName = typeof retentionDays | typeof maxSizeMb;

/** What is called without E2EE or verification once a switch is off: decides what the question before it says. */
export type Opening = 'plain_calls' | 'unverified_sessions' | 'unverified_plain_calls' | 'nothing_yet';

export class SettingsState {
  /** The switch that a person wants to turn off and has not confirmed yet. */
  confirming = $state<SwitchName | null>(null);
  readonly task = new Task();
  readonly days: NumberSetting;
  readonly size: NumberSetting;
  readonly #service: Service;
  /** Told of each change that a person made here, with what it implied. */
  readonly #onChanged: (changes: readonly SettingChange[]) => void;

  constructor(service: Service, onChanged: (changes: readonly SettingChange[]) => void) {
    this.#service = service;
    this.#onChanged = onChanged;
    this.days = new NumberSetting(service, retentionDays, onChanged);
    this.size = new NumberSetting(service, maxSizeMb, onChanged);
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

/** A setting that is a whole number: what is typed, beside what is set. */
export class NumberSetting {
  readonly name: NumberName;
  readonly task = new Task();
  /** What a person has typed and not saved; null while the field shows what is set. */
  #draft = $state<string | null>(null);
  /** What was set when typing began. */
  #base = $state<number | null>(null);
  readonly #service: Service;
  readonly #onChanged: (changes: readonly SettingChange[]) => void;

  constructor(service: Service, name: NumberName, onChanged: (changes: readonly SettingChange[]) => void) {
    this.#service = service;
    this.name = name;
    this.#onChanged = onChanged;
  }

  get present(): number | null {
    return this.#service.topic('settings')?.[this.name] ?? null;
  }

  get text(): string {
    return this.#draft ?? String(this.present ?? '');
  }

  set text(text: string) {
    if (this.#draft === null) this.#base = this.present;
    this.#draft = text === String(this.present ?? '') ? null : text;
    this.task.clear();
  }

  get edited(): boolean {
    return this.#draft !== null;
  }

  /** The value typed; null where the setting does not take it. */
  get typed(): number | null {
    try {
      return parseSettingText(this.name, this.text);
    } catch {
      return null;
    }
  }

  /** Whether saving drops requests from the log that are kept now. */
  get drops(): boolean {
    return this.edited && this.typed !== null && this.present !== null && this.typed < this.present;
  }

  /** What somebody else has set meanwhile; null where nobody has. */
  get changedElsewhere(): number | null {
    return this.edited && this.present !== this.#base ? this.present : null;
  }

  discard(): void {
    this.#draft = null;
    this.task.clear();
  }

  async save(): Promise<void> {
    const value = this.typed;
    if (value === null || !this.edited) return;
    const args = { name: this.name, value };
    const answer = await this.task.run(() => this.#service.call('settings.set', args));
    if (answer === undefined) return;
    this.#draft = null;
    this.#onChanged(answer.changes);
  }
}
