// The composition root of a service: what starts, in what order, and how it stops. Plain Node; it knows
// nothing of terminals, windows or Electron.
import type { Logger } from 'pino';
import type { GatehouseError } from '../../shared/contracts/errors.ts';
import type { SettingName } from '../../shared/contracts/settings.ts';
import { openDataFolder, retentionOf } from './data-folder.ts';
import type { DataFolder, Foundation } from './data-folder.ts';
import type { DeviceAdministration } from './devices/device-administration.ts';
import { listenDirect } from './direct-listener.ts';
import { Endpoint } from './endpoint/endpoint.ts';
import type { Incident } from './endpoint/incidents.ts';
import type { SessionTable } from './endpoint/session-table.ts';
import type { UsableToken } from './endpoint/verifier.ts';
import { Opened } from './opened.ts';
import { ServiceRelay } from './service-relay.ts';
import type { RelayAddress, RelayState } from './service-relay.ts';
import { openServiceSecrets } from './secrets/service-secrets.ts';
import type { Secrets } from './secrets/secrets-file.ts';
import type { SettingSource } from './settings/settings-store.ts';

/** What a console wants to be told of a running service. */
export interface ServiceListener {
  onRelayState?(state: RelayState): void;
  /** A renewed or imported certificate has been taken up; lower-case hex SHA-256. */
  onFingerprint?(sha256: string): void;
  onSettings?(changed: readonly SettingName[], source: SettingSource): void;
  onTokens?(ids: readonly string[]): void;
  /** What a person should hear of; a few in a minute at most. */
  onIncident?(incident: Incident): void;
  onProblem?(problem: GatehouseError): void;
}

export interface StartOptions extends ServiceListener, RelayAddress {
  readonly dataFolder: string;
  readonly logger: Logger;
  /** Serves the E2EE endpoint on this port of 127.0.0.1 too, without a relay: for measurements beside it. */
  readonly directPort?: number;
  /** How long requests under way may take when the service stops, in milliseconds. Default 5,000. */
  readonly drainMs?: number;
}

export interface ServiceOptions extends StartOptions {
  readonly superadminPassword: string;
}

/** For whoever has unlocked the secrets, and opened the foundation, already. */
export interface UnlockedOptions extends StartOptions {
  readonly secrets: Secrets;
  readonly foundation: Foundation;
}

/**
 * Starts a service on its data folder; resolves when it serves, connected to its relay or not yet.
 * @throws GatehouseError `superadmin_password_wrong`, `data_folder_in_use`, and the errors of the certificate,
 *   secrets, settings and request log; whatever was opened has been closed again
 */
export async function startService(options: ServiceOptions | UnlockedOptions): Promise<RunningService> {
  const opened = new Opened();
  try {
    return await RunningService.start(options, opened);
  } catch (error) {
    // Why the start failed is what matters; what fails while cleaning up after it is most often the same.
    await opened.close().catch(() => undefined);
    throw error;
  }
}

export class RunningService {
  readonly serviceId: string;
  /** True where this start made the certificate. */
  readonly certificateCreated: boolean;
  readonly data: DataFolder;
  /** The connection to the relay. */
  readonly relay: ServiceRelay;
  /** Milliseconds since the epoch. */
  readonly startedAt = Date.now();
  readonly #options: StartOptions;
  readonly #opened: Opened;
  readonly #endpoint: Endpoint;
  #directPort: number | null = null;

  private constructor(options: StartOptions, opened: Opened, data: DataFolder) {
    this.#options = options;
    this.#opened = opened;
    this.data = data;
    this.serviceId = data.identity.serviceId;
    this.certificateCreated = data.certificateCreated;
    this.#endpoint = new Endpoint({
      serviceId: this.serviceId,
      settings: () => data.settings.all(),
      findToken: (id) => usableToken(data, id),
      fakeSaltKey: data.fakeSaltKey,
      log: data.log,
      domainName: () => this.relay.domainName,
      certificate: data.certificates.current(),
      documents: data.documents,
      capture: data.capture,
      devices: data.devices,
      onIncident: (incident) => options.onIncident?.(incident),
    });
    this.relay = new ServiceRelay({
      identity: data.identity,
      onStream: (stream) => {
        this.#endpoint.acceptor.accept(stream);
      },
      onState: (state) => options.onRelayState?.(state),
    });
  }

  static async start(options: ServiceOptions | UnlockedOptions, opened: Opened): Promise<RunningService> {
    const onProblem = (problem: GatehouseError): void => {
      options.logger.error({ code: problem.code }, problem.message);
      options.onProblem?.(problem);
    };
    const started: RunningService[] = [];
    const onTokens = (ids: readonly string[]): void => {
      for (const service of started) service.#endpoint.enforceTokens();
      options.onTokens?.(ids);
    };
    const { dataFolder: folder } = options;
    const unlocked = 'secrets' in options;
    const secrets = unlocked
      ? () => Promise.resolve(options.secrets)
      : () => openServiceSecrets(folder, options.superadminPassword);
    const foundation = unlocked ? options.foundation : undefined;
    const listener = { onTokens, onProblem };
    const data = await openDataFolder({ folder, secrets, foundation, listener }, opened);
    const service = new RunningService(options, opened, data);
    started.push(service);
    service.#follow(onProblem);
    await service.#listenDirect();
    service.relay.start(options);
    return service;
  }

  /** Lower-case hex SHA-256 of the certificate that new sessions get. */
  get fingerprint(): string {
    return this.data.certificates.current().sha256;
  }

  /** The sessions that are live now. */
  get sessions(): SessionTable {
    return this.#endpoint.sessions;
  }

  /** Devices and their sessions, for an administrator. */
  get devices(): DeviceAdministration {
    return this.data.devices.administration;
  }

  get relayState(): RelayState {
    return this.relay.state;
  }

  /** What the first attempt to reach the relay came to: `online`, `offline`, or `stopped` before it was over. */
  get relayTried(): Promise<RelayState> {
    return this.relay.tried;
  }

  /** The loopback port that serves without a relay; null where none was asked for. */
  get directPort(): number | null {
    return this.#directPort;
  }

  /** Takes no new requests, lets those under way finish, ends all sessions, and frees everything. */
  async stop(): Promise<void> {
    this.relay.goAway();
    await this.#endpoint.drain(this.#options.drainMs ?? 5_000);
    await this.relay.stop();
    await this.#opened.close();
  }

  /** Keeps live sessions in step with what changes in the data folder. */
  #follow(onProblem: (problem: GatehouseError) => void): void {
    const { settings, certificates, log } = this.data;
    this.#opened.add(
      settings.watch({
        onChange: (_settings, changed, source) => {
          this.#endpoint.enforceSettings();
          log.applySettings(retentionOf(settings));
          this.#options.onSettings?.(changed, source);
        },
        onProblem,
      }),
      certificates.watch({
        onChange: (certificate) => {
          this.#endpoint.useCertificate(certificate);
          this.#options.onFingerprint?.(certificate.sha256);
        },
        onProblem,
      }),
    );
  }

  async #listenDirect(): Promise<void> {
    const { directPort } = this.#options;
    if (directPort === undefined) return;
    const listener = await listenDirect(this.#endpoint.acceptor, directPort);
    this.#opened.add(() => {
      listener.close();
    });
    this.#directPort = listener.port;
  }
}

function usableToken({ tokens }: DataFolder, id: string): UsableToken | null {
  const token = tokens.find(id);
  return token?.status === 'active' ? { remoteUser: token.user, scram: token.scram } : null;
}
