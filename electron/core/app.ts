// The composition root of a service: what starts, in what order, and how it stops. Plain Node; it knows
// nothing of terminals, windows or Electron.
import type { Logger } from 'pino';
import type { GatehouseError } from '../../shared/contracts/errors.ts';
import { openDataFolder, retentionOf } from './data-folder.ts';
import type { DataFolder } from './data-folder.ts';
import { listenDirect } from './direct-listener.ts';
import { Endpoint } from './endpoint/endpoint.ts';
import { RelayLink } from './endpoint/relay-link.ts';
import type { RelayState } from './endpoint/relay-link.ts';
import type { UsableToken } from './endpoint/verifier.ts';
import { Opened } from './opened.ts';

export interface ServiceOptions {
  readonly dataFolder: string;
  readonly superadminPassword: string;
  readonly relay: URL;
  /** For the first connection to a relay that is not open. */
  readonly enrolmentToken?: string;
  /** PEM of certificate authorities to trust for the relay instead of the system's. */
  readonly relayCa?: string;
  readonly logger: Logger;
  readonly onRelayState?: (state: RelayState) => void;
  /** Told when a renewed or imported certificate has been taken up; lower-case hex SHA-256. */
  readonly onFingerprint?: (sha256: string) => void;
  /** Serves the E2EE endpoint on this port of 127.0.0.1 too, without a relay: for measurements beside it. */
  readonly directPort?: number;
  /** How long requests under way may take when the service stops, in milliseconds. Default 5,000. */
  readonly drainMs?: number;
}

/**
 * Starts a service on its data folder; resolves when it serves, connected to its relay or not yet.
 * @throws GatehouseError `superadmin_password_wrong`, `data_folder_in_use`, and the errors of the certificate,
 *   secrets, settings and request log; whatever was opened has been closed again
 */
export async function startService(options: ServiceOptions): Promise<RunningService> {
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
  readonly #options: ServiceOptions;
  readonly #opened: Opened;
  readonly #data: DataFolder;
  readonly #endpoint: Endpoint;
  readonly #link: RelayLink;
  #relayState: RelayState = { state: 'connecting', attempt: 0 };
  readonly #relayTried = Promise.withResolvers<RelayState>();
  #directPort: number | null = null;

  private constructor(options: ServiceOptions, opened: Opened, data: DataFolder) {
    this.#options = options;
    this.#opened = opened;
    this.#data = data;
    this.serviceId = data.identity.serviceId;
    this.certificateCreated = data.certificateCreated;
    this.#endpoint = new Endpoint({
      serviceId: this.serviceId,
      settings: () => data.settings.all(),
      findToken: (id) => usableToken(data, id),
      fakeSaltKey: data.fakeSaltKey,
      log: data.log,
      domainName: () => (this.#relayState.state === 'online' ? this.#relayState.domainName : ''),
      certificate: data.certificates.current(),
    });
    this.#link = this.#makeLink();
  }

  static async start(options: ServiceOptions, opened: Opened): Promise<RunningService> {
    const onProblem = (problem: GatehouseError): void => {
      options.logger.error({ code: problem.code }, problem.message);
    };
    const started: RunningService[] = [];
    const onTokens = (): void => {
      for (const service of started) service.#endpoint.enforceTokens();
    };
    const data = await openDataFolder(options.dataFolder, options.superadminPassword, opened, {
      onTokens,
      onProblem,
    });
    const service = new RunningService(options, opened, data);
    started.push(service);
    service.#follow(onProblem);
    await service.#listenDirect();
    service.#link.start();
    return service;
  }

  /** Lower-case hex SHA-256 of the certificate that new sessions get. */
  get fingerprint(): string {
    return this.#data.certificates.current().sha256;
  }

  get relayState(): RelayState {
    return this.#relayState;
  }

  /** What the first attempt to reach the relay came to: `online`, `offline`, or `stopped` before it was over. */
  get relayTried(): Promise<RelayState> {
    return this.#relayTried.promise;
  }

  /** The loopback port that serves without a relay; null where none was asked for. */
  get directPort(): number | null {
    return this.#directPort;
  }

  /** Cuts the wait before the next try to reach the relay short. */
  retryNow(): void {
    this.#link.retryNow();
  }

  /** Takes no new requests, lets those under way finish, ends all sessions, and frees everything. */
  async stop(): Promise<void> {
    this.#link.goAway();
    await this.#endpoint.drain(this.#options.drainMs ?? 5_000);
    await this.#link.stop();
    await this.#opened.close();
  }

  /** Keeps live sessions in step with what changes in the data folder. */
  #follow(onProblem: (problem: GatehouseError) => void): void {
    const { settings, certificates, log } = this.#data;
    this.#opened.add(
      settings.watch({
        onChange: () => {
          this.#endpoint.enforceSettings();
          log.applySettings(retentionOf(settings));
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

  #makeLink(): RelayLink {
    const { relay, enrolmentToken, relayCa } = this.#options;
    return new RelayLink({
      relay,
      identity: this.#data.identity,
      ...(enrolmentToken === undefined ? {} : { enrolmentToken }),
      ...(relayCa === undefined ? {} : { ca: relayCa }),
      onStream: (stream) => {
        this.#endpoint.acceptor.accept(stream);
      },
      onState: (state) => {
        this.#relayState = state;
        if (state.state !== 'connecting') this.#relayTried.resolve(state);
        this.#options.onRelayState?.(state);
      },
    });
  }
}

function usableToken({ tokens }: DataFolder, id: string): UsableToken | null {
  const token = tokens.find(id);
  return token?.status === 'active' ? { remoteUser: token.user, scram: token.scram } : null;
}
