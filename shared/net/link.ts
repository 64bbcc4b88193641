// A yamux session over a WebSocket channel, with keep-alive: one end of a hop between relay and endpoint.
// A peer that stops answering pings and is not heard otherwise is cut off, so that a half-open connection
// never looks alive. Must call none of its handlers before its constructor has returned.
import { GatehouseError } from '../contracts/errors.ts';
import { YamuxSession } from '../wire/session.ts';
import type { YamuxRole } from '../wire/session.ts';
import type { WireLimits } from '../wire/limits.ts';
import type { YamuxStream } from '../wire/stream.ts';
import { closeCode } from './channel.ts';
import type { WebSocketChannel } from './channel.ts';

export interface LinkOptions {
  readonly role: YamuxRole;
  readonly limits?: Partial<WireLimits>;
  /** Time between keep-alive pings, in milliseconds; at most 25,000. Default 20,000. */
  readonly keepAliveMs?: number;
  /** Time for which nothing may be heard while a ping is unanswered, in milliseconds. Default 10,000. */
  readonly keepAliveTimeoutMs?: number;
  /** The peer opened a stream: attach a consumer before returning, or reset it. */
  readonly onStream: (stream: YamuxStream) => void;
  /** Over, exactly once, after all streams have been closed. */
  readonly onClosed: (error: GatehouseError) => void;
  /** The peer takes no new streams. */
  readonly onGoingAway?: () => void;
}

export class Link {
  readonly #channel: WebSocketChannel;
  readonly #session: YamuxSession;
  readonly #options: LinkOptions;
  readonly #timer: NodeJS.Timeout;
  #timeout: NodeJS.Timeout | null = null;
  #roundTripMs: number | null = null;
  /** Whether anything has arrived since the keep-alive time-out was last set. */
  #heard = false;
  #error: GatehouseError | null = null;

  constructor(channel: WebSocketChannel, options: LinkOptions) {
    this.#channel = channel;
    this.#options = options;
    const keepAliveMs = options.keepAliveMs ?? 20_000;
    if (!(keepAliveMs > 0 && keepAliveMs <= 25_000)) {
      throw new GatehouseError('usage', 'keepAliveMs must be above 0 and at most 25,000.');
    }
    this.#session = new YamuxSession(options.role, channel, this.#makeEvents(), options.limits);
    this.#timer = setInterval(() => {
      this.#keepAlive();
    }, keepAliveMs);
    this.#timer.unref();
    queueMicrotask(() => {
      this.#start();
    });
  }

  /** The last measured round trip, in milliseconds; null before the first. */
  get roundTripMs(): number | null {
    return this.#roundTripMs;
  }

  get streamCount(): number {
    return this.#session.streamCount;
  }

  get closed(): boolean {
    return this.#session.closed;
  }

  /** @throws GatehouseError `wire_closed` */
  openStream(): YamuxStream {
    return this.#session.open();
  }

  /** Measures a round trip now; `measured` gets milliseconds. */
  ping(measured: (milliseconds: number) => void): void {
    const start = performance.now();
    this.#session.ping(() => {
      this.#roundTripMs = performance.now() - start;
      measured(this.#roundTripMs);
    });
  }

  /** Asks the peer to open no more streams. */
  goAway(): void {
    this.#session.goAway();
  }

  /** Closes all streams and the connection. */
  close(error: GatehouseError = new GatehouseError('wire_closed', 'The connection was closed.')): void {
    this.#channel.close(error, error.code === 'wire_closed' ? closeCode.normal : closeCode.refused);
    this.#end(error);
  }

  #start(): void {
    this.#channel.start({
      binary: (chunk) => {
        this.#heard = true;
        this.#session.receive(chunk);
      },
      drained: () => {
        this.#session.drained();
      },
      closed: (error) => {
        this.#end(error);
      },
    });
  }

  #makeEvents(): ConstructorParameters<typeof YamuxSession>[2] {
    return {
      stream: (stream) => {
        this.#options.onStream(stream);
      },
      goingAway: () => {
        this.#options.onGoingAway?.();
      },
      closed: (error) => {
        if (error !== null && this.#error === null) this.#channel.close(error, closeCode.protocolError);
        this.#end(error ?? new GatehouseError('wire_closed', 'The connection was closed.'));
      },
    };
  }

  #keepAlive(): void {
    if (this.#timeout !== null) return;
    this.#awaitAnswer();
    this.ping(() => {
      if (this.#timeout !== null) clearTimeout(this.#timeout);
      this.#timeout = null;
    });
  }

  /** What is heard counts as well: on a slow way that is full, the answer itself may take its time. */
  #awaitAnswer(): void {
    this.#heard = false;
    this.#timeout = setTimeout(() => {
      if (this.#heard) this.#awaitAnswer();
      else this.#cutOff();
    }, this.#options.keepAliveTimeoutMs ?? 10_000);
    this.#timeout.unref();
  }

  #cutOff(): void {
    const error = new GatehouseError('keepalive_timeout', 'The other end stopped answering.');
    this.#channel.terminate(error);
    this.#end(error);
  }

  #end(error: GatehouseError): void {
    if (this.#error !== null) return;
    this.#error = error;
    clearInterval(this.#timer);
    if (this.#timeout !== null) clearTimeout(this.#timeout);
    this.#session.close(error);
    this.#options.onClosed(error);
  }
}
