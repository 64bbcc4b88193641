// The services that are connected now, by id. A service that connects again, having proved its key, takes its old
// connection over: a half-open one must not keep it out.
import { GatehouseError } from '../contracts/errors.ts';
import type { Link } from '../net/link.ts';

export interface OnlineService {
  readonly serviceId: string;
  /** base64url */
  readonly publicKey: string;
  readonly since: Date;
  readonly link: Link;
}

export class OnlineServices {
  readonly #services = new Map<string, OnlineService>();

  /** Puts the service online; closes the connection that it had before. */
  add(service: OnlineService): void {
    const earlier = this.#services.get(service.serviceId);
    this.#services.set(service.serviceId, service);
    earlier?.link.close(
      new GatehouseError(
        'service_replaced',
        'The same service connected again and took this connection over.',
      ),
    );
  }

  /** The connection ended: takes the service offline, unless a newer connection has taken over. */
  remove(serviceId: string, link: Link): void {
    if (this.#services.get(serviceId)?.link === link) this.#services.delete(serviceId);
  }

  get(serviceId: string): OnlineService | undefined {
    return this.#services.get(serviceId);
  }

  all(): OnlineService[] {
    return [...this.#services.values()];
  }
}
