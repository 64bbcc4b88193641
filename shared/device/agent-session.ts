// The agent's side of one session: opens requests, each once, and seals their answers, each once. A counter is marked
// after its tag has verified and before anybody sees the request. It must never hand out what did not verify, seal two
// answers under one counter, or tell a forged request from a changed one.
import { GatehouseError } from '../contracts/errors.ts';
import type { Bytes } from './bytes.ts';
import type { ByteSource } from './chunks.ts';
import { steadyClock, type Clock } from './clock.ts';
import type { SessionKeys } from './handshake.ts';
import { checkDeviceSessionLimits, maxDeviceSessionLimits, type DeviceSessionLimits } from './limits.ts';
import { direction, openMessage, readMessageHead, sealMessage, type MessagePlace } from './messages.ts';
import { decodeRequest, encodeAnswer, type AnswerPayload, type RequestPayload } from './payload.ts';
import { ReplayWindow } from './replay-window.ts';
import { expired, SessionLife } from './session-life.ts';
import { sealStreamedAnswer } from './streamed-answer.ts';

export interface AgentSessionOptions {
  readonly sessionId: string;
  readonly keys: SessionKeys;
  readonly limits?: DeviceSessionLimits;
  readonly clock?: Clock;
  /** Once, when the keys are gone. */
  readonly onEnd?: () => void;
}

/** `started`: no authentic request yet. */
export type AgentSessionState = 'started' | 'live' | 'ending' | 'ended';

export interface OpenedRequest extends RequestPayload {
  readonly counter: number;
}

export class AgentSession {
  readonly sessionId: string;
  readonly limits: DeviceSessionLimits;
  readonly #life: SessionLife;
  readonly #seen: ReplayWindow;
  /** Accepted counters whose answer has not been begun. */
  readonly #owed = new Set<number>();
  #accepted = 0;
  #replays = 0;

  constructor(options: AgentSessionOptions) {
    const { sessionId, keys, limits = maxDeviceSessionLimits, clock = steadyClock() } = options;
    this.sessionId = sessionId;
    this.limits = checkDeviceSessionLimits(limits);
    this.#seen = new ReplayWindow(limits.requests);
    const onEnd = (): void => options.onEnd?.();
    this.#life = new SessionLife(keys, { lifetimeMs: limits.lifetimeSeconds * 1000, clock, onEnd });
  }

  get state(): AgentSessionState {
    const state = this.#life.state;
    return state === 'live' && this.#accepted === 0 ? 'started' : state;
  }

  get ageMs(): number {
    return this.#life.ageMs;
  }

  /** Requests accepted so far. */
  get requests(): number {
    return this.#accepted;
  }

  /** Authentic requests that came again and were refused. */
  get replays(): number {
    return this.#replays;
  }

  /**
   * The request in `body`, the first and only time. Each one opened must be answered by `seal`, `sealStream` or
   * `abandon`.
   * @throws GatehouseError `SESSION_EXPIRED`, `REQUEST_NOT_AUTHENTIC`, `REQUEST_REPLAYED`, `body_malformed`
   */
  async open(body: Bytes): Promise<OpenedRequest> {
    if (this.#life.state !== 'live') throw expired();
    const counter = readMessageHead(body)?.counter ?? 0;
    if (!this.#seen.holds(counter)) throw counter === 0 ? notAuthentic() : expired();
    const place = { sessionId: this.sessionId, direction: direction.toAgent, counter };
    const plaintext = await openMessage(this.#life.keys().toAgent, place, body);
    if (plaintext === null) throw notAuthentic();
    this.#accept(counter);
    const request = decodeRequest(plaintext);
    if (request !== null) return { counter, ...request };
    this.abandon(counter);
    throw new GatehouseError('body_malformed', 'The request is authentic, but not of the expected form.');
  }

  /** @throws GatehouseError `SESSION_EXPIRED` when the grace is over, `internal` for a counter that is owed no answer */
  async seal(counter: number, answer: AnswerPayload): Promise<Bytes> {
    this.#begin(counter);
    try {
      return await sealMessage(this.#life.keys().toApp, this.#answerPlace(counter), encodeAnswer(answer));
    } finally {
      this.#life.settle();
    }
  }

  /** A streamed answer; it breaks off with `SESSION_EXPIRED` when the grace is over. Otherwise as `seal`. */
  async *sealStream(counter: number, answer: AnswerPayload, body: ByteSource): AsyncGenerator<Bytes> {
    this.#begin(counter);
    try {
      const { streams } = this.#life.keys();
      for await (const bytes of sealStreamedAnswer(streams, this.#answerPlace(counter), answer, body)) {
        this.#life.keys();
        yield bytes;
      }
    } finally {
      this.#life.settle();
    }
  }

  /** No answer will come for this counter. */
  abandon(counter: number): void {
    if (this.#owed.delete(counter)) this.#life.settle();
  }

  /** Revoked, stopped or replaced: the keys go at once. */
  end(): void {
    this.#life.end();
  }

  /** Without an await between the look at the window and the mark, so that of two equal requests one is refused. */
  #accept(counter: number): void {
    if (this.#life.state !== 'live') throw expired();
    if (!this.#seen.mark(counter)) {
      this.#replays += 1;
      const message = 'The request has been accepted before and is not done again.';
      throw new GatehouseError('REQUEST_REPLAYED', message, { details: { counter } });
    }
    this.#owed.add(counter);
    this.#life.owe();
    this.#accepted += 1;
    if (this.#accepted >= this.limits.requests) this.#life.expire();
  }

  #begin(counter: number): void {
    if (this.#owed.delete(counter)) return;
    throw new GatehouseError('internal', 'A request of a device session is answered once.');
  }

  #answerPlace(counter: number): MessagePlace {
    return { sessionId: this.sessionId, direction: direction.toApp, counter };
  }
}

function notAuthentic(): GatehouseError {
  const message =
    'The request cannot be decrypted in this session. Something may have changed it on its way.';
  return new GatehouseError('REQUEST_NOT_AUTHENTIC', message);
}
