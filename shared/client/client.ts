// A client of one relay: the entry to services, and the record of every request. Made by `login`.
import type { Capabilities } from '../contracts/capabilities.ts';
import { GatehouseError } from '../contracts/errors.ts';
import { isServiceId } from '../contracts/service-id.ts';
import { RequestList } from './client-request.ts';
import type { ClientRequest } from './client-request.ts';
import { parseCredentials } from './credentials.ts';
import type { ServiceCredentials } from './credentials.ts';
import { askService } from './establish.ts';
import type { ServiceContext } from './establish.ts';
import type { RelayConnection } from './relay-connection.ts';
import type { RecordRequest } from './rpc.ts';
import { Service } from './service.ts';

export class Client {
  readonly #relay: RelayConnection;
  readonly #context: Omit<ServiceContext, 'source'>;
  readonly #requestLimit: number;
  readonly #requests: RequestList;
  readonly #services = new Set<Service>();
  readonly #record: RecordRequest = (request) => {
    this.#requests.add(request);
  };

  /** For the library alone: `login` makes one. */
  constructor(relay: RelayConnection, context: Omit<ServiceContext, 'source'>, requestLimit: number) {
    this.#relay = relay;
    this.#context = context;
    this.#requestLimit = requestLimit;
    this.#requests = new RequestList(requestLimit);
  }

  /** Whom the relay takes this client for: the relay's word. */
  get clientId(): string {
    return this.#relay.names.clientId;
  }

  /** What the relay calls its domain: the relay's word. */
  get domainName(): string {
    return this.#relay.names.domainName;
  }

  /** The newest requests of this client, oldest first; bounded by `requestLimit`. */
  get requests(): readonly ClientRequest[] {
    return this.#requests.all;
  }

  /**
   * Addresses a service: opens the session, checks its certificate against the fingerprint where one is given,
   * and verifies the session where a token is given. Dials the relay where the connection has ended.
   * @throws GatehouseError `fingerprint_required`, `fingerprint_invalid`, `access_token_malformed`, `usage` (all
   * before anything is sent); `fingerprint_mismatch`, `access_token_required`, `access_token_rejected`,
   * `service_not_verified`, `downgrade_detected`, `service_offline`, `not_authorised`, `relay_unreachable`, …
   */
  async serviceCloud(serviceId: string, credentials: ServiceCredentials = {}): Promise<Service> {
    parseCredentials(credentials);
    checkServiceId(serviceId);
    const service: Service = new Service({
      serviceId,
      credentials,
      context: { ...this.#context, source: this.#relay },
      requestLimit: this.#requestLimit,
      record: this.#record,
      onClosed: () => this.#services.delete(service),
    });
    this.#services.add(service);
    try {
      await service.connect();
      return service;
    } catch (error) {
      service.close();
      throw error;
    }
  }

  /**
   * What a service says of itself, also where it answers nothing else without an access token; the token, if one
   * is given, is not used. @throws GatehouseError as `serviceCloud`, but for the `access_token_` codes
   */
  async capabilities(serviceId: string, credentials: ServiceCredentials = {}): Promise<Capabilities> {
    const trust = parseCredentials(credentials);
    checkServiceId(serviceId);
    const context = { ...this.#context, source: this.#relay };
    const { signal } = new AbortController();
    return askService(context, { serviceId, trust, record: this.#record, signal });
  }

  /** Ends all services and the connection with the relay; resolves when nothing of it is left. */
  async close(): Promise<void> {
    for (const service of [...this.#services]) service.close();
    await this.#relay.close();
  }
}

function checkServiceId(serviceId: string): void {
  if (isServiceId(serviceId)) return;
  throw new GatehouseError(
    'usage',
    'A service id looks like abcd-efgh-2345. The service shows its own at start.',
  );
}
