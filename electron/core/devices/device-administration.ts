// What an administrator sees of devices and does with them, for the console: everything in it is in the registry and the
// session table. It must never confirm a device whose fingerprint is not the one that was compared.
import type {
  CreatedRegistrationCode,
  DeviceSessionsView,
  DevicesView,
  DeviceView,
} from '../../../shared/contracts/console/devices.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { DeviceAgent } from './device-agent.ts';
import { statusOf } from './device-file.ts';
import type { DeviceRecord } from './device-file.ts';
import type { DeviceRegistry } from './device-registry.ts';
import type { DeviceSessions } from './device-sessions.ts';
import type { OidcSettings } from './oidc-verifier.ts';

export interface DeviceAdministrationOptions {
  readonly agent: DeviceAgent;
  readonly registry: DeviceRegistry;
  readonly sessions: DeviceSessions;
  /** As set at this moment. */
  readonly oidc: () => OidcSettings;
}

/** Lines that a view has at most, of devices and of sessions. */
const maxLines = 500;

export class DeviceAdministration {
  readonly #options: DeviceAdministrationOptions;

  constructor(options: DeviceAdministrationOptions) {
    this.#options = options;
  }

  view(): DevicesView {
    const { agent, registry, oidc } = this.#options;
    const all = registry.all();
    const rank = { pending: 0, confirmed: 1, revoked: 2 };
    const sorted = [...all].sort(
      (a, b) => rank[statusOf(a)] - rank[statusOf(b)] || b.registeredAt - a.registeredAt,
    );
    const { issuer, audience } = oidc();
    return {
      agent: { name: agent.name, fingerprint: agent.fingerprint },
      oidc: { issuer, audience },
      devices: sorted.slice(0, maxLines).map((device) => this.#viewOf(device)),
      total: all.length,
      codes: registry.openCodes(),
    };
  }

  /** Devices that nobody has confirmed or refused. */
  get waiting(): number {
    return this.#options.registry.all().filter((device) => statusOf(device) === 'pending').length;
  }

  sessionsView(): DeviceSessionsView {
    const { sessions } = this.#options;
    return { total: sessions.live, sessions: sessions.views(maxLines) };
  }

  /** @throws GatehouseError `device_unknown`, `fingerprint_mismatch`, `device_revoked`, `storage_failed` */
  async confirm(id: string, fingerprint: string): Promise<DeviceRecord> {
    return this.#options.registry.confirm(id, fingerprint);
  }

  /** Forgets a pending device. @throws GatehouseError `device_unknown`, `device_exists`, `storage_failed` */
  async refuse(id: string): Promise<void> {
    await this.#options.registry.refuse(id);
  }

  /** Its sessions have ended when this resolves. @throws GatehouseError `device_unknown`, `storage_failed` */
  async revoke(id: string): Promise<{ sessionsEnded: number }> {
    const sessionsEnded = this.#options.sessions.liveOf(id);
    await this.#options.registry.revoke(id);
    return { sessionsEnded };
  }

  /** The code is told this once. @throws GatehouseError `limit_exceeded`, `storage_failed` */
  createCode(): Promise<CreatedRegistrationCode> {
    return this.#options.registry.createCode();
  }

  /** @throws GatehouseError `registration_code_invalid`, `storage_failed` */
  cancelCode(id: string): Promise<void> {
    return this.#options.registry.cancelCode(id);
  }

  /** The app starts a new one by itself. @throws GatehouseError `session_unknown` */
  endSession(id: string): void {
    const message = 'The administrator ended this device session. A new one has to be started.';
    this.#options.sessions.end(id, new GatehouseError('SESSION_EXPIRED', message));
  }

  /** A device, or undefined. */
  device(id: string): DeviceView | undefined {
    const device = this.#options.registry.get(id);
    return device === null ? undefined : this.#viewOf(device);
  }

  /** Told of each change of devices and codes; not of their sessions, which change with every request. */
  onChange(tell: () => void): () => void {
    return this.#options.registry.onChange(tell);
  }

  #viewOf(device: DeviceRecord): DeviceView {
    const { id, name, fingerprint, issuer, subject } = device;
    const { registeredAt, confirmedAt, confirmedBy, revokedAt } = device;
    return {
      ...{ id, name, status: statusOf(device), fingerprint, issuer, subject },
      ...{ registeredAt, confirmedAt, confirmedBy, revokedAt },
      lastSeenAt: this.#options.registry.lastSeenAt(id),
      liveSessions: this.#options.sessions.liveOf(id),
    };
  }
}
