// A setting that is typed: a whole number or a text, with what is typed beside what is set. Must never lose what a person
// types because somebody else has changed the setting meanwhile.
import type { SettingChange } from '../../shared/contracts/console/models.ts';
import { parseSettingText } from '../../shared/contracts/settings.ts';
import type { SettingName, Settings } from '../../shared/contracts/settings.ts';
import { Task } from './task.svelte.ts';
import type { Service } from './task.svelte.ts';

export const retentionDays = 'service.inspector.retention_days';
export const maxSizeMb = 'service.inspector.max_size_mb';
export const maxAgeMinutes = 'service.device_sessions.max_age_minutes';
export const maxRequests = 'service.device_sessions.max_requests';
export const oidcIssuer = 'service.oidc.issuer';
export const oidcAudience = 'service.oidc.audience';

/** The settings whose values are numbers, and those whose values are texts. */
type NamesOf<T> = { [N in SettingName]: Settings[N] extends T ? N : never }[SettingName];
export type NumberName = NamesOf<number>;
export type TextName = NamesOf<string>;

export class TypedSetting<N extends NumberName | TextName = NumberName | TextName> {
  readonly name: N;
  readonly task = new Task();
  /** What a person has typed and not saved; null while the field shows what is set. */
  #draft = $state<string | null>(null);
  /** What was set when typing began. */
  #base = $state.raw<Settings[N] | null>(null);
  readonly #service: Service;
  readonly #onChanged: (changes: readonly SettingChange[]) => void;

  constructor(service: Service, name: N, onChanged: (changes: readonly SettingChange[]) => void) {
    this.#service = service;
    this.name = name;
    this.#onChanged = onChanged;
  }

  get present(): Settings[N] | null {
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
  get typed(): Settings[N] | null {
    try {
      return parseSettingText(this.name, this.text);
    } catch {
      return null;
    }
  }

  /** Whether saving would set a number lower than it is. */
  get lowers(): boolean {
    const { typed, present } = this;
    return this.edited && typeof typed === 'number' && typeof present === 'number' && typed < present;
  }

  /** Whether saving would put something else in the place of what is set. */
  get replaces(): boolean {
    return this.edited && this.present !== null && this.present !== '' && this.typed !== this.present;
  }

  /** What somebody else has set meanwhile; null where nobody has. */
  get changedElsewhere(): Settings[N] | null {
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
