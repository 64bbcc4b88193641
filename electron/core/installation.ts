// The life of a service behind its console: from the first run to serving, and to its end. It holds the data folder
// for as long as the console is there, locked or not. It must never keep the superadmin password, and never leave
// half a set-up: secrets.json is written last, and until it is there the next start is a first run again.
import type { Logger } from 'pino';
import type { RelayChoice } from '../../shared/contracts/console/models.ts';
import { asGatehouseError, GatehouseError } from '../../shared/contracts/errors.ts';
import { startService } from './app.ts';
import type { RunningService, ServiceListener } from './app.ts';
import { openConsoleFoundation, takeDataFolder } from './data-folder.ts';
import type { ConsoleFoundation, Foundation } from './data-folder.ts';
import { InstallationRelay } from './installation-relay.ts';
import { initialState, nextState } from './installation-state.ts';
import type { InstallationEvent, InstallationState } from './installation-state.ts';
import { Opened } from './opened.ts';
import type { ConsoleHost } from './ports.ts';
import { checkRelayChoice, writeRelayChoice } from './relay-choice-file.ts';
import { createSecrets, unlockSecrets } from './secrets/secrets-file.ts';
import type { Secrets } from './secrets/secrets-file.ts';
import { isFirstStart, secretsPath } from './secrets/service-secrets.ts';
import type { RelayAddress } from './service-relay.ts';

export interface InstallationOptions {
  readonly dataFolder: string;
  readonly host: ConsoleHost;
  readonly logger: Logger;
  /** Named on the command line: used instead of what the data folder says, until it is changed in the console. */
  readonly relay?: RelayChoice | undefined;
  readonly directPort?: number | undefined;
  readonly drainMs?: number | undefined;
}

export interface InstallationListener extends ServiceListener {
  onPhase?(state: InstallationState): void;
  /** The service is about to stop, and can still write; waited for. */
  onStopping?(): Promise<void>;
}

