// Routes the streams that clients open: reads the header, sets `clientId` from what was verified, checks what the
// client's token allows, and joins the stream to one that it opens to the service. It never reads past the header.
import type { Logger } from 'pino';
import { asGatehouseError, GatehouseError } from '../contracts/errors.ts';
import { readPrefixed } from '../net/prefixed.ts';
import type { Prefixed } from '../net/prefixed.ts';
import { encodeStreamAnswer, encodeStreamHeader, parseStreamHeader } from '../net/stream-header.ts';
import type { StreamHeader } from '../net/stream-header.ts';
import type { YamuxStream } from '../wire/stream.ts';
import type { RelayLimits } from './limits.ts';
import type { OnlineServices } from './online-services.ts';
import { splice } from './splice.ts';
import type { BufferMeter } from './splice.ts';
import type { ClientGrant } from './state/client-tokens.ts';

/** Time a client has to close a refused stream, in milliseconds. */
const refusalLingerMs = 2000;

/** What the router needs to know of the client whose stream it is. */
export interface StreamOwner {
  readonly grant: ClientGrant;
  readonly meter: BufferMeter;
  /** Why the client may open no stream now; null where it may. */
  refusalNow(): GatehouseError | null;
}

type RouterLimits = Pick<RelayLimits, 'headerTimeoutMs' | 'maxStreamsPerService'>;

export class StreamRouter {
  readonly #online: OnlineServices;
  readonly #limits: RouterLimits;
  readonly #logger: Logger;

  constructor(online: OnlineServices, limits: RouterLimits, logger: Logger) {
    this.#online = online;
    this.#limits = limits;
    this.#logger = logger;
  }

  /** Takes a stream that a client has opened. Never throws. */
  accept(stream: YamuxStream, owner: StreamOwner): void {
    const refusal = owner.refusalNow();
    if (refusal !== null) {
      refuseStream(stream, refusal);
      return;
    }
    readPrefixed(stream, this.#limits.headerTimeoutMs, {
      arrived: (prefixed) => {
        this.#route(stream, owner, prefixed);
      },
      failed: ({ code }) => {
        this.#logger.debug({ user: owner.grant.user, code }, 'stream ended before its header');
      },
      refused: (refusal) => {
        this.#refuse(stream, owner, refusal);
      },
    });
  }

  #route(stream: YamuxStream, owner: StreamOwner, { json, rest }: Prefixed): void {
    try {
      const header = parseStreamHeader(json);
      const upstream = this.#open(header, owner.grant);
      const { kind, serviceId } = header;
      const rewritten = encodeStreamHeader({ v: 1, kind, serviceId, clientId: owner.grant.user });
      splice(stream, upstream, rewritten, rest, owner.meter);
    } catch (error) {
      this.#refuse(stream, owner, asGatehouseError(error));
    }
  }

  #refuse(stream: YamuxStream, owner: StreamOwner, refusal: GatehouseError): void {
    this.#logger.debug({ user: owner.grant.user, code: refusal.code }, 'stream refused');
    refuseStream(stream, refusal);
  }

  /** @throws GatehouseError `not_authorised`, `service_offline`, `limit_exceeded` */
  #open({ kind, serviceId }: StreamHeader, { serviceIds }: ClientGrant): YamuxStream {
    if (kind !== 'e2ee' && kind !== 'plain') {
      throw new GatehouseError(
        'not_authorised',
        `A client opens streams of kind e2ee or plain, not ${kind}.`,
      );
    }
    if (!mayReach(serviceIds, serviceId)) {
      const message = `The relay token does not reach ${serviceId}. Ask whoever runs the relay for one that does.`;
      throw new GatehouseError('not_authorised', message);
    }
    return openServiceStream(this.#online, serviceId, this.#limits.maxStreamsPerService);
  }
}

/** A new stream to a service that is connected. @throws GatehouseError `service_offline`, `limit_exceeded` */
export function openServiceStream(
  online: OnlineServices,
  serviceId: string,
  maxStreams: number,
): YamuxStream {
  const service = online.get(serviceId);
  if (service === undefined) throw offline(serviceId);
  if (service.link.streamCount >= maxStreams) {
    const message = `${serviceId} has too many open streams. Try again in a moment.`;
    throw new GatehouseError('limit_exceeded', message);
  }
  try {
    return service.link.openStream();
  } catch (cause) {
    throw offline(serviceId, cause);
  }
}

export function mayReach(serviceIds: readonly string[] | null, serviceId: string): boolean {
  return serviceIds === null || serviceIds.includes(serviceId);
}

function offline(serviceId: string, cause?: unknown): GatehouseError {
  const message = `${serviceId} is not connected to this relay. Check the id, and that the service runs and uses this relay.`;
  return new GatehouseError('service_offline', message, { cause });
}

/** Says why and ends the stream; what still arrives is dropped and not credited. */
function refuseStream(stream: YamuxStream, { code, message }: GatehouseError): void {
  const linger = setTimeout(() => {
    stream.reset();
  }, refusalLingerMs);
  linger.unref();
  stream.attach({
    data: () => undefined,
    end: () => undefined,
    sent: () => undefined,
    closed: () => {
      clearTimeout(linger);
    },
  });
  stream.write(encodeStreamAnswer({ code, message }));
  stream.end();
}
