// Starts a relay and stops it again: the composition of its parts, in order. The relay routes what it cannot read:
// nothing in this folder imports our cryptography or holds a key that opens anything.
import { join } from 'node:path';
import { pino } from 'pino';
import type { Logger } from 'pino';
import { GatehouseError } from '../contracts/errors.ts';
import type { Link } from '../net/link.ts';
import { RelayAddress } from './address.ts';
import type { ListenAddress } from './address.ts';
import { ClientHall } from './client-hall.ts';
import { BlobApi } from './blobs/blob-api.ts';
import { SegmentStore } from './blobs/segment-store.ts';
import { ApiUsers } from './device-api/api-users.ts';
import { CorsOrigins } from './device-api/cors.ts';
import { DeviceApi } from './device-api/device-api.ts';
import { Enrolment } from './enrolment.ts';
import { FrontDoor } from './front-door.ts';
import type { FrontDoorGuests } from './front-door.ts';
import { checkRelayLimits } from './limits.ts';
import type { RelayLimits } from './limits.ts';
import { OidcVerifier } from './oidc/oidc-verifier.ts';
import { OnlineServices } from './online-services.ts';
import { Accounts } from './quotas.ts';
import { ServiceHall } from './service-hall.ts';
import type { Relay, RelayOptions } from './relay-options.ts';
import { RelayState } from './state/relay-state.ts';
import { mayReach, StreamRouter } from './stream-router.ts';

export type { Relay, RelayOptions } from './relay-options.ts';

/** Time that connections have for the closing exchange, in milliseconds. */
const closingMs = 2500;
/** How often a draining relay looks whether its streams have ended, in milliseconds. */
const drainCheckMs = 20;
/** Room for a document of 2 GiB and what others read meanwhile, so that a second reader costs the uplink nothing. */
const defaultBlobCacheBytes = 4 * 1024 ** 3;

/** @throws GatehouseError `usage`, `data_folder_in_use`, `storage_failed` */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { listen, tls, publicUrl, open = false, domain } = options;
  checkDomain(domain);
  const limits = checkRelayLimits(options.limits);
  const cors = new CorsOrigins(options.corsOrigins ?? []);
  const logger = options.logger ?? pino({ level: 'silent' });
  const oidc = options.oidc === undefined ? null : new OidcVerifier({ ...options.oidc, logger });
  const address = new RelayAddress({ listen, tls: tls !== undefined, publicUrl, open });
  const state = await RelayState.open(options.dataFolder);
  const release = await state.hold();
  try {
    const segments = await openBlobCache(options, logger);
    const relay = new RunningRelay({
      ...options,
      open,
      limits,
      address,
      state,
      release,
      cors,
      verifier: oidc,
      segments,
      logger,
    });
    await relay.listen(listen);
    return relay;
  } catch (error) {
    await release();
    throw error;
  }
}

interface RelayParts extends RelayOptions {
  readonly open: boolean;
  readonly limits: RelayLimits;
  readonly address: RelayAddress;
  readonly state: RelayState;
  readonly release: () => Promise<void>;
  readonly cors: CorsOrigins;
  readonly verifier: OidcVerifier | null;
  readonly segments: SegmentStore;
  readonly logger: Logger;
}

class RunningRelay implements Relay {
  readonly #parts: RelayParts;
  readonly #logger: Logger;
  readonly #online = new OnlineServices();
  readonly #accounts: Accounts;
  readonly #services: ServiceHall;
  readonly #clients: ClientHall;
  readonly #door: FrontDoor;
  #unwatch: () => void = () => undefined;
  #port = 0;
  #stopped: Promise<void> | null = null;

