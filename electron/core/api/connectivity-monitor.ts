// Whether the service is reachable, measured and not assumed: a round trip through the link to the relay every 15 s,
// and every change of the link with its cause. It must never report an old measurement as a new one.
import { setTimeout as delay } from 'node:timers/promises';
import type { LinkEvent, LinkState, Measurement } from '../../../shared/contracts/console/models.ts';
import type { RelayState } from '../endpoint/relay-link.ts';
import type { Installation } from '../installation.ts';

/** Time between measurements, in milliseconds. */
const measureEveryMs = 15_000;
/** A ping that takes longer counts as none, in milliseconds. */
const pingPatienceMs = 10_000;
const maxMeasurements = 60;
const maxHistory = 50;

export class ConnectivityMonitor {
  readonly #installation: Installation;
  readonly #listeners = new Set<() => void>();
  readonly #timer: NodeJS.Timeout;
  readonly #unlisten: () => void;
  #link: LinkState = { state: 'stopped' };
  #history: readonly LinkEvent[] = [];
  #measurements: readonly Measurement[] = [];

  constructor(installation: Installation) {
    this.#installation = installation;
    this.#unlisten = installation.listen({
      onRelayState: (state) => this.#changed(state),
    });
    if (installation.serving) this.#changed(installation.service.relayState);
    this.#timer = setInterval(() => void this.measure(), measureEveryMs).unref();
  }

  get link(): LinkState {
    return this.#link;
  }

  /** Newest first. */
  get history(): readonly LinkEvent[] {
    return this.#history;
  }

  /** Oldest first. */
  get measurements(): readonly Measurement[] {
    return this.#measurements;
  }

  /** Measures now; null where there is no connection, or no answer in time. */
  async measure(): Promise<Measurement | null> {
    if (!this.#installation.serving) return null;
    const latencyMs = await inTime(this.#installation.service.relay.ping());
    if (latencyMs === null) return null;
    const measurement = { at: Date.now(), latencyMs };
    this.#measurements = [...this.#measurements, measurement].slice(-maxMeasurements);
    this.#tell();
    return measurement;
  }

  /** Returns the unsubscribe. */
  onChange(tell: () => void): () => void {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#unlisten();
  }

  #changed(state: RelayState): void {
    this.#link = linkState(state);
    const event = eventOf(this.#link, this.#history[0]);
    if (event !== null) this.#history = [event, ...this.#history].slice(0, maxHistory);
    this.#tell();
    // The service is not yet known to be serving in the turn that its link comes up.
    if (state.state === 'online') setImmediate(() => void this.measure());
  }

  #tell(): void {
    for (const tell of this.#listeners) tell();
  }
}

function linkState(state: RelayState): LinkState {
  switch (state.state) {
    case 'connecting':
      return { state: 'connecting', attempt: state.attempt };
    case 'online':
      return { state: 'online', since: state.since };
    case 'offline':
      return { state: 'offline', cause: state.cause.toJSON(), retryAt: Date.now() + state.retryInMs };
    case 'stopped':
      return { state: 'stopped' };
  }
}

/** The change that `link` is; null for tries that fail again for the same reason. */
function eventOf(link: LinkState, last: LinkEvent | undefined): LinkEvent | null {
  if (link.state === 'online') return { at: link.since, state: 'online', cause: null };
  if (link.state !== 'offline') return null;
  if (last?.state === 'offline' && last.cause?.code === link.cause.code) return null;
  return { at: Date.now(), state: 'offline', cause: link.cause };
}

async function inTime(ping: Promise<number | null>): Promise<number | null> {
  const late = new AbortController();
  const tooLate = delay(pingPatienceMs, null, { signal: late.signal, ref: false });
  tooLate.catch(() => undefined); // ends by abort where the answer was first
  try {
    return await Promise.race([ping.catch(() => null), tooLate]);
  } finally {
    late.abort();
  }
}