export class Installation {
  readonly dataFolder: string;
  readonly host: ConsoleHost;
  readonly relay: InstallationRelay;
  readonly #options: InstallationOptions;
  readonly #opened = new Opened();
  readonly #listeners = new Set<InstallationListener>();
  #foundation: Promise<ConsoleFoundation> | null = null;
  #stopping = false;
  #state: InstallationState = initialState;
  #service: RunningService | null = null;
  #relayNamed: RelayChoice | undefined;
  /** Ends with the change of life that is under way: there is one at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: InstallationOptions) {
    this.#options = options;
    this.dataFolder = options.dataFolder;
    this.host = options.host;
    this.#relayNamed = options.relay;
    this.relay = new InstallationRelay(options.dataFolder, options.host.startLocalRelay);
  }

  /** Takes the data folder. @throws GatehouseError `data_folder_in_use`, `storage_failed` */
  static async open(options: InstallationOptions): Promise<Installation> {
    const installation = new Installation(options);
    try {
      await takeDataFolder(options.dataFolder, installation.#opened);
      installation.#to({ kind: 'found', secrets: !(await isFirstStart(options.dataFolder)) });
    } catch (error) {
      await installation.#opened.close().catch(() => undefined);
      throw error;
    }
    await installation
      .foundation()
      .catch((problem: unknown) => installation.#to({ kind: 'failed', problem: asGatehouseError(problem) }));
    return installation;
  }

  get state(): InstallationState {
    return this.#state;
  }

  /** @throws GatehouseError `not_serving` */
  get service(): RunningService {
    if (this.#service !== null) return this.#service;
    throw new GatehouseError('not_serving', 'The service does not run yet. Unlock it first.');
  }

  get serving(): boolean {
    return this.#service !== null;
  }

  /** Settings and logs, also while the service is locked. @throws GatehouseError those of their files, `shutting_down` */
  foundation(): Promise<ConsoleFoundation> {
    if (this.#stopping) {
      return Promise.reject(new GatehouseError('shutting_down', 'The program is stopping.'));
    }
    const onProblem = (problem: GatehouseError): void => this.#report(problem);
    this.#foundation ??= openConsoleFoundation(this.dataFolder, this.#opened, onProblem).catch(
      (error: unknown) => {
        this.#foundation = null;
        throw error;
      },
    );
    return this.#foundation;
  }

  /** Returns the unsubscribe. */
  listen(listener: InstallationListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * The first run: keeps the choices and starts. `permit` is asked once nothing but writing is left to do.
   * @throws GatehouseError `already_set_up`, `usage`, what `permit` throws, and those of a start
   */
  setup(password: string, relay: RelayChoice, permit: () => Promise<void>): Promise<void> {
    return this.#alone(async () => {
      if (this.#state.phase !== 'first_run' && !(await isFirstStart(this.dataFolder))) throw alreadySetUp();
      checkRelayChoice(relay);
      await this.foundation();
      await permit();
      await writeRelayChoice(this.dataFolder, relay);
      const secrets = await createSecrets(secretsPath(this.dataFolder), password);
      this.#relayNamed = undefined;
      this.#to({ kind: 'set_up' });
      await this.#start(secrets);
    });
  }

  /** The secrets, where the password is right. @throws GatehouseError `superadmin_password_wrong`, those of secrets.json */
  openSecrets(password: string): Promise<Secrets> {
    return unlockSecrets(secretsPath(this.dataFolder), password);
  }

  /** Starts the service unless it runs. @throws GatehouseError those of a start; the phase is then `failed` */
  start(secrets: Secrets): Promise<void> {
    return this.#alone(async () => {
      if (this.#service === null) await this.#start(secrets);
    });
  }

  /** Uses another relay from now on; sessions through the old one end. @throws GatehouseError `usage`, `relay_unreachable`, `storage_failed` */
  setRelay(choice: RelayChoice): Promise<void> {
    return this.#alone(async () => {
      checkRelayChoice(choice);
      const address = await this.relay.open(choice);
      await writeRelayChoice(this.dataFolder, choice);
      this.#relayNamed = undefined;
      await this.service.relay.exchange(address);
      await this.relay.closeUnused();
    });
  }

  /** Drains the service, and frees everything. */
  stop(): Promise<void> {
    return this.#alone(async () => {
      const service = this.#service;
      if (service !== null) await this.#tellStopping();
      this.#stopping = true;
      this.#service = null;
      if (service !== null) this.#to({ kind: 'stopped' });
      try {
        await service?.stop();
      } finally {
        await this.relay.close();
        await this.#opened.close();
      }
    });
  }

  async #start(secrets: Secrets): Promise<void> {
    this.#to({ kind: 'unlocked' });
    try {
      const foundation = await this.foundation();
      // The command line may have changed them while the service was locked.
      await foundation.settings.refresh();
      const address = await this.relay.open(this.#relayNamed ?? (await this.relay.chosen()));
      this.#service = await this.#startService(secrets, foundation, address);
      this.#to({ kind: 'started' });
    } catch (error) {
      const problem = asGatehouseError(error);
      await this.relay.close().catch(() => undefined);
      this.#to({ kind: 'failed', problem });
      throw problem;
    }
  }

  #startService(secrets: Secrets, foundation: Foundation, address: RelayAddress): Promise<RunningService> {
    const { logger, directPort, drainMs, dataFolder } = this.#options;
    return startService({
      ...address,
      dataFolder,
      logger,
      secrets,
      foundation,
      ...(directPort === undefined ? {} : { directPort }),
      ...(drainMs === undefined ? {} : { drainMs }),
      onRelayState: (state) => {
        if (state.state === 'online') this.relay.enrolled().catch((error: unknown) => this.#report(error));
        this.#tell((listener) => listener.onRelayState?.(state));
      },
      onFingerprint: (sha256) => this.#tell((listener) => listener.onFingerprint?.(sha256)),
      onSettings: (changed, source) => this.#tell((listener) => listener.onSettings?.(changed, source)),
      onTokens: (ids) => this.#tell((listener) => listener.onTokens?.(ids)),
      onIncident: (incident) => {
        this.host.notify(incident);
        this.#tell((listener) => listener.onIncident?.(incident));
      },
      onProblem: (problem) => this.#tell((listener) => listener.onProblem?.(problem)),
    });
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#turn.then(work);
    this.#turn = run.catch(() => undefined);
    return run;
  }

  #to(event: InstallationEvent): void {
    const before = this.#state;
    this.#state = nextState(before, event);
    if (before !== this.#state) this.#tell((listener) => listener.onPhase?.(this.#state));
  }

  #tell(tell: (listener: InstallationListener) => void): void {
    for (const listener of this.#listeners) tell(listener);
  }

  async #tellStopping(): Promise<void> {
    await Promise.allSettled([...this.#listeners].map(async (listener) => listener.onStopping?.()));
  }

  #report(error: unknown): void {
    const { code, message } = asGatehouseError(error);
    this.#options.logger.error({ code }, message);
  }
}

function alreadySetUp(): GatehouseError {
  return new GatehouseError(
    'already_set_up',
    'This service has been set up already. Unlock it with its password.',
  );
}