  constructor(parts: RelayParts) {
    this.#parts = parts;
    const { state, limits, address, open, domain, tls, logger, verifier } = parts;
    this.#logger = logger;
    this.#accounts = new Accounts(limits);
    const enrolment = new Enrolment({ address, state, open, timeoutMs: limits.openingTimeoutMs });
    const router = new StreamRouter(this.#online, limits, logger);
    this.#services = new ServiceHall({
      enrolment,
      pinned: state.services,
      online: this.#online,
      limits,
      domain,
      logger,
    });
    this.#clients = new ClientHall({
      tokens: state.clientTokens,
      oidc: verifier,
      accounts: this.#accounts,
      router,
      limits,
      domain,
      open,
      logger,
    });
    const api = this.#makeApi();
    this.#door = new FrontDoor({ address, tls, limits, guests: this.#makeGuests(), api, logger });
  }

  get url(): string {
    return this.#parts.address.url(this.#port);
  }

  get domain(): string {
    return this.#parts.domain;
  }

  online(): string[] {
    return this.#online.all().map(({ serviceId }) => serviceId);
  }

  async listen(at: ListenAddress): Promise<void> {
    this.#port = await this.#door.listen(at);
    this.#unwatch = this.#parts.state.watch({
      clientTokens: () => this.#clients.recheck(),
      services: () => this.#services.recheck(),
      onProblem: ({ code, message }) => {
        this.#logger.error({ code, reason: message }, 'the data folder cannot be followed');
      },
    });
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const reason = shuttingDown();
    this.#door.shut();
    this.#services.close(reason);
    for (const link of this.#links()) link.goAway();
    await this.#drain();
    for (const link of this.#links()) link.close(reason);
    await this.#door.close(closingMs);
    this.#unwatch();
    await this.#parts.release();
  }

  async #drain(): Promise<void> {
    const giveUpAt = performance.now() + this.#parts.limits.drainMs;
    const busy = (): boolean => this.#links().some((link) => link.streamCount > 0);
    while (busy() && performance.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, drainCheckMs));
    }
  }

  #links(): Link[] {
    return [...this.#clients.links, ...this.#online.all().map(({ link }) => link)];
  }

  #makeGuests(): FrontDoorGuests {
    return {
      client: async (bearer) => {
        this.#refuseWhenStopping();
        const admission = await this.#clients.admit(bearer);
        if (this.#stopped === null) return admission;
        admission.abandon();
        throw shuttingDown();
      },
      service: async () => {
        this.#refuseWhenStopping();
        return this.#services.admit();
      },
      services: async (bearer) => this.#listServices(bearer),
    };
  }

  #makeApi(): DeviceApi {
    const { address, cors, verifier, limits, logger, segments } = this.#parts;
    return new DeviceApi({
      address,
      cors,
      oidc: verifier,
      users: new ApiUsers(this.#accounts, limits),
      online: this.#online,
      blobs: new BlobApi({ store: segments, online: this.#online, limits }),
      limits,
      logger,
      stopping: () => this.#stopped !== null,
    });
  }

  #refuseWhenStopping(): void {
    if (this.#stopped !== null) throw shuttingDown();
  }

  async #listServices(bearer: string | null): Promise<unknown> {
    const { serviceIds } = await this.#clients.grantFor(bearer);
    const reachable = this.#online.all().filter(({ serviceId }) => mayReach(serviceIds, serviceId));
    const services = reachable.map(({ serviceId, since }) => ({ serviceId, since: since.toJSON() }));
    return { domain: this.domain, services };
  }
}

/** @throws GatehouseError `usage`, `storage_failed` */
function openBlobCache(
  { dataFolder, blobCacheBytes: maxBytes = defaultBlobCacheBytes }: RelayOptions,
  logger: Logger,
): Promise<SegmentStore> {
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 0) {
    throw new GatehouseError('usage', 'The blob cache has a whole number of bytes, and 0 for none.');
  }
  return SegmentStore.open({ folder: join(dataFolder, 'blobs'), maxBytes, logger });
}

function shuttingDown(): GatehouseError {
  return new GatehouseError('shutting_down', 'The relay is stopping. Connect again in a moment.');
}

function checkDomain(domain: string): void {
  if (/^[A-Za-z0-9._-]{1,64}$/.test(domain)) return;
  throw new GatehouseError(
    'usage',
    'A domain name has 1 to 64 letters, digits, dots, dashes and underscores.',
  );
}
