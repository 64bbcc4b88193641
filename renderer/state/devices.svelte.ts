// The devices page: those that wait to be compared and confirmed, all others, and their live sessions. Must never confirm
// another key than the one that was shown, and keeps nothing of a registration code (`CodeForm` does, while it is shown).
import { GatehouseError } from '../../shared/contracts/errors.ts';
import type {
  DeviceSessionView,
  DevicesView,
  DeviceSessionsView,
  DeviceView,
} from '../../shared/contracts/console/devices.ts';
import { Task } from './task.svelte.ts';
import type { Service } from './task.svelte.ts';

export const deviceTabs = ['waiting', 'devices', 'sessions'] as const;
export type DeviceTab = (typeof deviceTabs)[number];

export const deviceStatusFilters = ['all', 'confirmed', 'revoked'] as const;
export type DeviceStatusFilter = (typeof deviceStatusFilters)[number];

/** What is asked about before it is done. */
export type DeviceQuestion =
  | { readonly kind: 'refuse' | 'revoke'; readonly device: DeviceView }
  | { readonly kind: 'end'; readonly session: DeviceSessionView };

export class DevicesState {
  text = $state('');
  status = $state<DeviceStatusFilter>('all');
  question = $state.raw<DeviceQuestion | null>(null);
  readonly confirming = new Task();
  readonly #service: Service;
  #tab = $state<DeviceTab | null>(null);
  #selected = $state.raw<Readonly<Partial<Record<DeviceTab, string | null>>>>({});
  /** The fingerprint that a person says they have compared. */
  #compared = $state<string | null>(null);

