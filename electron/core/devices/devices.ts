// Puts together what a service needs for device sessions, and keeps live sessions in step with devices and settings.
// Nothing of a device stays in a session once the administrator has revoked it.
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { Settings } from '../../../shared/contracts/settings.ts';
import { importIdentity } from '../../../shared/device/agent.ts';
import type { Clock, DeviceSessionLimits } from '../../../shared/device/agent.ts';
import type { Opened } from '../opened.ts';
import type { DeviceSecrets } from '../secrets/device-secrets.ts';
import { writeAgentFingerprint } from './agent-fingerprint.ts';
import { DeviceAdministration } from './device-administration.ts';
import { DeviceAgent } from './device-agent.ts';
import { statusOf } from './device-file.ts';
import { revokedError } from './device-files.ts';
import { DeviceRegistry } from './device-registry.ts';
import type { DeviceSession } from './device-session.ts';
import { DeviceSessions } from './device-sessions.ts';
import type { DeviceSessionsLimits } from './device-sessions.ts';
import { OidcVerifier } from './oidc-verifier.ts';
import type { OidcSettings } from './oidc-verifier.ts';
import { RequestJournal } from './request-journal.ts';
import type { JournalLimits } from './request-journal.ts';

export interface DevicesOptions {
  readonly dataFolder: string;
  readonly serviceId: string;
  readonly secrets: DeviceSecrets;
  /** As set at this moment. */
  readonly settings: () => Readonly<Settings>;
  readonly limits?: Partial<DeviceSessionsLimits>;
  readonly journalLimits?: Partial<JournalLimits> | undefined;
  /** That sessions live by; default the machine's, which neither stops nor runs backwards. */
  readonly clock?: Clock;
  readonly onProblem: (problem: GatehouseError) => void;
}

export class Devices {
  readonly agent: DeviceAgent;
  readonly registry: DeviceRegistry;
  readonly sessions: DeviceSessions;
  readonly oidc: OidcVerifier;
  readonly journal: RequestJournal;
  /** For the console. */
  readonly administration: DeviceAdministration;
  readonly #settings: () => Readonly<Settings>;

  private constructor(
    parts: Pick<Devices, 'agent' | 'registry' | 'sessions' | 'oidc' | 'journal'>,
    settings: () => Readonly<Settings>,
  ) {
    this.agent = parts.agent;
    this.registry = parts.registry;
    this.sessions = parts.sessions;
    this.oidc = parts.oidc;
    this.journal = parts.journal;
    this.#settings = settings;
    this.administration = new DeviceAdministration({ ...parts, oidc: () => oidcOf(settings()) });
    this.registry.onChange(() => {
      this.enforce();
    });
  }

  /** `opened` has what was opened. @throws GatehouseError `identity_corrupt`, `storage_failed` */
  static async open(options: DevicesOptions, opened: Opened): Promise<Devices> {
    const { dataFolder, serviceId, secrets, settings, journalLimits: most = {}, onProblem } = options;
    const identity = await importAgentKey(secrets.agentKey);
    await writeAgentFingerprint(dataFolder, identity.fingerprint);
    const registry = await DeviceRegistry.open({ dataFolder, onProblem });
    opened.add(() => registry.close());
    const journal = await RequestJournal.open({ dataFolder, key: secrets.journalKey, limits: most });
    opened.add(() => journal.close());
    // Apart from the requests, which are many to a start and would push its nonce out; and of any age.
    const starts = await RequestJournal.open({
      dataFolder,
      folder: 'device-starts',
      key: secrets.journalKey,
      limits: { ...most, maxAgeMs: Infinity },
    });
    opened.add(() => starts.close());
    const sessions = new DeviceSessions(options.limits, options.clock);
    opened.add(() => {
      sessions.close();
    });
    const oidc = new OidcVerifier({
      dataFolder,
      settings: () => oidcOf(settings()),
      steadyNow: () => sessions.clock.now(),
    });
    const limits = () => limitsOf(settings());
    const agent = new DeviceAgent({ identity, serviceId, registry, sessions, journal, starts, limits });
    return new Devices({ agent, registry, sessions, oidc, journal }, settings);
  }

  /** Ends the sessions that devices or settings of this moment forbid. */
  enforce(): void {
    const settings = this.#settings();
    this.sessions.endWhere((session) => this.#refusal(session, settings));
  }

  #refusal(session: DeviceSession, settings: Readonly<Settings>): GatehouseError | null {
    const device = this.registry.get(session.deviceId);
    if (device === null) {
      return new GatehouseError(
        'device_unknown',
        'The device is not registered any more. Register it again.',
      );
    }
    if (statusOf(device) !== 'confirmed') return revokedError();
    const { issuer } = oidcOf(settings);
    const { lifetimeSeconds, requests } = limitsOf(settings);
    const { limits } = session.protocol;
    if (
      session.issuer === issuer &&
      limits.lifetimeSeconds <= lifetimeSeconds &&
      limits.requests <= requests
    ) {
      return null;
    }
    const message = 'The settings of the service have changed. A new device session has to be started.';
    return new GatehouseError('SESSION_EXPIRED', message);
  }
}

function oidcOf(settings: Readonly<Settings>): OidcSettings {
  return { issuer: settings['service.oidc.issuer'], audience: settings['service.oidc.audience'] };
}

function limitsOf(settings: Readonly<Settings>): DeviceSessionLimits {
  return {
    lifetimeSeconds: settings['service.device_sessions.max_age_minutes'] * 60,
    requests: settings['service.device_sessions.max_requests'],
  };
}

async function importAgentKey(agentKey: Uint8Array): Promise<Awaited<ReturnType<typeof importIdentity>>> {
  try {
    return await importIdentity(agentKey);
  } catch (cause) {
    const message =
      'The agent key in secrets.json is no P-256 key, so this service cannot prove itself to devices. Restore secrets.json from a backup.';
    throw new GatehouseError('identity_corrupt', message, { cause });
  }
}
