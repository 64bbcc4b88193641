// The services that dial in: each proves its key on a new connection before anything else, and is then online.
// A service that is forgotten is put out. What a service opens towards the relay is refused.
import type { Logger } from 'pino';
import { GatehouseError } from '../contracts/errors.ts';
import { closeCode } from '../net/channel.ts';
import type { WebSocketChannel } from '../net/channel.ts';
import { Link } from '../net/link.ts';
import { refuseOpening, sendOpening } from '../net/opening.ts';
import type { EnrolledService, Enrolment } from './enrolment.ts';
import type { Admission } from './front-door.ts';
import { publicError } from './http-answer.ts';
import type { RelayLimits } from './limits.ts';
import type { OnlineServices } from './online-services.ts';
import type { PinnedServices } from './state/pinned-services.ts';

export interface ServiceHallOptions {
  readonly enrolment: Enrolment;
  readonly pinned: PinnedServices;
  readonly online: OnlineServices;
  readonly limits: RelayLimits;
  readonly domain: string;
  readonly logger: Logger;
}

export class ServiceHall {
  readonly #options: ServiceHallOptions;
  readonly #proving = new Set<WebSocketChannel>();
  #pending = 0;
  #closed = false;

  constructor(options: ServiceHallOptions) {
    this.#options = options;
  }

  /** @throws GatehouseError `limit_exceeded` */
  admit(): Admission {
    if (this.#pending >= this.#options.limits.maxPendingOpenings) {
      const message = 'Too many services are proving their key at once. Try again in a few seconds.';
      throw new GatehouseError('limit_exceeded', message);
    }
    this.#pending += 1;
    return {
      accept: (channel) => void this.#prove(channel),
      abandon: () => {
        this.#pending -= 1;
      },
    };
  }

  /** Takes nobody any more, and turns away whoever has not finished proving its key. */
  close(reason: GatehouseError): void {
    this.#closed = true;
    for (const channel of this.#proving) channel.close(reason, closeCode.refused);
  }

  /** Puts out every service that is no longer enrolled with its key. @throws GatehouseError `storage_failed` */
  async recheck(): Promise<void> {
    for (const { serviceId, publicKey, link } of this.#options.online.all()) {
      if ((await this.#pinnedKey(serviceId, publicKey)) === publicKey) continue;
      link.close(
        new GatehouseError('not_authorised', 'The relay has forgotten this service. Enrol it again.'),
      );
    }
  }

  /** A corrupt record says nothing against a service that has proved itself: it stays until it connects again. */
  async #pinnedKey(serviceId: string, proved: string): Promise<string | null> {
    try {
      return await this.#options.pinned.keyOf(serviceId);
    } catch (error) {
      if (!(error instanceof GatehouseError) || error.code !== 'relay_record_corrupt') throw error;
      this.#options.logger.error(
        { code: error.code, reason: error.message },
        'an enrolled key cannot be read',
      );
      return proved;
    }
  }

  async #prove(channel: WebSocketChannel): Promise<void> {
    const { enrolment, logger } = this.#options;
    const from = channel.remoteAddress;
    this.#proving.add(channel);
    try {
      const service = await enrolment.admit(channel);
      if (this.#closed)
        throw new GatehouseError('shutting_down', 'The relay is stopping. Connect again in a moment.');
      this.#putOnline(channel, service);
    } catch (error) {
      const refusal = publicError(error, logger);
      logger.info({ from, code: refusal.code }, 'service refused');
      refuseOpening(channel, refusal);
    } finally {
      this.#pending -= 1;
      this.#proving.delete(channel);
    }
  }

  #putOnline(channel: WebSocketChannel, { serviceId, publicKey }: EnrolledService): void {
    const { online, domain, logger } = this.#options;
    const about = { serviceId, from: channel.remoteAddress };
    sendOpening(channel, { type: 'welcome', v: 1, domain, serviceId });
    const link: Link = new Link(channel, {
      role: 'listener',
      limits: { maxInboundStreams: 0 },
      onStream: (stream) => {
        stream.reset();
      },
      onClosed: ({ code }) => {
        online.remove(serviceId, link);
        logger.info({ ...about, code }, 'service offline');
      },
    });
    online.add({ serviceId, publicKey, since: new Date(), link });
    logger.info(about, 'service online');
  }
}