  readonly waiting = $derived.by(() => this.#devices('pending').sort(byRegistration));
  readonly devices = $derived.by(() => this.#found());
  readonly sessions = $derived.by(() => [...(this.sessionsView?.sessions ?? [])].sort(byStart));

  constructor(service: Service) {
    this.#service = service;
  }

  get view(): DevicesView | undefined {
    return this.#service.topic('devices');
  }

  get sessionsView(): DeviceSessionsView | undefined {
    return this.#service.topic('deviceSessions');
  }

  /** Until one is chosen: what waits, where anything does or there is no device yet. */
  get tab(): DeviceTab {
    return this.#tab ?? (this.waiting.length > 0 || this.count('all') === 0 ? 'waiting' : 'devices');
  }

  set tab(tab: DeviceTab) {
    this.#tab = tab;
  }

  /** Shows the tab that is wanted, or stays with the one that was shown first, whatever comes later. */
  settle(wanted = ''): void {
    this.#tab = deviceTabs.find((known) => known === wanted) ?? this.tab;
  }

  /** Whether devices can sign in at all. */
  get configured(): boolean {
    const { issuer = '', audience = '' } = this.view?.oidc ?? {};
    return issuer !== '' && audience !== '';
  }

  get filtered(): boolean {
    return this.text.trim() !== '' || this.status !== 'all';
  }

  count(status: DeviceStatusFilter): number {
    return this.#devices(status).length;
  }

  clearFilter(): void {
    this.text = '';
    this.status = 'all';
  }

  /** Of the tab that is shown; of what waits the first one where none was chosen. */
  get selectedId(): string | null {
    const ids = this.#ids();
    const chosen = this.#selected[this.tab];
    if (chosen !== undefined && chosen !== null && ids.includes(chosen)) return chosen;
    return this.tab === 'waiting' && chosen !== null ? (ids[0] ?? null) : null;
  }

  get selectedDevice(): DeviceView | null {
    const id = this.selectedId;
    return this.view?.devices.find((device) => device.id === id) ?? null;
  }

  get selectedSession(): DeviceSessionView | null {
    const id = this.selectedId;
    return this.sessions.find((session) => session.id === id) ?? null;
  }

  /** @param id null closes what is open */
  select(id: string | null): void {
    this.#selected = { ...this.#selected, [this.tab]: id };
    this.#compared = null;
    this.confirming.clear();
  }

  /** Moves the selection; a large `by` goes to the end. */
  move(by: number): void {
    const ids = this.#ids();
    if (ids.length === 0) return;
    const at = ids.indexOf(this.selectedId ?? '');
    const from = at === -1 ? (by > 0 ? -1 : ids.length) : at;
    this.select(ids[Math.min(Math.max(from + by, 0), ids.length - 1)] ?? null);
  }

  /** Shows the live sessions, or the device of one. */
  show(tab: DeviceTab, id: string | null): void {
    this.tab = tab;
    this.clearFilter();
    this.select(id);
  }

  isCompared(device: DeviceView): boolean {
    return this.#compared === device.fingerprint;
  }

  setCompared(device: DeviceView, compared: boolean): void {
    this.#compared = compared ? device.fingerprint : null;
  }

  /** Answers whether it was: only what was compared is. */
  async confirm(device: DeviceView): Promise<boolean> {
    if (!this.isCompared(device)) return false;
    const { id, fingerprint } = device;
    const done = await this.confirming.run(() => this.#service.call('devices.confirm', { id, fingerprint }));
    if (done === undefined) return false;
    this.#compared = null;
    return true;
  }

  ask(question: DeviceQuestion): void {
    this.question = question;
  }

  /** Of a device as it is now, for the effect of revoking it. */
  liveSessionsOf(device: DeviceView): number {
    return this.view?.devices.find(({ id }) => id === device.id)?.liveSessions ?? device.liveSessions;
  }

  /** Does what was asked about; answers how many live sessions ended with it. Rejects with a GatehouseError. */
  async answer(): Promise<number> {
    const { question } = this;
    if (question === null) return 0;
    const ended = await this.#do(question);
    this.question = null;
    return ended;
  }

  async #do(question: DeviceQuestion): Promise<number> {
    if (question.kind === 'end') return this.#end(question.session);
    const { id } = question.device;
    if (question.kind === 'revoke') {
      return (await this.#service.call('devices.revoke', { id })).sessionsEnded;
    }
    await this.#service.call('devices.refuse', { id });
    return 0;
  }

  /** One that is gone already counts as ended. */
  async #end({ id }: DeviceSessionView): Promise<number> {
    try {
      await this.#service.call('devices.endSession', { id });
      return 1;
    } catch (error) {
      if (error instanceof GatehouseError && error.code === 'session_unknown') return 0;
      throw error;
    }
  }

  #ids(): string[] {
    const rows = { waiting: this.waiting, devices: this.devices, sessions: this.sessions };
    return rows[this.tab].map(({ id }) => id);
  }

  #devices(status: DeviceStatusFilter | 'pending'): DeviceView[] {
    const devices = this.view?.devices ?? [];
    if (status === 'all') return devices.filter((device) => device.status !== 'pending');
    return devices.filter((device) => device.status === status);
  }

  #found(): DeviceView[] {
    const text = this.text.trim().toLowerCase();
    return this.#devices(this.status)
      .filter((device) => textsOf(device).some((part) => part.includes(text)))
      .sort(bySight);
  }
}

function textsOf({ name, subject, issuer, fingerprint }: DeviceView): string[] {
  return [name.toLowerCase(), subject.toLowerCase(), issuer.toLowerCase(), fingerprint];
}

type Compare<T> = (a: T, b: T) => number;

/** Who has waited longest comes first, so that a row never moves away under the pointer. */
const byRegistration: Compare<DeviceView> = (a, b) =>
  a.registeredAt - b.registeredAt || (a.id < b.id ? -1 : 1);

/** Confirmed ones by name, then the revoked ones. */
const bySight: Compare<DeviceView> = (a, b) =>
  Number(a.status === 'revoked') - Number(b.status === 'revoked') ||
  a.name.localeCompare(b.name) ||
  (a.id < b.id ? -1 : 1);

const byStart: Compare<DeviceSessionView> = (a, b) => b.startedAt - a.startedAt || (a.id < b.id ? -1 : 1);
